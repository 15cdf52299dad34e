"""The states of machines: starting → idle → leased → idle or gone, each a guarded update that keeps the account.

A machine that is `draining` runs its last execution and goes after it. One that is `cordoned` takes no new work.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from core.machines import usage as machine_usage
from core.quantities import duration
from core.scheduler import gpus, host_choice
from data.changes import SYSTEM, record
from data.identifiers import new_identifier

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence


def launch(connection: sqlite3.Connection, environment_id: int) -> int | None:
    """Add one machine to an environment and return its id; None where none can come now."""
    return next(iter(launch_many(connection, environment_id, 1)), None)


def launch_many(connection: sqlite3.Connection, environment_id: int, number: int) -> Sequence[int]:
    """Add machines to an environment and return their ids: fewer where fewer can come now.

    A slot of this box or of a host that is up is there at once; a host that is not will be started.
    """
    now = time.time()
    row = connection.execute("SELECT * FROM environments WHERE id = ?", (environment_id,)).fetchone()
    if row["kind"] == "hosts":
        chosen = host_choice.choose(connection, environment_id, number, now)
        launched = [_launch(connection, row, host_id, ready=ready, now=now) for host_id, ready in chosen]
    else:
        launched = [_launch(connection, row, None, ready=True, now=now) for _ in range(number)]
    return [machine_id for machine_id in launched if machine_id is not None]


def _launch(
    connection: sqlite3.Connection, environment: sqlite3.Row, host_id: int | None, *, ready: bool, now: float
) -> int | None:
    """Add one machine of a host, of this box for None; None where no GPUs are left for it."""
    listed = environment["gpu_devices"]
    if host_id is not None:
        listed = connection.execute("SELECT gpu_devices FROM hosts WHERE id = ?", (host_id,)).fetchone()[0]
    devices = gpus.given(connection, listed, host_id, environment["gpus_per_machine"])
    if devices is None:
        return None
    state, since = ("idle", now) if ready else ("starting", None)
    machine_id: int = connection.execute(
        "INSERT INTO machines (uuid, environment_id, name, state, state_at, requested_at, ready_at, idle_since,"
        " price_per_hour, host_id, gpu_devices)"
        " SELECT ?, id, slug || '-' || (SELECT coalesce(max(id), 0) + 1 FROM machines), ?, ?, ?, ?, ?,"
        " price_per_hour, ?, ? FROM environments WHERE id = ? RETURNING id",
        (new_identifier(), state, now, now, since, since, host_id, ",".join(devices), environment["id"]),
    ).fetchone()[0]
    machine_usage.enter(connection, machine_id, "grace" if ready else "startup", now)
    record(connection, SYSTEM, "machine", machine_id, state)
    return machine_id


def ready(connection: sqlite3.Connection, machine_id: int) -> bool:
    """Let a machine that was starting take work: its host answers."""
    now = time.time()
    if not _move(connection, machine_id, "starting", "idle", now):
        return False
    connection.execute("UPDATE machines SET ready_at = ?, idle_since = ? WHERE id = ?", (now, now, machine_id))
    machine_usage.enter(connection, machine_id, "grace", now)
    return True


def lease(connection: sqlite3.Connection, machine_id: int, execution_id: int | None = None) -> float | None:
    """Take an idle machine for an execution; return when, None when it is not idle, or cordoned."""
    now = time.time()
    if not _move(connection, machine_id, "idle", "leased", now, "AND NOT cordoned"):
        return None
    return machine_usage.enter(connection, machine_id, "execution", now, execution_id)


def release(connection: sqlite3.Connection, machine_id: int, at: float | None = None) -> bool:
    """Give a leased machine back, used until `at` (seconds since 1970, now); one that drains is gone then."""
    now = time.time() if at is None else at
    if _move(connection, machine_id, "draining", "gone", now):
        _leave(connection, machine_id, now, "drained")
        return True
    if not _move(connection, machine_id, "leased", "idle", now):
        return False
    connection.execute("UPDATE machines SET idle_since = ? WHERE id = ?", (now, machine_id))
    machine_usage.enter(connection, machine_id, "grace", now)
    return True


def terminate(connection: sqlite3.Connection, machine_id: int, reason: str = "") -> bool:
    """Let an idle machine go; False when it is not idle any more: a machine that just got work is never ended."""
    now = time.time()
    if not _move(connection, machine_id, "idle", "gone", now):
        return False
    _leave(connection, machine_id, now, reason)
    return True


def give_up(connection: sqlite3.Connection, machine_id: int, reason: str = "") -> bool:
    """Let a machine go that does not come up, and have its host tried again later; False when it came after all.

    Machines of a host that fail together are one failure of it.
    """
    now = time.time()
    row = connection.execute(
        "SELECT m.requested_at, m.host_id, h.* FROM machines m LEFT JOIN hosts h ON h.id = m.host_id WHERE m.id = ?",
        (machine_id,),
    ).fetchone()
    if not _move(connection, machine_id, "starting", "gone", now):
        return False
    if not reason and row["host_id"] is not None:
        health = host_choice.health_sentence(row["name"], row["health"], row["health_at"], row["health_detail"])
        reason = f"it did not come up within {duration(max(now - row['requested_at'], 0))}: {health}"
    _leave(connection, machine_id, now, reason)
    if row["host_id"] is not None and not row["requested_at"] <= (row["failed_at"] or 0.0) <= now:
        connection.execute(
            "UPDATE hosts SET failures = failures + 1, failed_at = ?, failure = ? WHERE id = ?",
            (now, reason, row["host_id"]),
        )
        record(connection, SYSTEM, "host", row["host_id"], f"launch failed: {reason}")
    return True


def vanish(connection: sqlite3.Connection, machine_id: int, reason: str) -> bool:
    """Let a machine go that is not there any more, whatever it was doing; what it ran is dealt with before."""
    now = time.time()
    if not any(_move(connection, machine_id, state, "gone", now) for state in PRESENT):
        return False
    _leave(connection, machine_id, now, reason)
    return True


def cordon(connection: sqlite3.Connection, machine_id: int, *, on: bool, actor: int = SYSTEM) -> bool:
    """Let a machine take no new work, or again; one that drains stays. False where nothing changes."""
    cursor = connection.execute(
        "UPDATE machines SET cordoned = ? WHERE id = ? AND state != 'gone' AND (cordoned != ? OR state = 'draining')",
        (on, machine_id, on),
    )
    if not cursor.rowcount:
        return False
    if not on:
        _move(connection, machine_id, "draining", "leased", time.time())
    record(connection, actor, "machine", machine_id, "cordoned" if on else "uncordoned")
    return True


def drain(connection: sqlite3.Connection, machine_id: int, actor: int = SYSTEM) -> bool:
    """Let a machine go as soon as it is empty: at once, or after what it runs. False where it goes already."""
    cordon(connection, machine_id, on=True, actor=actor)
    now = time.time()
    if _move(connection, machine_id, "leased", "draining", now):
        return True
    if any(_move(connection, machine_id, state, "gone", now) for state in ("idle", "starting")):
        _leave(connection, machine_id, now, "drained")
        return True
    return False


def release_unused(connection: sqlite3.Connection) -> None:
    """Give back machines whose execution has ended: what a scheduler that died may have left leased."""
    rows = connection.execute(
        "SELECT id, (SELECT max(ended_at) FROM executions e WHERE e.machine_id = machines.id) AS ended_at"
        " FROM machines WHERE state IN ('leased', 'draining') AND state != 'gone' AND NOT EXISTS ("
        "SELECT 1 FROM executions e WHERE e.machine_id = machines.id AND e.status IN ('started', 'stopping'))"
    ).fetchall()
    for row in rows:
        release(connection, row["id"], row["ended_at"])


def follow_clock(connection: sqlite3.Connection) -> None:
    """Let no machine's time lie in the future: it would idle, or start, for as long as the clock was set back."""
    connection.execute(
        "UPDATE machines SET idle_since = min(idle_since, :now), state_at = min(state_at, :now)"
        " WHERE state != 'gone' AND (idle_since > :now OR state_at > :now)",
        {"now": time.time()},
    )


PRESENT = ("idle", "starting", "leased", "draining")


def _leave(connection: sqlite3.Connection, machine_id: int, at: float, reason: str = "") -> None:
    at = machine_usage.leave(connection, machine_id, at)
    connection.execute(
        "UPDATE machines SET gone_at = ?, idle_since = NULL, reason = ? WHERE id = ?", (at, reason, machine_id)
    )


def _move(
    connection: sqlite3.Connection, machine_id: int, before: str, after: str, at: float, condition: str = ""
) -> bool:
    cursor = connection.execute(
        f"UPDATE machines SET state = ?, state_at = ? WHERE id = ? AND state = ? {condition}",  # noqa: S608 - a constant
        (after, at, machine_id, before),
    )
    if cursor.rowcount:
        record(connection, SYSTEM, "machine", machine_id, after)
    return bool(cursor.rowcount)
