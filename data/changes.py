"""The change feed: every write that somebody may watch appends to it, in the same transaction."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import socket
    import sqlite3
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SYSTEM = 0
"""The actor of a change that no person made."""


class Change(NamedTuple):
    """One entry of the feed: `actor` (a user's id or SYSTEM) did `what` to the `kind` with id `subject`."""

    seq: int
    at: float
    actor: int
    kind: str
    subject: int
    what: str
    project_id: int | None


def record(
    connection: sqlite3.Connection, actor: int, kind: str, subject: int, what: str, *, project_id: int | None = None
) -> None:
    """Append one change; call it inside the transaction that makes the change."""
    record_many(connection, [(actor, kind, subject, what, project_id)])


def record_many(connection: sqlite3.Connection, entries: Iterable[tuple[int, str, int, str, int | None]]) -> None:
    """Append many changes at once, each `(actor, kind, subject, what, project_id)`."""
    now = time.time()
    connection.executemany(
        "INSERT INTO changes (at, actor, kind, subject, what, project_id) VALUES (?, ?, ?, ?, ?, ?)",
        ((now, *entry) for entry in entries),
    )


def since(connection: sqlite3.Connection, seq: int, *, limit: int = 1000) -> list[Change]:
    """Return up to `limit` changes after `seq`, oldest first."""
    rows = connection.execute("SELECT * FROM changes WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
    return [Change(*row) for row in rows]


def newest(connection: sqlite3.Connection) -> int:
    """Return the number of the newest change, 0 before the first."""
    return int(connection.execute("SELECT coalesce(max(seq), 0) FROM changes").fetchone()[0])


class Bell:
    """Wakes whoever waits for the feed to move, across processes: a datagram socket beside the database.

    Only a hint: the feed itself is the truth, and a waiter looks at it at least once per `timeout`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sender: socket.socket | None = None
        self._receiver: socket.socket | None = None

    def ring(self) -> None:
        """Wake the waiter, if there is one."""
        if self._sender is None:
            self._sender = _datagram_socket()
            self._sender.setblocking(False)
        with contextlib.suppress(OSError), _short_name(self.path) as name:
            self._sender.sendto(b"1", name)

    def listen(self) -> None:
        """Become the waiter; a socket left by a dead process is replaced."""
        self.path.unlink(missing_ok=True)
        self._receiver = _datagram_socket()
        with _short_name(self.path) as name:
            self._receiver.bind(name)

    def wait(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds; True when rung. Rings that came together count as one."""
        if self._receiver is None:
            message = "call listen() before wait()"
            raise RuntimeError(message)
        self._receiver.settimeout(max(timeout, 0.000001))
        try:
            self._receiver.recv(64)
        except (TimeoutError, BlockingIOError):
            return False
        self._receiver.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while self._receiver.recv(64):
                pass
        return True

    def close(self) -> None:
        """Stop listening and leave no socket behind."""
        if self._sender is not None:
            self._sender.close()
        if self._receiver is not None:
            self._receiver.close()
            self.path.unlink(missing_ok=True)


def _datagram_socket() -> socket.socket:
    import socket  # noqa: PLC0415 - a list rings no bell, and this is 5 ms of its time

    return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)


@contextlib.contextmanager
def _short_name(path: Path) -> Iterator[str]:
    """Give a name that fits a socket's address, which holds 107 bytes, however deep the directory lies."""
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
