"""The change feed as a resource."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import core.activity as browsing
from core.errors import InvalidInputError, NotFoundError
from core.resources.activity import ACTIVITY
from core.resources.resource import Query
from core.scheduler.reasons import REASONS_CHANGED
from core.session import Session
from data.changes import newest, record, since
from tests.resources.conftest import listed

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.activity import Activity
    from core.projects.service import Project
    from core.storage.files import File


def told(session: Session, **query: object) -> list[tuple[str, str, str, str]]:
    rows: list[Activity] = listed(session, ACTIVITY, **query)
    return [(row.who, row.what, row.kind, row.subject) for row in rows]


def test_who_did_what_newest_first(session: Session, project: Project, output: Callable[[str], File]) -> None:
    file = output("model.bin")
    session.settings.set("stop_grace_period", 5)
    most = session.environments.get("local").maximum_scale
    session.environments.set("local", maximum_scale="1")
    me = session.actor.name
    everything = told(session)
    assert everything[:5] == [
        (me, f"maximum_scale: {most} → 1", "environment", "local"),
        (me, "stop_grace_period = 5", "setting", "stop_grace_period"),
        ("shoal", "output model.bin", "file", "model.bin"),
        (me, "created", "execution", "#1 train"),
        (me, "created", "commit", session.projects.commit_by_id(1).identifier),
    ]
    assert everything[-2:] == [(me, "created", "project", "penguins"), (me, "set up", "organization", "default")]
    assert told(session, descending=True) == everything[::-1]
    assert told(session, text="MODEL output") == everything[2:3]
    assert told(session, text="output", inverted=True) == everything[:2] + everything[3:]
    assert told(session, where={"actor": "shoal"}) == everything[2:3]
    assert told(session, where={"kind": "execution", "actor": me}) == everything[3:4]
    assert told(session, where={"actor": "nobody"}) == []
    assert told(session, text="%") == []
    assert [row[2] for row in told(session, project=project)] == ["file", "execution", "commit", "project"]
    rows = listed(session, ACTIVITY)
    assert ACTIVITY.opens is not None
    assert [ACTIVITY.opens(row) for row in rows[:4]] == [
        "environment local",
        "setting stop_grace_period",
        f"file {file.uuid}",
        f"execution id={file.execution_id}",
    ]


def test_the_feed_is_not_read_further_than_people_look(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsing, "MOST", 10)
    monkeypatch.setattr(browsing, "FIRST_PART", 3)
    monkeypatch.setattr(browsing, "PART", 4)
    with session.database.transaction() as connection:
        for number in range(50):
            record(connection, 0, "machine", number, "idle")
    parts = list(ACTIVITY.source.ids(session, Query()))
    newest = session.database.reader().execute("SELECT max(seq) FROM changes").fetchone()[0]
    assert [seq for part in parts for seq in part] == list(range(newest, newest - 10, -1))
    assert [len(part) for part in parts] == [3, 4, 3]
    monkeypatch.setattr(browsing, "REACH", 5)
    assert len(told(session, where={"actor": "shoal"})) == 5


def test_a_new_change_is_a_new_row(session: Session, project: Project) -> None:
    changes = since(session.database.reader(), 0)
    assert ACTIVITY.source.touched(session, changes) == {change.seq for change in changes}
    last = changes[-1].seq
    query = Query(project=project, where={"kind": "project"})
    assert list(ACTIVITY.source.matching(session, query, [change.seq for change in changes])) == [last]
    assert ACTIVITY.find(session, None, str(last)).subject == "penguins"


def test_what_is_gone_has_no_name(session: Session) -> None:
    with session.database.transaction() as connection:
        record(connection, 12345, "machine", 77, "gone\x1b[2J")
    row = listed(session, ACTIVITY)[0]
    assert (row.who, row.subject, row.reference) == ("shoal", "", "")
    assert ACTIVITY.opens is not None
    assert ACTIVITY.opens(row) == f"change {row.seq}"


@pytest.mark.parametrize("where", [{"colour": "red"}, {"kind": "dog"}])
def test_what_is_no_filter_is_named(session: Session, where: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError) as error:
        list(ACTIVITY.source.ids(session, Query(where=where)))
    assert error.value.field == next(iter(where))


@pytest.mark.parametrize("reference", ["0", "x", "9" * 30, "²"])
def test_a_change_that_is_not_there(session: Session, reference: str) -> None:
    with pytest.raises(NotFoundError):
        ACTIVITY.find(session, None, reference)


def test_what_another_organization_did_is_nobodys(session: Session, project: Project) -> None:
    elsewhere = Session(session.database, session.home, replace(session.actor, organization_id=99))
    created = listed(session, ACTIVITY, project=project)[-1]
    assert listed(elsewhere, ACTIVITY, project=project) == []
    with pytest.raises(NotFoundError):
        ACTIVITY.find(elsewhere, None, str(created.seq))


def test_since_when_it_was_done(session: Session) -> None:
    with session.database.transaction() as connection:
        connection.execute("UPDATE changes SET at = at - 7200")
        record(connection, 0, "machine", 1, "idle")
    assert [row[1] for row in told(session, where={"since": "1h"})] == ["idle"]
    assert len(told(session, where={"since": "3h"})) > 1
    with pytest.raises(InvalidInputError) as error:
        told(session, where={"since": "yesterday"})
    assert error.value.field == "since"


def test_why_things_wait_is_nothing_that_anybody_did(session: Session) -> None:
    with session.database.transaction() as connection:
        before = newest(connection)
        record(connection, 0, "environment", 1, REASONS_CHANGED)
        record(connection, 0, "environment", 1, "created")
    assert [row[1] for row in told(session)][:2] == ["created", "set up"]
    changes = since(session.database.reader(), before)
    assert ACTIVITY.source.touched(session, changes) == {before + 2}


@pytest.mark.parametrize(
    ("kind", "what", "words"),
    [
        (
            "environment",
            "maximum_scale: 5 → 8; per_user_quota: 0 → 2",
            "changed maximum scale: 5 → 8; per user quota: 0 → 2",
        ),
        ("environment", "name: a_b → c_d: e", "changed name: a_b → c_d: e"),
        ("member", "role: member → admin", "changed role: member → admin"),
        ("host", "down: does not answer (timed out)", "is down: does not answer (timed out)"),
        ("host", "uncordoned", "uncordoned"),
        ("machine", "draining", "will leave"),
        ("execution", "moved to gpu → cpu", "moved to gpu → cpu"),
        ("file", "uploaded a: b", "uploaded a: b"),
        ("execution", "stopping", "was asked to stop"),
    ],
)
def test_it_is_told_in_words(session: Session, kind: str, what: str, words: str) -> None:
    with session.database.transaction() as connection:
        record(connection, 0, kind, 1, what)
    assert listed(session, ACTIVITY)[0].told == words


def test_each_kind_leads_to_its_place(session: Session) -> None:
    with session.database.transaction() as connection:
        connection.execute("INSERT INTO teams VALUES (3, 'u', 1, 'vision', 0)")
        connection.execute(
            "INSERT INTO hosts (id, uuid, environment_id, name, address, created_at)"
            " VALUES (4, 'h', 1, 'gpu-1', 'a', 0)"
        )
        connection.execute(
            "INSERT INTO environments (id, uuid, slug, name, created_at, deleted_at)"
            " VALUES (5, 'e', 'gone', 'Gone', 0, 1)"
        )
        for kind, subject in (("team", 3), ("host", 4), ("member", 1), ("environment", 5)):
            record(connection, 0, kind, subject, "created")
    assert ACTIVITY.opens is not None
    rows = listed(session, ACTIVITY)[:4]
    assert [row.subject for row in rows] == ["gone", session.actor.name, "gpu-1", "vision"]
    assert [ACTIVITY.opens(row) for row in rows] == [
        f"change {rows[0].seq}",
        f"member {session.actor.name}",
        "host gpu-1",
        "team vision",
    ]


def test_what_comes_is_given_once_and_in_order(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsing, "PART", 3)
    source = browsing.BrowsedActivity()
    with session.database.transaction() as connection:
        begin = newest(connection)
        for number in range(10):
            record(connection, 0, "machine", number, "idle" if number % 2 else "gone")
    query = Query(text="became idle")
    parts = list(source.between(session, query, begin, begin + 9))
    assert [row.seq - begin for part in parts for row in part] == [2, 4, 6, 8]
    assert list(source.between(session, Query(where={"actor": "nobody"}), begin, begin + 9)) == []
