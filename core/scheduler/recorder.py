"""Writes what an attempt produces while it runs: log, metadata and the place up to which the container's log was read.

The three are committed together, in groups: that is what makes every line count once, whatever is killed when.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from core.executions.logs import LogWriter, log_path, record
from core.executions.metadata import MetadataWriter, parse

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from core.executions.execution import Execution
    from core.scheduler.log_frames import Line
    from core.session import Session

Written = TypeVar("Written")


class Recorder:
    """The one writer of a running execution's log."""

    def __init__(self, session: Session, execution: Execution, attempt_id: int) -> None:
        self._session = session
        self._execution = execution
        self._attempt_id = attempt_id
        row = (
            session.read("execution.run")
            .execute("SELECT log_bytes, log_lines FROM executions WHERE id = ?", (execution.id,))
            .fetchone()
        )
        self._lines: int = row["log_lines"]
        self._log = LogWriter(log_path(session.home.logs, execution.uuid), row["log_bytes"])
        self._metadata = MetadataWriter(execution.id, execution.project_id)

    def status(self, text: str, also: Callable[[sqlite3.Connection], object] | None = None) -> None:
        """Add a line of Shoal's own to the log; `also` is done in the same transaction."""
        self._commit([record("status", time.time(), text.encode())], also or (lambda _: None))

    def lines(self, lines: Sequence[Line], cursor: dict[str, Any]) -> dict[str, Any]:
        """Add lines of the container; return the newest value of each metadata key among them."""
        points = []
        for number, line in enumerate(lines, self._lines + 1):
            if line.stream == "stdout" and not line.partial and (values := parse(line.text)):
                points.append((number, line.at, values))

        def write(connection: sqlite3.Connection) -> dict[str, Any]:
            connection.execute(
                "UPDATE attempts SET cursor = ? WHERE id = ?", (orjson.dumps(cursor).decode(), self._attempt_id)
            )
            return self._metadata.write(connection, points) if points else {}

        return self._commit([record(line.stream, line.at, line.text, partial=line.partial) for line in lines], write)

    def close(self) -> None:
        """Close the log."""
        self._log.close()

    def _commit(self, records: list[bytes], write: Callable[[sqlite3.Connection], Written]) -> Written:
        """Append to the log, then commit its length with what `write` does; where that fails, the log is as before."""
        length, count = self._log.length, self._lines
        try:
            self._log.append(records)
            self._lines += len(records)
            with self._session.write("execution.run") as connection:
                connection.execute(
                    "UPDATE executions SET log_bytes = ?, log_lines = ? WHERE id = ?",
                    (self._log.length, self._lines, self._execution.id),
                )
                return write(connection)
        except BaseException:
            self._log.rewind(length)
            self._lines = count
            # It remembers ids of keys whose rows may be gone with the transaction.
            self._metadata = MetadataWriter(self._execution.id, self._execution.project_id)
            raise
