"""Reads what the plan needs: limits, machines, and of every queue its length and its head."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from core.scheduler.plan import Environment, Machine, UserQueue, Waiting

if TYPE_CHECKING:
    import sqlite3

ACTIVE = ("started", "stopping")


def snapshot(connection: sqlite3.Connection, fault: str | None = None) -> list[Environment]:
    """Return every environment as the plan sees it; `fault` says why no machine can start anything now, if so."""
    machines = _machines(connection)
    counts = _counts(connection)
    return [
        _environment(connection, row, machines[row["id"]], counts[row["id"]], fault)
        for row in _environments(connection)
    ]


def _environments(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    return connection.execute("SELECT * FROM environments ORDER BY id").fetchall()


def _machines(connection: sqlite3.Connection) -> defaultdict[int, list[Machine]]:
    machines: defaultdict[int, list[Machine]] = defaultdict(list)
    rows = connection.execute(
        "SELECT id, environment_id, state, idle_since FROM machines WHERE state != 'gone' ORDER BY id"
    )
    for row in rows:
        machines[row["environment_id"]].append(Machine(row["id"], row["state"], row["idle_since"] or 0.0))
    return machines


def _counts(connection: sqlite3.Connection) -> defaultdict[int, defaultdict[int, dict[str, int]]]:
    counts: defaultdict[int, defaultdict[int, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    rows = connection.execute(
        "SELECT environment_id, user_id, status, sum(number) FROM execution_counts"
        " WHERE number > 0 AND status IN ('created', 'queued', 'started', 'stopping')"
        " GROUP BY environment_id, user_id, status"
    )
    for environment_id, user_id, status, number in rows:
        counts[environment_id][user_id][status] = number
    return counts


def _environment(
    connection: sqlite3.Connection,
    row: sqlite3.Row,
    machines: list[Machine],
    counts: dict[int, dict[str, int]],
    fault: str | None,
) -> Environment:
    room = max(0, row["maximum_scale"] - sum(machine.status in ("leased", "draining") for machine in machines))
    queues = []
    for user_id, by_status in counts.items():
        created, queued = by_status.get("created", 0), by_status.get("queued", 0)
        if created or queued:
            queues.append(
                UserQueue(
                    user_id,
                    sum(by_status.get(status, 0) for status in ACTIVE),
                    _head(connection, row["id"], user_id, "created", room) if created else (),
                    created,
                    _head(connection, row["id"], user_id, "queued", room) if queued else (),
                    queued,
                )
            )
    return Environment(
        row["id"],
        bool(row["enabled"]),
        row["minimum_scale"],
        row["maximum_scale"],
        row["scale_down_grace_period"],
        row["per_user_quota"],
        tuple(machines),
        tuple(queues),
        fault,
    )


def _head(
    connection: sqlite3.Connection, environment_id: int, user_id: int, status: str, limit: int
) -> tuple[Waiting, ...]:
    rows = connection.execute(
        "SELECT priority, id FROM executions INDEXED BY executions_waiting"
        " WHERE environment_id = ? AND user_id = ? AND status = ? AND status IN ('created', 'queued')"
        " ORDER BY priority DESC, id LIMIT ?",
        (environment_id, user_id, status, limit),
    )
    return tuple(Waiting(-priority, id_) for priority, id_ in rows)
