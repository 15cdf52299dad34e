"""What the scheduler asks at every look is answered from an index, however much has ended."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from core.executions import transitions
from core.scheduler import attempts, machines
from core.scheduler.snapshot import SnapshotReader, snapshot
from data.changes import SYSTEM, record
from tests.scheduler.crowd import Crowd

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from core.shoal import Shoal

LARGE = ("executions", "attempts", "files", "execution_inputs", "changes", "machines", "machine_usage")


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


def look_again(connection: sqlite3.Connection) -> None:
    """Follow the feed: what one execution and one machine have become."""
    reader = SnapshotReader()
    reader.read(connection, {})
    record(connection, SYSTEM, "execution", 1, "queued")
    record(connection, SYSTEM, "machine", 1, "idle")
    reader.read(connection, {})


@pytest.fixture
def waiting(shoal: Shoal) -> Shoal:
    """An installation in which executions wait beside an idle machine."""
    with shoal.database.transaction() as connection:
        Crowd(connection).submit(connection, 1, 1, 0, number=6)
        transitions.queue(connection, 1)
        machines.launch(connection, 1)
    return shoal


@pytest.mark.parametrize(
    "action",
    [
        attempts.open_attempts,
        attempts.stopping_attempts,
        lambda connection: snapshot(connection, {}),
        look_again,
        lambda connection: transitions.queue_all(connection, 1, 1, 0),
        lambda connection: transitions.queue(connection, 2),
        lambda connection: transitions.start(connection, 1, 1),
        lambda connection: machines.lease(connection, 1),
        lambda connection: machines.terminate(connection, 1),
    ],
    ids=["open attempts", "stopping", "snapshot", "look again", "queue all", "queue", "start", "lease", "terminate"],
)
def test_no_large_table_is_scanned(waiting: Shoal, action: Callable[[sqlite3.Connection], object]) -> None:
    details = plans(waiting, action)
    assert details
    scans = [detail for detail in details if re.match(rf"SCAN ({'|'.join(LARGE)}|a|e)\b(?!.*USING)", detail)]
    assert scans == []


@pytest.mark.parametrize(
    "action",
    [lambda connection: snapshot(connection, {}), lambda connection: transitions.queue_all(connection, 1, 1, 0)],
    ids=["snapshot", "queue all"],
)
def test_queues_are_read_from_the_index_of_what_waits(
    waiting: Shoal, action: Callable[[sqlite3.Connection], object]
) -> None:
    searches = [detail for detail in plans(waiting, action) if "executions_waiting" in detail]
    assert searches
    assert all("environment_id=? AND user_id=? AND team_id=? AND status=?" in detail for detail in searches)


def test_what_is_present_is_read_from_the_index_of_machines(waiting: Shoal) -> None:
    details = plans(waiting, lambda connection: snapshot(connection, {}))
    assert [detail for detail in details if "machines_present" in detail]


def test_heads_of_queues_are_not_sorted(waiting: Shoal) -> None:
    details = plans(waiting, lambda connection: snapshot(connection, {}))
    assert not [detail for detail in details if "TEMP B-TREE FOR ORDER BY" in detail]
