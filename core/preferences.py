"""How a person likes what they see: columns, order, theme. Everyone has their own, and nobody watches them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from core.errors import InvalidInputError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from core.session import Session

LONGEST_NAME = 100
LARGEST_VALUE = 16 * 1024
"""Bytes that one value may take as JSON."""
MOST = 500
"""How many one person may have."""


class Preferences:
    """Reads and writes those of the actor; they are in no change feed, for they change nothing that others see."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self) -> dict[str, Any]:
        """Return all of them by name; what cannot be read is left out."""
        rows = self._session.read("preference.see").execute(
            "SELECT name, value FROM preferences WHERE user_id = ?", (self._session.actor.id,)
        )
        found = {}
        for name, text in rows:
            try:
                found[name] = json.loads(text)
            except ValueError:
                continue
        return found

    def put(self, values: Mapping[str, Any]) -> None:
        """Keep values under their names; None lets go of one.

        Raises:
            InvalidInputError: a name or a value is too long, or there are too many.
        """
        texts = {name: None if value is None else _as_text(name, value) for name, value in values.items()}
        user_id = self._session.actor.id
        with self._session.write("preference.edit") as connection:
            for name, text in texts.items():
                if text is None:
                    connection.execute("DELETE FROM preferences WHERE user_id = ? AND name = ?", (user_id, name))
                else:
                    connection.execute("INSERT OR REPLACE INTO preferences VALUES (?, ?, ?)", (user_id, name, text))
            _refuse_too_many(connection, user_id)


def _as_text(name: str, value: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    if not name or len(name) > LONGEST_NAME:
        message = f"the name of a preference has 1 to {LONGEST_NAME} characters"
        raise InvalidInputError(message, field="name")
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        message = f"{name} cannot be kept: {error}"
        raise InvalidInputError(message, field=name) from error
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST_VALUE:
        message = f"{name} is too long to be kept: it may take {LARGEST_VALUE} bytes"
        raise InvalidInputError(message, field=name)
    return text


def _refuse_too_many(connection: sqlite3.Connection, user_id: int) -> None:
    count = connection.execute("SELECT count(*) FROM preferences WHERE user_id = ?", (user_id,)).fetchone()[0]
    if count > MOST:
        message = f"nobody may have more than {MOST} preferences"
        raise InvalidInputError(message)
