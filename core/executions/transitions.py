"""The state machine: every change of status is a guarded update, so that it happens once.

`created` → `queued` → `started` → `complete`, `error`, `stopped` or `crashed`, with `stopping` in between.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.machines.usage import BILL
from core.scheduler.reasons import REASONS_CHANGED
from data.changes import SYSTEM, record, record_many

if TYPE_CHECKING:
    import sqlite3

    from core.executions.execution import Status


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an execution ended, in a sentence that says what to do next where it failed."""

    status: Status
    detail: str
    exit_code: int | None = None
    out_of_memory: bool = False


MOST_ATTEMPTS = 5
"""How often an execution is started at most, whatever is lost under it."""


@dataclass(frozen=True, slots=True)
class Place:
    """What executions are counted by, besides their status."""

    environment_id: int
    user_id: int
    team_id: int
    project_id: int


_COST = (
    "SELECT coalesce(sum(CASE WHEN u.ended_at IS NOT NULL THEN u.cost"  # noqa: S608 - made of constants
    f" ELSE {BILL.format(at='max(?, u.began_at)', machine='m')} - {BILL.format(at='u.began_at', machine='m')} END), 0)"
    " FROM machine_usage u JOIN machines m ON m.id = u.machine_id WHERE u.execution_id = executions.id"
)
"""What the machines of all attempts of an execution cost, the last one up to a moment."""


def count(connection: sqlite3.Connection, place: Place, before: str | None, after: str, number: int = 1) -> None:
    """Keep the counts true: `number` executions go from status `before` (None: they are new) to `after`."""
    key = (place.environment_id, place.user_id, place.team_id, place.project_id)
    if before is not None:
        connection.execute(
            "UPDATE execution_counts SET number = number - ?"
            " WHERE environment_id = ? AND user_id = ? AND team_id = ? AND project_id = ? AND status = ?",
            (number, *key, before),
        )
    connection.execute(
        "INSERT INTO execution_counts VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET number = number + excluded.number",
        (*key, after, number),
    )


def _place(row: sqlite3.Row) -> Place:
    return Place(row["environment_id"], row["user_id"], row["team_id"], row["project_id"])


def _status(connection: sqlite3.Connection, execution_id: int) -> str | None:
    row = connection.execute("SELECT status FROM executions WHERE id = ?", (execution_id,)).fetchone()
    return row["status"] if row else None


def add_event(connection: sqlite3.Connection, execution_id: int, kind: str, message: str) -> None:
    """Write down something that happened to an execution."""
    connection.execute(
        "INSERT INTO execution_events (execution_id, at, kind, message) VALUES (?, ?, ?, ?)",
        (execution_id, time.time(), kind, message),
    )


def queue_all(connection: sqlite3.Connection, environment_id: int, user_id: int, team_id: int) -> None:
    """Move everything that one person has `created` for a team in an environment to `queued`."""
    rows = connection.execute(
        "UPDATE executions SET status = 'queued', queued_at = ?"
        " WHERE environment_id = ? AND user_id = ? AND team_id = ? AND status = 'created'"
        " AND status IN ('created', 'queued')"
        " RETURNING id, project_id",
        (time.time(), environment_id, user_id, team_id),
    ).fetchall()
    for project_id, number in Counter(row["project_id"] for row in rows).items():
        count(connection, Place(environment_id, user_id, team_id, project_id), "created", "queued", number)
    record_many(connection, ((SYSTEM, "execution", row["id"], "queued", row["project_id"]) for row in rows))


def queue(connection: sqlite3.Connection, execution_id: int) -> None:
    """Move one execution from `created` to `queued`."""
    row = connection.execute(
        "UPDATE executions SET status = 'queued', queued_at = ? WHERE id = ? AND status = 'created'"
        " RETURNING environment_id, user_id, team_id, project_id",
        (time.time(), execution_id),
    ).fetchone()
    if row is not None:
        count(connection, _place(row), "created", "queued")
        record(connection, SYSTEM, "execution", execution_id, "queued", project_id=row["project_id"])


def start(connection: sqlite3.Connection, execution_id: int, machine_id: int, at: float | None = None) -> int | None:
    """Give a queued execution its machine; return the id of the new attempt, None when it is not queued any more.

    `at` is when it was leased (seconds since 1970).
    """
    now = time.time() if at is None else at
    row = connection.execute(
        "UPDATE executions SET status = 'started', status_detail = '', started_at = ?, machine_id = ?"
        " WHERE id = ? AND status = 'queued'"
        " RETURNING environment_id, user_id, team_id, project_id",
        (now, machine_id, execution_id),
    ).fetchone()
    if row is None:
        return None
    place = _place(row)
    count(connection, place, "queued", "started")
    connection.execute(
        "INSERT INTO last_served SELECT ?1, ?2, coalesce(max(turn), 0) + 1 FROM last_served WHERE environment_id = ?1"
        " ON CONFLICT (environment_id, user_id) DO UPDATE SET turn = excluded.turn",
        (place.environment_id, place.user_id),
    )
    attempt = connection.execute(
        "INSERT INTO attempts (execution_id, number, machine_id, state, created_at)"
        " SELECT ?, coalesce(max(number), 0) + 1, ?, 'preparing', ? FROM attempts WHERE execution_id = ? RETURNING id",
        (execution_id, machine_id, now, execution_id),
    ).fetchone()
    record(connection, SYSTEM, "execution", execution_id, "started", project_id=row["project_id"])
    return int(attempt[0])


