"""Writes what an attempt produces while it runs: log, metadata and the place up to which the container's log was read.

The three are committed together, in groups: that is what makes every line count once, whatever is killed when.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import orjson

from core.executions.logs import LogWriter, log_path, record
from core.executions.metadata import MetadataWriter, parse

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from core.executions.execution import Execution
    from core.scheduler.log_frames import Line
    from core.session import Session


class Recorder:
    """The one writer of a running execution's log."""

    def __init__(self, session: Session, execution: Execution, attempt_id: int) -> None:
        self._session = session
        self._execution_id = execution.id
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
        self._log.append([record("status", time.time(), text.encode())])
        self._lines += 1
        with self._session.write("execution.run") as connection:
            self._commit_length(connection)
            if also is not None:
                also(connection)

    def lines(self, lines: Sequence[Line], cursor: dict[str, Any]) -> dict[str, Any]:
        """Add lines of the container; return the newest value of each metadata key among them."""
        points = []
        for number, line in enumerate(lines, self._lines + 1):
            if line.stream == "stdout" and not line.partial and (values := parse(line.text)):
                points.append((number, line.at, values))
        self._log.append(record(line.stream, line.at, line.text, partial=line.partial) for line in lines)
        self._lines += len(lines)
        with self._session.write("execution.run") as connection:
            self._commit_length(connection)
            connection.execute(
                "UPDATE attempts SET cursor = ? WHERE id = ?", (orjson.dumps(cursor).decode(), self._attempt_id)
            )
            return self._metadata.write(connection, points) if points else {}

    def close(self) -> None:
        """Close the log."""
        self._log.close()

    def _commit_length(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            "UPDATE executions SET log_bytes = ?, log_lines = ? WHERE id = ?",
            (self._log.length, self._lines, self._execution_id),
        )
