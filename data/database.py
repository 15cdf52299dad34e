"""One writer, many read-only readers, over one SQLite file in WAL mode."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from typing import TYPE_CHECKING

from data.file_uri import file_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BUSY_TIMEOUT_MS = 15_000
"""How long a writer waits for another process's transaction before SQLite gives up."""


class Database:
    """The connections of one process to one database file.

    Writing goes through `transaction()`, which holds a lock and `BEGIN IMMEDIATE`: one that could not get the
    write lock fails at its first line, never in the middle. Reading goes through `reader()`, a read-only connection of
    the calling thread, which sees the last commit.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._writer: sqlite3.Connection | None = None
        self._local = threading.local()
        self._after_commit: list[Callable[[], None]] = []

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run a block as one durable transaction; nested use joins the outer one."""
        with self._lock:
            connection = self._writer_connection()
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                before = _newest_change(connection)
                yield connection
                moved = _newest_change(connection) != before
                connection.commit()
            except BaseException:
                connection.rollback()
                raise
        if moved:
            for notify in self._after_commit:
                notify()

    def reader(self) -> sqlite3.Connection:
        """Return the calling thread's read-only connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if connection is None:
            connection = self._open(read_only=True)
            self._local.reader = connection
        return connection

    def data_version(self) -> int:
        """Return a number that moves when another connection commits (3 µs; compare it within one thread only)."""
        return int(self.reader().execute("PRAGMA data_version").fetchone()[0])

    def after_commit(self, notify: Callable[[], None]) -> None:
        """Call `notify` after every commit of this process that moved the change feed, outside the lock."""
        self._after_commit.append(notify)

    def optimize(self) -> None:
        """Refresh the planner's statistics; without them a sort by an indexed value can be 50 times slower."""
        with self._lock:
            self._writer_connection().execute("PRAGMA optimize=0x10002")

    def close(self) -> None:
        """Close the writer and the calling thread's reader."""
        with self._lock:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
        self.close_reader()

    def close_reader(self) -> None:
        """Close the calling thread's reader; a thread that ends calls it."""
        reader: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if reader is not None:
            reader.close()
            self._local.reader = None

    def _writer_connection(self) -> sqlite3.Connection:
        if self._writer is None:
            self._writer = self._open(read_only=False)
        return self._writer

    def _open(self, *, read_only: bool) -> sqlite3.Connection:
        uri = file_uri(self.path, "ro" if read_only else "rw")
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=read_only)
        connection.row_factory = sqlite3.Row
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        if not read_only:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
        return connection


def _newest_change(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").fetchone()
    return row[0] if row else 0
