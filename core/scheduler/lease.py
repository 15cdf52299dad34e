"""One scheduler at a time: a file lock decides, a row tells who and since when.

The kernel frees the lock at the very moment its holder dies, so that the next scheduler need not wait for an expiry,
and a holder that is only slow is never overtaken. The row is for people: its age shows a scheduler that hangs.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import ConflictError

if TYPE_CHECKING:
    import sqlite3

    from core.home import Home
    from data.database import Database

RENEW_EVERY = 5.0
"""Seconds between two signs of life."""
STALE_AFTER = 3 * RENEW_EVERY


@dataclass(frozen=True, slots=True)
class Holder:
    """The scheduler that runs, or ran last: `host:pid`, and its times in seconds since 1970."""

    name: str
    acquired_at: float
    renewed_at: float


class Lease:
    """Held while a scheduler works."""

    def __init__(self, home: Home, database: Database) -> None:
        self._home = home
        self._database = database
        self._file: int | None = None
        self._renewed_at = 0.0

    def acquire(self) -> None:
        """Become the scheduler.

        Raises:
            ConflictError: another one is.
        """
        descriptor = os.open(self._home.scheduler_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(descriptor)
        except BlockingIOError as error:
            os.close(descriptor)
            who = holder(self._database.reader())
            message = f"a scheduler runs already ({who.name if who else 'just starting'}): one home has one scheduler"
            raise ConflictError(message) from error
        self._renewed_at = now = time.time()
        try:
            with self._database.transaction() as connection:
                name = f"{socket.gethostname()}:{os.getpid()}"
                connection.execute("INSERT OR REPLACE INTO leases VALUES ('scheduler', ?, ?, ?)", (name, now, now))
        except BaseException:
            os.close(descriptor)
            raise
        self._file = descriptor

    def renew(self) -> None:
        """Give a sign of life, if the last one is old enough."""
        now = time.time()
        if abs(now - self._renewed_at) < RENEW_EVERY:
            return
        self._renewed_at = now
        with self._database.transaction() as connection:
            connection.execute("UPDATE leases SET renewed_at = ? WHERE name = 'scheduler'", (now,))

    def release(self) -> None:
        """Let the next one be it."""
        if self._file is not None:
            with self._database.transaction() as connection:
                connection.execute("UPDATE leases SET renewed_at = 0 WHERE name = 'scheduler'")
            os.close(self._file)
            self._file = None


def _lock(descriptor: int) -> None:
    """Take the lock; somebody who only asks whether it is held has it for an instant, which is waited out."""
    for last in [False] * 20 + [True]:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if last:
                raise
            time.sleep(0.01)
        else:
            return


def holder(connection: sqlite3.Connection) -> Holder | None:
    """Return what the row says."""
    row = connection.execute("SELECT holder, acquired_at, renewed_at FROM leases WHERE name = 'scheduler'").fetchone()
    return None if row is None else Holder(*row)


def is_held(home: Home) -> bool:
    """Tell whether a scheduler runs in this home now."""
    try:
        descriptor = os.open(home.scheduler_lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
