"""What the change feed says to somebody who watches: whether anything moved, and what."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.errors import UnavailableError
from data.changes import newest, since

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core.session import Session
    from data.changes import Change

MOST = 1000
"""Changes that are given at once; where there are more, it is cheaper to read everything again."""


class Feed:
    """Watches one home's state for one thread, which makes all its calls."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._version = -1
        self._file = self._identity()

    def moved(self) -> bool:
        """Tell whether anything was committed since the last call (some 5 µs).

        Raises:
            UnavailableError: the database is gone, or another one lies in its place, or it cannot be read.
        """
        if self._identity() != self._file:
            path = self._session.database.path
            message = f"the state was replaced or removed while the console was open: open it again ({path})"
            raise UnavailableError(message)
        with _readable(self._session):
            version = self._session.database.data_version()
        moved, self._version = version != self._version, version
        return moved

    def _identity(self) -> tuple[int, int] | None:
        try:
            status = self._session.database.path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino


def newest_change(session: Session) -> int:
    """Return the number of the newest change.

    Raises:
        UnavailableError: the database cannot be read.
    """
    with _readable(session):
        return newest(session.read("organization.see"))


def changes_since(session: Session, seq: int) -> Sequence[Change] | None:
    """Return the changes after number `seq`, oldest first; None where they are more than `MOST`.

    Raises:
        UnavailableError: the database cannot be read.
    """
    with _readable(session):
        changes = since(session.read("organization.see"), seq, limit=MOST + 1)
    return None if len(changes) > MOST else changes


@contextmanager
def _readable(session: Session) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        message = f"{session.database.path} cannot be read ({error}): `shoal doctor` says what is wrong"
        raise UnavailableError(message) from error