def stop_waiting(connection: sqlite3.Connection, execution_id: int, actor: int, detail: str) -> bool:
    """Stop an execution that waits; False when it does not wait any more."""
    now = time.time()
    before = _status(connection, execution_id)
    row = connection.execute(
        "UPDATE executions SET status = 'stopped', status_detail = ?, stop_reason = ?, ended_at = ?,"  # noqa: S608
        f" cost = ({_COST}) WHERE id = ? AND status IN ('created', 'queued')"
        " RETURNING environment_id, user_id, team_id, project_id",
        (detail, detail, now, now, execution_id),
    ).fetchone()
    if row is None:
        return False
    count(connection, _place(row), before, "stopped")
    add_event(connection, execution_id, "stopped", detail)
    record(connection, actor, "execution", execution_id, "stopped", project_id=row["project_id"])
    return True


def begin_stopping(connection: sqlite3.Connection, execution_id: int, actor: int, detail: str) -> bool:
    """Mark a running execution as stopping; False when it does not run, or stops already."""
    row = connection.execute(
        "UPDATE executions SET status = 'stopping', status_detail = ?, stop_reason = ?, stop_requested_at = ?"
        " WHERE id = ? AND status = 'started'"
        " RETURNING environment_id, user_id, team_id, project_id",
        (detail, detail, time.time(), execution_id),
    ).fetchone()
    if row is None:
        return False
    count(connection, _place(row), "started", "stopping")
    add_event(connection, execution_id, "stopping", detail)
    record(connection, actor, "execution", execution_id, "stopping", project_id=row["project_id"])
    return True


def detail(connection: sqlite3.Connection, execution_id: int, text: str) -> None:
    """Say what a started execution waits for; nothing where it is as it was, or does not run."""
    row = connection.execute(
        "UPDATE executions SET status_detail = ? WHERE id = ? AND status = 'started' AND status_detail != ?"
        " RETURNING project_id",
        (text, execution_id, text),
    ).fetchone()
    if row is not None:
        record(connection, SYSTEM, "execution", execution_id, REASONS_CHANGED, project_id=row["project_id"])


def may_start_again(connection: sqlite3.Connection, execution_id: int) -> bool:
    """Tell whether an execution would be started again if its machine was lost: nobody stops it, somebody allows it.

    One under which machines are lost again and again may be what brings them down, and is not given more of them.
    """
    row = connection.execute(
        "SELECT (e.restart_lost OR v.restart_lost)"
        " AND (SELECT count(*) FROM attempts a WHERE a.execution_id = e.id) < ?"
        " FROM executions e JOIN environments v ON v.id = e.environment_id WHERE e.id = ? AND e.status = 'started'",
        (MOST_ATTEMPTS, execution_id),
    ).fetchone()
    return row is not None and bool(row[0])


def advice_when_lost(connection: sqlite3.Connection, execution_id: int) -> str:
    """Say what to do about an execution that ends because its machine was lost."""
    query = "SELECT count(*) FROM attempts WHERE execution_id = ?"
    number = int(connection.execute(query, (execution_id,)).fetchone()[0])
    if number > 1:
        return (
            f"it was started {number} times and each machine was lost: see in its log and on its hosts whether it is"
            " what brings them down, then run it again"
        )
    return "the program did not fail: run it again, or allow restarts"


def lose(connection: sqlite3.Connection, execution_id: int, why: str) -> bool:
    """Close the attempt of a running execution whose machine was lost; True when the execution is queued again.

    One that may not be started again ends `crashed`, one that was being stopped `stopped`. The machine is the
    caller's to give back, in the same transaction.
    """
    if may_start_again(connection, execution_id):
        _queue_again(connection, execution_id, why)
        return True
    row = connection.execute(
        "SELECT e.stop_reason, m.name FROM executions e LEFT JOIN machines m ON m.id = e.machine_id WHERE e.id = ?",
        (execution_id,),
    ).fetchone()
    if row["stop_reason"] is not None:
        end(connection, execution_id, Outcome("stopped", row["stop_reason"]))
        return False
    sentence = f"machine {row['name']} was lost: {why}; {advice_when_lost(connection, execution_id)}"
    end(connection, execution_id, Outcome("crashed", sentence))
    return False


def _queue_again(connection: sqlite3.Connection, execution_id: int, why: str) -> None:
    row = connection.execute(
        "UPDATE executions SET status = 'queued', status_detail = '', queued_at = ?, started_at = NULL,"
        " machine_id = NULL WHERE id = ? AND status = 'started'"
        " RETURNING environment_id, user_id, team_id, project_id",
        (time.time(), execution_id),
    ).fetchone()
    connection.execute("UPDATE attempts SET state = 'closed' WHERE execution_id = ?", (execution_id,))
    count(connection, _place(row), "started", "queued")
    add_event(connection, execution_id, "lost", f"{why}; started again")
    record(connection, SYSTEM, "execution", execution_id, "queued", project_id=row["project_id"])


def end(connection: sqlite3.Connection, execution_id: int, outcome: Outcome) -> bool:
    """End a running execution and close its attempt; False when it has ended before."""
    now = time.time()
    before = _status(connection, execution_id)
    row = connection.execute(
        "UPDATE executions SET status = ?, status_detail = ?, exit_code = ?, out_of_memory = ?, ended_at = ?,"  # noqa: S608
        f" cost = ({_COST}) WHERE id = ? AND status IN ('started', 'stopping')"
        " RETURNING environment_id, user_id, team_id, project_id",
        (outcome.status, outcome.detail, outcome.exit_code, outcome.out_of_memory, now, now, execution_id),
    ).fetchone()
    connection.execute("UPDATE attempts SET state = 'closed' WHERE execution_id = ?", (execution_id,))
    if row is None:
        return False
    count(connection, _place(row), before, outcome.status)
    add_event(connection, execution_id, outcome.status, outcome.detail)
    record(connection, SYSTEM, "execution", execution_id, outcome.status, project_id=row["project_id"])
    return True
