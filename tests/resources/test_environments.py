"""Environments and machines as resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from core.environments.settings import LIMITS
from core.errors import InvalidInputError, NotFoundError
from core.machines import usage
from core.resources.environments import ENVIRONMENTS
from core.resources.machines import MACHINES
from tests.resources.conftest import listed

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.resources.form import Form
    from core.session import Session
    from core.storage.files import File


def form() -> Form[Any]:
    assert ENVIRONMENTS.form is not None
    return ENVIRONMENTS.form


def machine(session: Session, name: str, state: str = "idle", *, runs: int | None = None) -> None:
    with session.database.transaction() as connection:
        made = connection.execute(
            "INSERT INTO machines (uuid, environment_id, name, state, state_at, requested_at)"
            " VALUES (?, 1, ?, ?, 0, 0)",
            (name, name, state),
        ).lastrowid
        if runs is not None:
            connection.execute("UPDATE executions SET status = 'started', machine_id = ? WHERE id = ?", (made, runs))
            usage.enter(connection, made or 0, "execution", 0.0, runs)


def count(session: Session, status: str, number: int, *, team: int = 0) -> None:
    with session.database.transaction() as connection:
        connection.execute("INSERT OR REPLACE INTO execution_counts VALUES (1, 1, ?, 1, ?, ?)", (team, status, number))


def test_every_limit_is_asked_for_and_checked_by_its_own_rule(session: Session) -> None:
    fields = {field.key: field for field in form().fields}
    assert fields.keys() == {"slug", "kind", *LIMITS}
    local = ENVIRONMENTS.find(session, None, "local")
    for key, text in form().values(local).items():
        assert fields[key].problem(text) is None
        assert text or not fields[key].required
    for field in form().fields:
        if field.default:
            assert field.problem(field.default) is None
    assert "maximum_scale cannot be 'many'" in (fields["maximum_scale"].problem("many") or "")
    assert fields["maximum_scale"].problem("") == "Maximum scale is needed"
    assert fields["memory"].problem("1k") is not None
    assert fields["isolation"].problem("loose") is not None


def test_the_form_adds_and_changes(session: Session) -> None:
    add, edit = form().add, form().edited
    assert add is not None
    made = add(session, None, {"slug": "big", "memory": "8g", "scale_down_grace_period": "90s", "name": ""})
    values = form().values(made)
    assert (values["slug"], values["memory"], values["scale_down_grace_period"]) == ("big", "8g", "90")
    changed = edit(session, made, {"maximum_scale": "1", "enabled": "off"})
    assert (changed.environment.maximum_scale, changed.environment.enabled) == (1, False)
    with pytest.raises(InvalidInputError) as error:
        edit(session, made, {"minimum_scale": "7"})
    assert error.value.field == "minimum_scale"
    with pytest.raises(InvalidInputError):
        add(session, None, {"slug": "No Slug"})


@pytest.mark.parametrize(
    ("answers", "running", "waiting", "told"),
    [
        ({"enabled": "off"}, 1, 3, "3 executions wait"),
        ({"enabled": "off"}, 1, 0, "what runs goes on (1 now)"),
        ({"enabled": "off"}, 0, 0, "it is the default: what names no environment is refused"),
        (
            {"maximum_scale": "1"},
            2,
            1,
            "2 run and will not be ended, 1 execution waits: at most 1 will run at once",
        ),
        ({"maximum_scale": "0"}, 0, 1, "1 execution waits: none will start"),
        ({"maximum_scale": "9"}, 2, 2, None),
        ({"maximum_scale": "1"}, 0, 1, None),
        ({"maximum_scale": "many"}, 2, 2, None),
        ({"name": "other"}, 2, 2, None),
    ],
)
def test_lowering_says_what_it_does(
    session: Session, answers: dict[str, str], running: int, waiting: int, told: str | None
) -> None:
    session.environments.set("local", maximum_scale="4")
    count(session, "started", running)
    count(session, "queued", waiting)
    foretell = form().consequence
    assert foretell is not None
    consequence = foretell(session, ENVIRONMENTS.find(session, None, "local"), answers)
    assert consequence is None if told is None else told in (consequence or "")


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"per_user_quota": "1"}, "more runs than the quota of a user would allow, and is not ended: "),
        ({"per_user_quota": "3"}, None),
        ({"per_user_quota": "0"}, None),
        ({"teams": "vision 2"}, "more runs than the quota of its team would allow, and is not ended: vision (3)"),
        ({"teams": "vision 3"}, None),
        ({"teams": "vision 0"}, "2 executions wait for vision and will not start: it may not use the environment"),
        ({"access": "teams", "teams": "audio"}, "2 executions wait for vision and will not start"),
        ({"price_per_hour": "2"}, "the new price holds for machines launched from then on, the one that is present"),
        ({"price_per_hour": "0.00"}, None),
        ({"maximum_scale": "4", "cpus": "1000"}, "may take 4000 CPUs in all"),
        ({"gpu_devices": "0,1", "gpus_per_machine": "1"}, "2 GPUs, 1 a machine, are enough for 2 of 4 machines"),
        ({"description": "other"}, None),
    ],
)
def test_what_a_change_would_do_is_said_before(session: Session, answers: dict[str, str], told: str | None) -> None:
    session.environments.set("local", maximum_scale="4")
    session.teams.create("audio")
    team = session.teams.create("vision")
    count(session, "started", 3, team=team.id)
    count(session, "queued", 2, team=team.id)
    machine(session, "machine-1")
    foretell = form().consequence
    assert foretell is not None
    consequence = foretell(session, ENVIRONMENTS.find(session, None, "local"), answers)
    assert consequence is None if told is None else told in (consequence or "")


def test_the_list_counts_and_the_description_names(session: Session, output: Callable[[str], File]) -> None:
    file = output("model.bin")
    machine(session, "machine-1", "leased", runs=file.execution_id)
    machine(session, "machine-2")
    machine(session, "machine-3", "gone")
    count(session, "started", 1)
    count(session, "queued", 2)
    (local,) = listed(session, ENVIRONMENTS)
    shown = {column.key: column.text(local, 100.0) for column in ENVIRONMENTS.columns}
    assert (local.machines, local.running) == (2, 1)
    assert (shown["busy"], shown["idle"], shown["waiting"]) == ("1", "1", "3")  # one was created, too
    assert ENVIRONMENTS.describe is not None
    _, queue, machines, _ = ENVIRONMENTS.describe(session, local)
    assert machines.pairs[0].address == f"execution id={file.execution_id}"
    assert "#1 train of penguins" in machines.pairs[0].text
    assert [pair.label for pair in machines.pairs] == ["machine-1", "machine-2"]
    assert "3 executions wait: the scheduler has not looked at it yet" in queue.pairs[0].text


def test_machines(session: Session, output: Callable[[str], File]) -> None:
    file = output("model.bin")
    machine(session, "machine-1", "leased", runs=file.execution_id)
    machine(session, "machine-2")
    assert [row.name for row in listed(session, MACHINES)] == ["machine-1", "machine-2"]
    assert [row.name for row in listed(session, MACHINES, where={"state": "idle"})] == ["machine-2"]
    assert listed(session, MACHINES, where={"environment": "other"}) == []
    assert [row.name for row in listed(session, MACHINES, text="TRAIN")] == ["machine-1"]
    found = MACHINES.find(session, None, "machine-1")
    assert MACHINES.opens is not None
    assert MACHINES.opens(found) == f"execution id={file.execution_id}"
    assert MACHINES.opens(MACHINES.find(session, None, "machine-2")) == "machine machine-2"
    with pytest.raises(NotFoundError):
        MACHINES.find(session, None, "machine-3")
