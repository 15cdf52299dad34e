"""How each person likes what they see is kept for them alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.errors import InvalidInputError
from core.preferences import LARGEST_VALUE, LONGEST_NAME, MOST
from data.changes import newest

if TYPE_CHECKING:
    from core.session import Session
    from core.shoal import Shoal


def test_what_was_put_is_there_and_none_lets_go_of_it(session: Session) -> None:
    session.preferences.put({"theme": "shoal-light", "columns": {"executions": ["number", "status"]}})
    session.preferences.put({"theme": "ansi-dark"})
    assert session.preferences.all() == {"theme": "ansi-dark", "columns": {"executions": ["number", "status"]}}
    session.preferences.put({"columns": None})
    assert session.preferences.all() == {"theme": "ansi-dark"}


def test_everyone_has_their_own(shoal: Shoal, session: Session) -> None:
    with shoal.database.transaction() as connection:
        connection.execute("INSERT INTO users (id, uuid, name, created_at) VALUES (77, 'u', 'ada', 0)")
        connection.execute("INSERT INTO memberships VALUES (?, 77, 'member', 0)", (session.actor.organization_id,))
    session.preferences.put({"theme": "shoal-light"})
    ada = shoal.session("ada")
    assert ada.preferences.all() == {}
    ada.preferences.put({"theme": "high-contrast"})
    assert session.preferences.all() == {"theme": "shoal-light"}


def test_nobody_is_told_of_it(session: Session) -> None:
    before = newest(session.database.reader())
    session.preferences.put({"theme": "shoal-light"})
    assert newest(session.database.reader()) == before


@pytest.mark.parametrize(
    "values",
    [{"x" * (LONGEST_NAME + 1): 1}, {"": 1}, {"big": "é" * LARGEST_VALUE}, {"set": {1, 2}}, {"\ud800": object()}],
)
def test_what_cannot_be_kept_is_refused_and_nothing_of_it_kept(session: Session, values: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError):
        session.preferences.put({"first": 1} | values)
    assert session.preferences.all() == {}


def test_there_is_an_end_to_how_many(session: Session) -> None:
    session.preferences.put({f"name-{number}": number for number in range(MOST)})
    with pytest.raises(InvalidInputError, match="more than"):
        session.preferences.put({"one more": 1})
    assert len(session.preferences.all()) == MOST


def test_what_cannot_be_read_is_left_out(shoal: Shoal, session: Session) -> None:
    session.preferences.put({"good": 1, "broken": 2})
    with shoal.database.transaction() as connection:
        connection.execute("UPDATE preferences SET value = '{' WHERE name = 'broken'")
    assert session.preferences.all() == {"good": 1}
