"""Reads what the queue of an environment is played forward from: what runs, what waits, which machines come back."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from core.executions.estimates import FARTHEST, Histories, Running, Situation
from core.scheduler.fair_order import Waiting

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from core.executions.estimates import History
    from core.queue.order import LineUp

_WORK = """
    SELECT e.id, e.user_id, e.team_id, e.priority, e.project_id, e.step, e.parameters
    FROM json_each(:ids) g CROSS JOIN executions e ON e.id = g.value WHERE e.status IN ('created', 'queued')
"""
_RUNNING = """
    SELECT e.id, e.user_id, e.team_id, e.started_at, e.status, e.project_id, e.step, e.parameters,
        m.state = 'draining' OR m.cordoned OR coalesce(h.cordoned OR h.health IN ('down', 'refused'), 0) AS leaves,
        m.host_id IS NOT NULL AS is_hosted
    FROM executions e INDEXED BY executions_running JOIN machines m ON m.id = e.machine_id
    LEFT JOIN hosts h ON h.id = m.host_id
    WHERE e.status IN ('started', 'stopping') AND e.environment_id = :environment
"""
_SLOTS = """
    SELECT coalesce(sum(slots), 0) FROM hosts WHERE environment_id = :environment AND deleted_at IS NULL
    AND NOT cordoned AND health NOT IN ('down', 'refused')
"""
_STARTUPS = """
    SELECT ready_at - requested_at FROM (SELECT * FROM machines WHERE id > (SELECT max(id) FROM machines) - 1000)
    WHERE environment_id = :environment AND ready_at IS NOT NULL ORDER BY id DESC LIMIT 20
"""


class _Machines(NamedTuple):
    """How many machines could be had, how many are there and idle, and since when others start."""

    most: int
    idle: int
    starting: Sequence[float]
    startups: Sequence[float]


def running(connection: sqlite3.Connection, environment_id: int, histories: Histories, now: float) -> list[Running]:
    """Return what runs in an environment."""
    rows = connection.execute(_RUNNING, {"environment": environment_id})
    return [
        Running(
            row["id"],
            row["user_id"],
            row["team_id"],
            max(0.0, now - row["started_at"]),
            histories.of(row["project_id"], row["step"], environment_id, row["parameters"]),
            returns=not (row["leaves"] and row["is_hosted"]),
            is_stopping=row["status"] == "stopping",
        )
        for row in rows
    ]


def situation(connection: sqlite3.Connection, line_up: LineUp, now: float) -> Situation:
    """Return how an environment stands, with as much of its queue as may be foreseen."""
    environment = line_up.environment
    histories = Histories(connection)
    busy = running(connection, environment.id, histories, now)
    lines, known = _lines(connection, line_up, histories)
    machines = _machines(connection, line_up, now)
    lasting = sum(each.returns for each in busy)
    free = min(machines.most - lasting, environment.maximum_scale - len(busy))
    ready = min(free, machines.idle)
    return Situation(
        environment.room(),
        lines,
        known,
        busy,
        ready,
        _coming(machines, max(0, free - ready)),
    )


def _lines(
    connection: sqlite3.Connection, line_up: LineUp, histories: Histories
) -> tuple[list[tuple[int, int, list[Waiting]]], dict[int, History]]:
    ids = [*islice(line_up.walk(), FARTHEST)]
    environment = line_up.environment
    if environment.queues:
        ids += line_up.first_of_lines(max(1, FARTHEST // len(environment.queues)))
    lines: defaultdict[tuple[int, int], list[Waiting]] = defaultdict(list)
    known: dict[int, History] = {}
    for row in connection.execute(_WORK, {"ids": json.dumps([*dict.fromkeys(ids)])}):
        lines[row["user_id"], row["team_id"]].append(Waiting(-row["priority"], row["id"]))
        known[row["id"]] = histories.of(row["project_id"], row["step"], environment.id, row["parameters"])
    return [(*key, sorted(waiting)) for key, waiting in lines.items()], known


def _machines(connection: sqlite3.Connection, line_up: LineUp, now: float) -> _Machines:
    environment = line_up.environment
    bound = {"environment": environment.id}
    kind = connection.execute("SELECT kind FROM environments WHERE id = :environment", bound).fetchone()[0]
    most = environment.maximum_scale - environment.cordoned
    starting = [now - each.since for each in environment.starting]
    if kind == "local":
        return _Machines(most, most, starting, (0.0,))
    slots = connection.execute(_SLOTS, bound).fetchone()[0]
    startups = [max(0.0, row[0]) for row in connection.execute(_STARTUPS, bound)]
    return _Machines(min(most, slots), len(environment.idle), starting, startups)


def _coming(machines: _Machines, missing: int) -> list[Sequence[float] | None]:
    """Return when further machines may be there: those that start now first, then those that would be asked for."""
    starting: list[Sequence[float] | None] = [
        [left for each in machines.startups if (left := each - elapsed) > 0] or None
        for elapsed in machines.starting[:missing]
    ]
    return starting + [machines.startups or None] * (missing - len(starting))
