"""Machines of kind `local`: slots on the Docker Engine of this box. They are there as soon as they are asked for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from data.changes import SYSTEM, record
from data.identifiers import new_identifier

if TYPE_CHECKING:
    import sqlite3


def launch(connection: sqlite3.Connection, environment_id: int) -> int:
    """Add one machine to an environment and return its id."""
    now = time.time()
    machine_id = connection.execute(
        "INSERT INTO machines"
        " (uuid, environment_id, name, state, state_at, requested_at, ready_at, idle_since, price_per_hour)"
        " SELECT ?, id, slug || '-' || (SELECT coalesce(max(id), 0) + 1 FROM machines), 'idle', ?, ?, ?, ?,"
        " price_per_hour"
        " FROM environments WHERE id = ? RETURNING id",
        (new_identifier(), now, now, now, now, environment_id),
    ).fetchone()[0]
    record(connection, SYSTEM, "machine", machine_id, "idle")
    return int(machine_id)


def lease(connection: sqlite3.Connection, machine_id: int) -> bool:
    """Take an idle machine for an execution; False when it is not idle any more."""
    return _move(connection, machine_id, "idle", "leased")


def release(connection: sqlite3.Connection, machine_id: int) -> bool:
    """Give a leased machine back."""
    connection.execute(
        "UPDATE machines SET idle_since = ? WHERE id = ? AND state = 'leased'", (time.time(), machine_id)
    )
    return _move(connection, machine_id, "leased", "idle")


def terminate(connection: sqlite3.Connection, machine_id: int) -> bool:
    """Let an idle machine go; False when it is not idle any more: a machine that just got work is never ended."""
    if not _move(connection, machine_id, "idle", "gone"):
        return False
    connection.execute("UPDATE machines SET gone_at = state_at, idle_since = NULL WHERE id = ?", (machine_id,))
    return True


def release_unused(connection: sqlite3.Connection) -> None:
    """Give back machines whose execution has ended: what a scheduler that died may have left leased."""
    rows = connection.execute(
        "SELECT id FROM machines WHERE state = 'leased' AND NOT EXISTS ("
        "SELECT 1 FROM executions e WHERE e.machine_id = machines.id AND e.status IN ('started', 'stopping'))"
    ).fetchall()
    for row in rows:
        release(connection, row["id"])


def _move(connection: sqlite3.Connection, machine_id: int, before: str, after: str) -> bool:
    cursor = connection.execute(
        "UPDATE machines SET state = ?, state_at = ? WHERE id = ? AND state = ?",
        (after, time.time(), machine_id, before),
    )
    if cursor.rowcount:
        record(connection, SYSTEM, "machine", machine_id, after)
    return bool(cursor.rowcount)
