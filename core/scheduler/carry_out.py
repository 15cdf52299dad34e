"""Writes a decision of the plan down: each item a guarded update, so that what changed meanwhile is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.executions import transitions
from core.scheduler import machines
from data.changes import SYSTEM, record

if TYPE_CHECKING:
    import sqlite3

    from core.scheduler.plan import Decision


def is_empty(decision: Decision) -> bool:
    """Tell whether a decision changes nothing but reasons."""
    return not (decision.queue_all or decision.queue or decision.assign or decision.launch or decision.terminate)


def carry_out(connection: sqlite3.Connection, decision: Decision) -> list[int]:
    """Write a decision down inside the caller's transaction; return the ids of the attempts that it begins."""
    for environment_id, user_id in decision.queue_all:
        transitions.queue_all(connection, environment_id, user_id)
    for execution_id in decision.queue:
        transitions.queue(connection, execution_id)
    for machine_id in decision.terminate:
        machines.terminate(connection, machine_id)
    for environment_id, number in decision.launch:
        for _ in range(number):
            machines.launch(connection, environment_id)
    begun = [_assign(connection, execution_id, machine_id) for execution_id, machine_id in decision.assign]
    return [attempt_id for attempt_id in begun if attempt_id is not None]


def _assign(connection: sqlite3.Connection, execution_id: int, machine_id: int) -> int | None:
    if not machines.lease(connection, machine_id):
        return None
    attempt_id = transitions.start(connection, execution_id, machine_id)
    if attempt_id is None:
        machines.release(connection, machine_id)
    return attempt_id


def known_reasons(connection: sqlite3.Connection) -> dict[tuple[int, int, str], str]:
    """Return the reasons that are written down, by environment, user and status."""
    rows = connection.execute("SELECT environment_id, user_id, status, reason FROM waiting_reasons")
    return {(row[0], row[1], row[2]): row[3] for row in rows}


def reasons_of(decision: Decision) -> dict[tuple[int, int, str], str]:
    """Return the reasons of a decision in the same form."""
    return {(reason.environment_id, reason.user_id, reason.status): reason.text for reason in decision.reasons}


def write_reasons(connection: sqlite3.Connection, wanted: dict[tuple[int, int, str], str]) -> None:
    """Keep these reasons only."""
    known = known_reasons(connection)
    for key in known.keys() - wanted.keys():
        connection.execute("DELETE FROM waiting_reasons WHERE environment_id = ? AND user_id = ? AND status = ?", key)
    for key, text in wanted.items():
        if known.get(key) != text:
            connection.execute("INSERT OR REPLACE INTO waiting_reasons VALUES (?, ?, ?, ?)", (*key, text))
    for environment_id in {key[0] for key in known.keys() ^ wanted.keys()} | {
        key[0] for key, text in wanted.items() if known.get(key) != text
    }:
        record(connection, SYSTEM, "environment", environment_id, "reasons for waiting")
