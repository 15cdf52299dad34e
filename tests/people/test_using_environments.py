"""Executions in environments: other names, mounts, and being moved when the environment goes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from core.errors import ConflictError, InvalidInputError, NotAllowedError
from core.executions import creation
from core.executions.mounts import allowed, real
from core.executions.transitions import queue, start
from core.projects.specification import MountRequest
from core.scheduler.machines import launch, lease
from tests.people.conftest import counted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from core.executions.execution import Execution
    from core.projects.service import Project
    from core.session import Session


def notes(session: Session, execution: Execution) -> list[str]:
    return [event.message for event in session.executions.events(execution) if event.kind == "note"]


def mounts(session: Session, execution: Execution) -> object:
    row = session.database.reader().execute("SELECT mounts FROM executions WHERE id = ?", (execution.id,)).fetchone()
    return json.loads(row["mounts"])


def test_a_step_s_environment_that_is_an_alias_runs_there_without_a_note(
    session: Session, create: Callable[..., Execution]
) -> None:
    (note,) = notes(session, create(session, "elsewhere"))
    assert "not known here" in note
    session.environments.create("big", aliases="aws-eu-west-1-t3")
    made = create(session, "elsewhere")
    assert (made.environment, notes(session, made)) == ("big", [])


def test_mounts_are_left_out_where_none_are_allowed_and_that_is_said(
    session: Session, create: Callable[..., Execution]
) -> None:
    made = create(session, "mounting")
    assert mounts(session, made) == []
    assert notes(session, made) == ["the step's mounts are left out: the environment 'local' allows none (mount_roots)"]


def test_mounts_below_a_root_are_kept_with_the_execution(session: Session, create: Callable[..., Execution]) -> None:
    session.environments.set("local", mount_roots="/srv/data\n/srv/models")
    made = create(session, "mounting")
    assert notes(session, made) == []
    assert mounts(session, made) == [
        {"source": "/srv/data/penguins", "target": "/data", "read_only": False},
        {"source": "/srv/models", "target": "/models", "read_only": True},
    ]
    assert mounts(session, session.executions.copy(made)) == mounts(session, made)


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("climbing", "it may lie below /srv/data$"),
        ("beside", "it may lie below /srv/data$"),
        ("mounting", "the mount of '/srv/models' at '/models' is not allowed"),
        ("covering", "not below /valohai"),
        ("remote", "of the type 'nfs'"),
    ],
)
def test_mounts_elsewhere_are_refused(session: Session, create: Callable[..., Execution], step: str, told: str) -> None:
    session.environments.set("local", mount_roots="/srv/data")
    with pytest.raises(InvalidInputError, match=told) as caught:
        create(session, step)
    assert caught.value.field == "mounts"


def test_what_shoal_keeps_is_never_mounted(session: Session) -> None:
    home = session.home.root
    environment = session.environments.set("local", mount_roots=str(home.parent))
    for source in (home, home / "store", home.parent):
        with pytest.raises(InvalidInputError, match="what Shoal itself keeps"):
            allowed(environment, [MountRequest(str(source), "/data")], home)
    assert allowed(environment, [MountRequest(str(home.parent / "data"), "/data")], home)


def test_a_link_below_a_root_leads_nowhere_else(session: Session, tmp_path: Path) -> None:
    root, secret = tmp_path / "root", tmp_path / "secret"
    for directory in (root / "data", secret):
        directory.mkdir(parents=True)
    (root / "link").symlink_to(secret)
    (root / "inner").symlink_to(root / "data")
    environment = session.environments.set("local", mount_roots=str(root))

    def asked(name: str) -> list[dict[str, object]]:
        return real(
            environment, [{"source": f"{root}/{name}", "target": "/data", "read_only": True}], session.home.root
        )

    assert asked("inner") == [{"source": f"{root}/data", "target": "/data", "read_only": True}]
    with pytest.raises(InvalidInputError, match=f"which is {secret}: the environment 'local' allows no mounts there"):
        asked("link")
    with pytest.raises(InvalidInputError, match="which is not there"):
        asked("missing")


def test_an_environment_in_which_something_runs_stays(session: Session, create: Callable[..., Execution]) -> None:
    big = session.environments.create("big")
    made = create(session, environment="big")
    with session.database.transaction() as connection:
        queue(connection, made.id)
        machine = launch(connection, big.id)
        assert machine is not None
        lease(connection, machine, made.id)
        start(connection, made.id, machine)
    with pytest.raises(ConflictError, match="1 execution runs there: wait for the end"):
        session.environments.delete("big", move_to="local")
    assert session.environments.exists("big")


def test_idle_machines_go_with_their_environment(session: Session) -> None:
    big = session.environments.create("big")
    with session.database.transaction() as connection:
        launch(connection, big.id)
    session.environments.delete("big")
    states = session.database.reader().execute("SELECT state, gone_at FROM machines").fetchall()
    assert [(row["state"], row["gone_at"] is not None) for row in states] == [("gone", True)]


def test_forty_that_wait_are_moved_and_counted_right(
    session: Session, ann: Session, create: Callable[..., Execution]
) -> None:
    session.environments.create("big")
    made = [create(who, environment="big", priority=1) for who in (session, ann) for _ in range(20)]
    with session.database.transaction() as connection:
        for execution in made[::3]:
            queue(connection, execution.id)
    with pytest.raises(ConflictError, match=r"40 executions wait there .--move-to OTHER"):
        session.environments.delete("big")
    with pytest.raises(InvalidInputError, match="itself"):
        session.environments.delete("big", move_to="big")
    session.environments.set("local", priority_allowed="off")
    assert session.environments.delete("big", move_to="local") == 40
    assert counted(session) == {(1, who.actor.id, 0, "created"): 20 for who in (session, ann)}
    moved = session.executions.by_id(made[0].id)
    assert (moved.environment, moved.status, moved.priority) == ("local", "created", 0)
    told = f"to local, since big was deleted by {session.actor.name}"
    assert ("moved", told) in [(event.kind, event.message) for event in session.executions.events(moved)]


def test_what_may_not_go_there_is_not_moved(
    session: Session, ann: Session, project: Project, create: Callable[..., Execution]
) -> None:
    session.environments.create("big", mount_roots="/srv")
    create(ann, "mounting", environment="big")
    with pytest.raises(InvalidInputError, match="#1 cannot be moved, stop it first: it mounts /srv/data/penguins"):
        session.environments.delete("big", move_to="local")
    session.teams.create("vision")
    session.environments.set("local", access="teams", teams="vision", mount_roots="/srv")
    with pytest.raises(NotAllowedError, match="'local'"):
        session.environments.delete("big", move_to="local")
    assert counted(session) == {(session.environments.get("big").id, ann.actor.id, 0, "created"): 1}
    session.environments.set("local", access="everyone")
    assert session.environments.delete("big", move_to="local") == 1
    assert session.executions.get(project, "latest").environment == "local"


def test_what_shoal_keeps_is_not_shown_by_moving_there_either(
    session: Session, project: Project, create: Callable[..., Execution]
) -> None:
    home = session.home.root
    session.environments.create("hosts", kind="hosts", mount_roots=str(home.parent))
    session.environments.set("local", mount_roots=str(home.parent))
    made = create(session, environment="hosts")
    mounted = json.dumps([{"source": str(home), "target": "/data", "read_only": True}])
    with session.database.transaction() as connection:
        connection.execute("UPDATE executions SET mounts = ? WHERE id = ?", (mounted, made.id))
    with pytest.raises(InvalidInputError, match="what Shoal itself keeps"):
        session.environments.delete("hosts", move_to="local")
    assert session.executions.get(project, "latest").environment == "hosts"


def test_nothing_is_created_in_an_environment_that_is_deleted_meanwhile(
    session: Session, create: Callable[..., Execution], monkeypatch: pytest.MonkeyPatch
) -> None:
    session.environments.create("big")
    looked_at = creation.check

    def check(*given: Any) -> Any:
        placements = looked_at(*given)
        session.environments.delete("big")
        return placements

    monkeypatch.setattr(creation, "check", check)
    with pytest.raises(ConflictError, match="'big' was deleted just now"):
        create(session, environment="big")
    assert counted(session) == {}


def test_ended_executions_still_show_where_they_ran(session: Session, create: Callable[..., Execution]) -> None:
    session.environments.create("big")
    ended = session.executions.stop(create(session, environment="big"))
    session.environments.delete("big")
    session.environments.create("big")
    assert session.executions.by_id(ended.id).environment == "big"
