"""What the scheduler asks at every look is answered from an index, however much has ended."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from core.executions import transitions
from core.scheduler import attempts
from core.scheduler.snapshot import snapshot

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from core.shoal import Shoal

LARGE = ("executions", "attempts", "files", "execution_inputs", "changes")


def plans(shoal: Shoal, action: Callable[[sqlite3.Connection], object]) -> list[str]:
    """Return how SQLite goes about every statement of an action."""
    statements: list[str] = []
    with shoal.database.transaction() as connection:
        connection.set_trace_callback(statements.append)
        action(connection)
        connection.set_trace_callback(None)
        return [
            row["detail"]
            for statement in statements
            if re.match(r"\s*(SELECT|UPDATE|INSERT)", statement)
            for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")
        ]


@pytest.mark.parametrize(
    "action",
    [
        attempts.open_attempts,
        attempts.stopping_attempts,
        snapshot,
        lambda connection: transitions.queue_all(connection, 1, 1),
        lambda connection: transitions.queue(connection, 1),
        lambda connection: transitions.start(connection, 1, 1),
    ],
    ids=["open attempts", "stopping attempts", "snapshot", "queue all", "queue", "start"],
)
def test_no_large_table_is_scanned(shoal: Shoal, action: Callable[[sqlite3.Connection], object]) -> None:
    with shoal.database.transaction() as connection:
        connection.execute("INSERT INTO execution_counts VALUES (1, 1, 1, 'created', 3), (1, 1, 1, 'queued', 3)")
    details = plans(shoal, action)
    assert details
    scans = [detail for detail in details if re.match(rf"SCAN ({'|'.join(LARGE)}|a|e)\b(?!.*USING)", detail)]
    assert scans == []


def test_queueing_all_uses_the_index_of_what_waits(shoal: Shoal) -> None:
    details = plans(shoal, lambda connection: transitions.queue_all(connection, 1, 1))
    assert any("executions_waiting" in detail for detail in details)
