"""Watching the state: what moved, and when it is not the same state any more."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from core.errors import UnavailableError
from core.feed import MOST, Feed, changes_since, newest_change
from data.changes import record_many

if TYPE_CHECKING:
    from core.session import Session
    from core.shoal import Shoal
    from tests.enacted import Enacted


def test_it_moves_once_for_what_was_committed(enacted: Enacted) -> None:
    feed = Feed(enacted.session)
    feed.moved()
    assert not feed.moved()
    before = newest_change(enacted.session)
    execution = enacted.create("train")
    assert feed.moved()
    assert not feed.moved()
    changes = changes_since(enacted.session, before)
    assert changes is not None
    assert [(change.kind, change.subject) for change in changes] == [("execution", execution.id)]


def test_too_much_is_not_told_one_by_one(shoal: Shoal, session: Session) -> None:
    before = newest_change(session)
    with shoal.database.transaction() as connection:
        record_many(connection, [(0, "execution", 1, "x", None)] * (MOST + 1))
    assert changes_since(session, before) is None
    changes = changes_since(session, before + 1)
    assert changes is not None
    assert len(changes) == MOST


@pytest.mark.parametrize("replace", [False, True])
def test_a_database_that_is_gone_or_another_one_is_told(shoal: Shoal, session: Session, *, replace: bool) -> None:
    feed = Feed(session)
    feed.moved()
    path = shoal.home.database
    content = path.read_bytes()
    path.unlink()
    if replace:
        path.write_bytes(content)
    with pytest.raises(UnavailableError, match="open it again"):
        feed.moved()


def test_a_database_that_cannot_be_read_is_told(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def reader() -> sqlite3.Connection:
        message = "database is locked"
        raise sqlite3.OperationalError(message)

    feed = Feed(session)
    monkeypatch.setattr(session.database, "reader", reader)
    for look in (feed.moved, lambda: newest_change(session), lambda: changes_since(session, 0)):
        with pytest.raises(UnavailableError, match=r"cannot be read \(database is locked"):
            look()
