"""The account of every machine: what each second of it was for, and what it cost.

A machine's bill at a moment is its price times the time since it was asked for, rounded once. An entry costs what the
bill grew by between its two ends, so that entries sum to the bill to the last millionth, however many they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import sqlite3

UsageKind = Literal["startup", "execution", "idle", "grace"]
"""Starting up; running an execution; idle within the grace period; idle beyond it, for the minimum scale."""

BILL = "CAST(round(max({at} - {machine}.requested_at, 0) / 3600.0 * {machine}.price_per_hour) AS INTEGER)"
"""What a machine has cost up to a moment, in SQL: format with `at` and the `machine`'s row."""


def enter(
    connection: sqlite3.Connection, machine_id: int, kind: UsageKind, at: float, execution_id: int | None = None
) -> float:
    """Begin an entry at a moment (seconds since 1970), which ends the one before; idle time is entered as `grace`.

    Returns when it began: where the clock was set back that is later than `at`, since no second is accounted for twice.
    """
    began_at = leave(connection, machine_id, at)
    connection.execute(
        "INSERT INTO machine_usage"
        " (machine_id, environment_id, kind, began_at, execution_id, user_id, team_id, project_id)"
        " SELECT m.id, m.environment_id, ?, ?, e.id, e.user_id, e.team_id, e.project_id"
        " FROM machines m LEFT JOIN executions e ON e.id = ? WHERE m.id = ?",
        (kind, began_at, execution_id, machine_id),
    )
    return began_at


def leave(connection: sqlite3.Connection, machine_id: int, at: float) -> float:
    """End the entry that goes on, if one does; return when, which is never before it began."""
    row = connection.execute(
        "SELECT u.id, u.kind, u.began_at, v.scale_down_grace_period FROM machine_usage u"
        " JOIN environments v ON v.id = u.environment_id WHERE u.machine_id = ? AND u.ended_at IS NULL",
        (machine_id,),
    ).fetchone()
    if row is None:
        return at
    entry_id, kind, began_at, grace = row
    at = max(at, began_at)
    if kind == "grace" and at > began_at + grace:
        _close(connection, entry_id, began_at + grace)
        entry_id = connection.execute(
            "INSERT INTO machine_usage (machine_id, environment_id, kind, began_at)"
            " SELECT id, environment_id, 'idle', ? FROM machines WHERE id = ? RETURNING id",
            (began_at + grace, machine_id),
        ).fetchone()[0]
    _close(connection, entry_id, at)
    return at


def _close(connection: sqlite3.Connection, entry_id: int, at: float) -> None:
    if connection.execute("DELETE FROM machine_usage WHERE id = ? AND began_at = ?", (entry_id, at)).rowcount:
        return
    connection.execute(
        "UPDATE machine_usage SET ended_at = :at, cost = (SELECT "  # noqa: S608 - made of constants
        f"{BILL.format(at=':at', machine='m')} - {BILL.format(at='machine_usage.began_at', machine='m')}"
        " FROM machines m WHERE m.id = machine_id) WHERE id = :id",
        {"at": at, "id": entry_id},
    )
