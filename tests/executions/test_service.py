"""Making, listing, tagging and stopping executions, without running any."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.executions import transitions
from core.executions.listing import Filter, page_query
from core.executions.transitions import Outcome
from core.policy import Role
from core.projects.manifest import read_manifest
from core.projects.specification import specify
from core.session import Actor, Session
from data.changes import since

if TYPE_CHECKING:
    from pathlib import Path

    from core.executions.execution import Execution
    from core.projects.service import Commit, Project

YAML = """
- step:
    name: train
    image: busybox
    command: train {parameters}
    parameters:
      - {name: epochs, type: integer, default: 5, max: 10}
    inputs:
      - {name: data, optional: true}
"""


@pytest.fixture
def project(session: Session) -> Project:
    return session.projects.create("p")


@pytest.fixture
def commit(session: Session, project: Project, tmp_path: Path) -> Commit:
    directory = tmp_path / "code"
    directory.mkdir()
    (directory / "valohai.yaml").write_text(YAML)
    return session.projects.commit_working_tree(project, directory)


def create(session: Session, project: Project, commit: Commit, **given: object) -> Execution:
    return session.executions.create(project, commit, specify(read_manifest(commit.yaml), "train"), **given)  # type: ignore[arg-type]


def test_counters_rise_by_one_in_each_project(session: Session, project: Project, commit: Commit) -> None:
    assert [create(session, project, commit).counter for _ in range(3)] == [1, 2, 3]
    specifications = [specify(read_manifest(commit.yaml), "train", parameters={"epochs": n}) for n in (1, 2)]
    ids = session.executions.create_many(project, commit, specifications)
    assert [session.executions.by_id(id_).counter for id_ in ids] == [4, 5]
    assert [session.executions.by_id(id_).parameters for id_ in ids] == [{"epochs": 1}, {"epochs": 2}]
    assert session.executions.get(project, "latest").counter == 5
    assert session.executions.get(project, 2).counter == 2


def test_what_is_created_waits_and_is_on_the_feed(session: Session, project: Project, commit: Commit) -> None:
    execution = create(session, project, commit, title="A title", tags=["a", " b "])
    assert (execution.status, execution.title, set(execution.tags)) == ("created", "A title", {"a", "b"})
    assert execution.command == ["train --epochs=5"]
    change = since(session.database.reader(), 0)[-1]
    assert (change.kind, change.subject, change.what, change.actor) == (
        "execution",
        execution.id,
        "created",
        session.actor.id,
    )


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"priority": 2}, "priority"),
        ({"title": "x" * 201}, "title"),
        ({"title": "\x1b[31mred"}, "title"),
        ({"tags": [" "]}, "tag"),
        ({"tags": ["a\nb"]}, "tag"),
        ({"tags": ["x" * 129]}, "tag"),
    ],
)
def test_bad_input_is_named_and_nothing_is_created(
    session: Session, project: Project, commit: Commit, given: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        create(session, project, commit, **given)
    assert caught.value.field == field
    assert session.executions.list().rows == []
    assert create(session, project, commit).counter == 1


def test_a_disabled_or_unknown_environment_is_refused(session: Session, project: Project, commit: Commit) -> None:
    manifest = read_manifest(commit.yaml)
    with pytest.raises(NotFoundError, match="local"):
        session.executions.create(project, commit, specify(manifest, "train", environment="gpu"))
    session.environments.set("local", enabled="off")
    with pytest.raises(InvalidInputError, match="disabled"):
        create(session, project, commit)
    session.environments.set("local", enabled="on", priority_allowed="off")
    with pytest.raises(InvalidInputError, match="priorities"):
        create(session, project, commit, priority=1)


def test_pages_follow_one_another_without_a_gap(session: Session, project: Project, commit: Commit) -> None:
    manifest = read_manifest(commit.yaml)
    session.executions.create_many(project, commit, [specify(manifest, "train")] * 25)
    seen: list[int] = []
    after = None
    while True:
        page = session.executions.list(project, after=after, limit=10)
        seen.extend(execution.counter for execution in page.rows)
        after = page.next
        if after is None:
            break
    assert seen == list(range(25, 0, -1))


def test_lists_are_filtered(session: Session, project: Project, commit: Commit) -> None:
    first, second = create(session, project, commit, tags=["a"]), create(session, project, commit)
    session.executions.stop(first)
    assert [e.id for e in session.executions.list(project, statuses=["stopped"]).rows] == [first.id]
    assert [e.id for e in session.executions.list(project, tag="a").rows] == [first.id]
    assert len(session.executions.list(project, creator=session.actor.name).rows) == 2
    assert session.executions.list(project, creator="somebody").rows == []
    with pytest.raises(InvalidInputError, match="'waiting'"):
        session.executions.list(project, statuses=["waiting"])
    counts = session.executions.counts(project)
    assert (counts["created"], counts["stopped"], counts["complete"]) == (1, 1, 0)
    session.executions.add_tags(second, ["b", " b "])
    assert session.executions.by_id(second.id).tags == ("b",)


def test_an_execution_ends_once(session: Session, project: Project, commit: Commit) -> None:
    execution = create(session, project, commit)
    database = session.database
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO machines (id, uuid, environment_id, name, state, state_at, requested_at)"
            " VALUES (1, 'm', ?, 'm', 'leased', 0, 0)",
            (execution.environment_id,),
        )
        transitions.queue(connection, execution.id)
        assert transitions.start(connection, execution.id, 1) is not None
        assert transitions.start(connection, execution.id, 1) is None
    with database.transaction() as connection:
        assert transitions.end(connection, execution.id, Outcome("complete", "", 0))
        assert not transitions.end(connection, execution.id, Outcome("error", "late", 1))
    ended = session.executions.by_id(execution.id)
    assert (ended.status, ended.exit_code) == ("complete", 0)
    with pytest.raises(ConflictError, match="ended already"):
        session.executions.stop(ended)
    told = [(event.kind, event.message) for event in session.executions.events(ended)]
    assert told == [
        ("created", f"by {session.actor.name}"),
        ("queued", "for local"),
        ("started", f"on {ended.machine}"),
        ("complete", ""),
    ]


def test_the_kept_counts_are_the_real_ones(session: Session, project: Project, commit: Commit) -> None:
    chance = random.Random(3)
    database = session.database
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO machines (id, uuid, environment_id, name, state, state_at, requested_at)"
            " VALUES (1, 'm', 1, 'm', 'leased', 0, 0)"
        )
    for _ in range(150):
        action = chance.choice(["create", "queue", "queue_all", "start", "stop", "end"])
        ids = [execution.id for execution in session.executions.list(limit=1000).rows] or [0]
        id_ = chance.choice(ids)
        if action == "create":
            create(session, project, commit)
            continue
        with database.transaction() as connection:
            if action == "queue":
                transitions.queue(connection, id_)
            elif action == "queue_all":
                transitions.queue_all(connection, 1, session.actor.id, 0)
            elif action == "start":
                transitions.start(connection, id_, 1)
            elif action == "stop":
                _ = transitions.stop_waiting(connection, id_, 1, "") or transitions.begin_stopping(
                    connection, id_, 1, ""
                )
            else:
                transitions.end(connection, id_, Outcome("error", "", 1))
    query = (
        "SELECT environment_id, user_id, team_id, project_id, status, count(*) FROM executions GROUP BY 1, 2, 3, 4, 5"
        " EXCEPT SELECT * FROM execution_counts"
    )
    assert database.reader().execute(query).fetchall() == []
    total = database.reader().execute("SELECT sum(number), min(number) FROM execution_counts").fetchone()
    assert tuple(total) == (len(session.executions.list(limit=1000).rows), 0)


def test_sorted_by_the_latest_value_of_a_metadata_key(session: Session, project: Project, commit: Commit) -> None:
    from core.executions.metadata import MetadataWriter

    executions = [create(session, project, commit) for _ in range(4)]
    for execution, accuracy in zip(executions, [0.5, 0.9, 0.7], strict=False):
        with session.database.transaction() as connection:
            MetadataWriter(execution.id, project.id).write(connection, [(1, 0.0, {"accuracy": accuracy})])
    found = session.executions.sorted_by_metadata(project, "accuracy")
    assert [execution.counter for execution in found] == [2, 3, 1]
    lowest_first = session.executions.ids_by_metadata(project, "accuracy", descending=False)
    assert list(lowest_first) == [executions[0].id, executions[2].id, executions[1].id]


@pytest.mark.parametrize("descending", [True, False])
def test_numbers_come_before_whatever_else_a_key_held(
    session: Session, project: Project, commit: Commit, *, descending: bool
) -> None:
    from core.executions.metadata import MetadataWriter

    values = [0.5, "text", math.nan, 3, math.inf, True, None, [1], -2.0]
    executions = [create(session, project, commit) for _ in values]
    for execution, value in zip(executions, values, strict=True):
        with session.database.transaction() as connection:
            MetadataWriter(execution.id, project.id).write(connection, [(1, 0.0, {"accuracy": value})])
    found = session.executions.sorted_by_metadata(project, "accuracy", descending=descending)
    sorted_values = [values[execution.counter - 1] for execution in found]
    assert sorted_values[:3] == sorted([0.5, 3, -2.0], reverse=descending)
    assert len(found) == len(values)
    fewer = session.executions.sorted_by_metadata(project, "accuracy", descending=descending, limit=5)
    assert [execution.id for execution in fewer] == [execution.id for execution in found[:5]]


@pytest.mark.parametrize("of_project", [True, False])
@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Filter(), None),
        (Filter(statuses=["crashed"]), "executions_by_status"),
        (Filter(statuses=["crashed", "error"]), "executions_by_status"),
        (Filter(creator=1), "executions_by_creator"),
        (Filter(creator=1, statuses=["crashed"]), "executions_by_creator"),
        (Filter(tag="a"), "execution_tags_tag"),
        (Filter(tag="a", creator=1, statuses=["crashed"]), "execution_tags_tag"),
    ],
)
def test_a_list_is_read_off_an_index(
    session: Session, project: Project, wanted: Filter, index: str | None, *, of_project: bool
) -> None:
    wanted = wanted._replace(project=project.id if of_project else None)
    query, values = page_query(wanted, organization=session.actor.organization_id, after=1000, limit=10)
    plan = [row["detail"] for row in session.database.reader().execute(f"EXPLAIN QUERY PLAN {query}", values)]
    assert not [step for step in plan if step.startswith(("SCAN e", "SCAN x", "SCAN t"))]
    assert index is None or [step for step in plan if index in step and "<?" in step]


@pytest.mark.parametrize("of_project", [True, False])
def test_filtered_lists_page_like_the_whole_one(
    session: Session, project: Project, commit: Commit, *, of_project: bool
) -> None:
    chance = random.Random(5)
    executions = [create(session, project, commit, tags=chance.choice([[], ["a"]])) for _ in range(40)]
    for execution in chance.sample(executions, 20):
        session.executions.stop(execution)
    everything = session.executions.list().rows

    def paged(**filters: object) -> list[int]:
        ids: list[int] = []
        after = None
        while True:
            page = session.executions.list(project if of_project else None, after=after, limit=7, **filters)  # type: ignore[arg-type]
            ids += [execution.id for execution in page.rows]
            if (after := page.next) is None:
                return ids

    stopped = [e.id for e in everything if e.status == "stopped"]
    assert paged() == [e.id for e in everything]
    assert paged(statuses=["stopped"]) == stopped
    assert paged(statuses=["created", "stopped", "stopped"]) == [e.id for e in everything]
    assert paged(creator=session.actor.name) == [e.id for e in everything]
    assert paged(creator=session.actor.name, statuses=["stopped"]) == stopped
    assert paged(tag="a") == [e.id for e in everything if "a" in e.tags]
    assert paged(tag="a", statuses=["stopped"]) == [e.id for e in everything if "a" in e.tags and e.id in stopped]


def test_another_organization_sees_none_of_it(session: Session, project: Project, commit: Commit) -> None:
    execution = create(session, project, commit)
    actor = session.actor
    stranger = Session(session.database, session.home, Actor(actor.id, "eve", Role.ADMIN, actor.organization_id + 1))
    assert stranger.executions.list().rows == []
    for filters in ({"statuses": ["created"]}, {"creator": actor.name}, {"tag": "a"}):
        assert stranger.executions.list(**filters).rows == []
        assert stranger.executions.list(project, **filters).rows == []
    assert sum(stranger.executions.counts().values()) == 0
    assert sum(stranger.executions.counts(project).values()) == 0
    for call in (
        lambda: stranger.executions.by_id(execution.id),
        lambda: stranger.executions.get(project, "latest"),
        lambda: stranger.executions.stop(execution),
        lambda: stranger.executions.add_tags(execution, ["a"]),
        lambda: create(stranger, project, commit),
    ):
        with pytest.raises(NotFoundError):
            call()
    assert session.executions.by_id(execution.id) == execution


def test_a_commit_of_another_project_is_refused(session: Session, commit: Commit) -> None:
    other = session.projects.create("other")
    with pytest.raises(InvalidInputError, match="another project") as caught:
        create(session, other, commit)
    assert caught.value.field == "commit"
    assert session.executions.list().rows == []


def test_outputs_go_to_the_step_s_store_else_the_project_s_else_the_first(
    session: Session, project: Project, commit: Commit
) -> None:
    assert create(session, project, commit).store_id == 1
    with session.database.transaction() as connection:
        for number in (2, 3):
            connection.execute(
                "INSERT INTO stores VALUES (?, ?, ?, 'managed', 0)", (number, f"s{number}", f"s{number}")
            )
        connection.execute("UPDATE projects SET default_store_id = 2")
    project = session.projects.by_id(project.id)
    assert create(session, project, commit).store_id == 2
    specification = replace(specify(read_manifest(commit.yaml), "train"), upload_store="s3")
    assert session.executions.create(project, commit, specification).store_id == 3


def test_an_environment_that_only_the_step_names_and_that_is_not_here_is_replaced_by_the_default(
    session: Session, project: Project, tmp_path: Path
) -> None:
    (tmp_path / "valohai.yaml").write_text("- step: {name: s, image: i, command: c, environment: aws-eu-west-1-p2}")
    commit = session.projects.commit_working_tree(project, tmp_path)
    manifest = read_manifest(commit.yaml)
    execution = session.executions.create(project, commit, specify(manifest, "s"))
    assert execution.environment == "local"
    created, warned = session.executions.events(execution)
    assert created.kind == "created"
    assert "aws-eu-west-1-p2" in warned.message
    with pytest.raises(NotFoundError):
        session.executions.create(project, commit, specify(manifest, "s", environment="aws-eu-west-1-p2"))


def test_a_title_and_tags_are_changed_and_taken_away(session: Session, project: Project, commit: Commit) -> None:
    execution = create(session, project, commit, title="first", tags=["a", "b"])
    assert session.executions.set_title(execution, " second ").title == "second"
    assert session.executions.set_title(execution, "  ").title is None
    assert session.executions.set_tags(execution, ["c", "b", "c"]).tags == ("b", "c")
    assert session.executions.set_tags(execution, []).tags == ()
    assert [change.what for change in since(session.database.reader(), 0)][-4:] == [
        "titled",
        "titled",
        "tagged",
        "tagged",
    ]


@pytest.mark.parametrize("title", ["\x1b[31mred", "x" * 1000])
def test_a_title_that_cannot_be_leaves_the_old_one(
    session: Session, project: Project, commit: Commit, title: str
) -> None:
    execution = create(session, project, commit, title="first")
    with pytest.raises(InvalidInputError) as error:
        session.executions.set_title(execution, title)
    assert error.value.field == "title"
    assert session.executions.by_id(execution.id).title == "first"
