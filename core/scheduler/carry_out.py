"""Writes a decision of the plan down: each item a guarded update, so that what changed meanwhile is left alone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from core.executions import transitions
from core.scheduler import machines
from core.scheduler.reasons import REASONS_CHANGED, WAITS_RIGHTLY
from data.changes import SYSTEM, record

if TYPE_CHECKING:
    import sqlite3

    from core.scheduler.plan import Decision


def is_empty(decision: Decision) -> bool:
    """Tell whether a decision changes nothing but reasons."""
    return not (
        decision.queue_all
        or decision.queue
        or decision.assign
        or decision.launch
        or decision.terminate
        or decision.give_up
    )


def carry_out(connection: sqlite3.Connection, decision: Decision) -> list[int]:
    """Write a decision down inside the caller's transaction; return the ids of the attempts that it begins."""
    for environment_id, user_id, team_id in decision.queue_all:
        transitions.queue_all(connection, environment_id, user_id, team_id)
    for execution_id in decision.queue:
        transitions.queue(connection, execution_id)
    for machine_id in decision.give_up:
        machines.give_up(connection, machine_id)
    for machine_id in decision.terminate:
        machines.terminate(connection, machine_id)
    for environment_id, number in decision.launch:
        machines.launch_many(connection, environment_id, number)
    begun = [_assign(connection, execution_id, machine_id) for execution_id, machine_id in decision.assign]
    return [attempt_id for attempt_id in begun if attempt_id is not None]


def _assign(connection: sqlite3.Connection, execution_id: int, machine_id: int) -> int | None:
    leased_at = machines.lease(connection, machine_id, execution_id)
    if leased_at is None:
        return None
    attempt_id = transitions.start(connection, execution_id, machine_id, leased_at)
    if attempt_id is None:
        machines.release(connection, machine_id)
    return attempt_id


_REASON = "environment_id, user_id, team_id, status, code, reason, since"

Reasons = dict[tuple[int, int, int, str], tuple[str, str, float | None]]
"""By environment, user, team and status: code, sentence, since when."""


def known_reasons(connection: sqlite3.Connection) -> Reasons:
    """Return the reasons that are written down."""
    rows = connection.execute(f"SELECT {_REASON} FROM waiting_reasons")  # noqa: S608 - of constants
    return {tuple(row)[:4]: tuple(row)[4:] for row in rows}


def reasons_of(decision: Decision) -> Reasons:
    """Return the reasons of a decision in the same form."""
    return {each[:4]: each[4:] for each in decision.reasons}


def write_reasons(connection: sqlite3.Connection, wanted: Reasons, known: Reasons | None = None) -> None:
    """Keep these reasons only; `known` is what is written down, where that was read."""
    known, now = known_reasons(connection) if known is None else known, time.time()
    gone = known.keys() - wanted.keys()
    changed = {key for key, reason in wanted.items() if known.get(key) != reason}
    connection.executemany(
        "DELETE FROM waiting_reasons WHERE environment_id = ? AND user_id = ? AND team_id = ? AND status = ?", gone
    )
    connection.executemany(
        f"INSERT INTO waiting_reasons ({_REASON}, able_since) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
        " ON CONFLICT DO UPDATE SET code = excluded.code, reason = excluded.reason, since = excluded.since, able_since"
        " = CASE WHEN excluded.able_since IS NOT NULL THEN coalesce(able_since, excluded.able_since) END",
        ((*key, *wanted[key], None if wanted[key][0] in WAITS_RIGHTLY else now) for key in changed),
    )
    for environment_id in {key[0] for key in gone | changed}:
        record(connection, SYSTEM, "environment", environment_id, REASONS_CHANGED)


class WrittenReasons:
    """The reasons that are written down, kept in memory: one scheduler only writes them."""

    def __init__(self) -> None:
        self._known: Reasons | None = None

    def are(self, connection: sqlite3.Connection, wanted: Reasons) -> bool:
        """Tell whether these are written down."""
        if self._known is None:
            self._known = known_reasons(connection)
        return self._known == wanted

    def forget(self) -> None:
        """Read them anew next time: what was written last may not have been committed."""
        self._known = None

    def write(self, connection: sqlite3.Connection, wanted: Reasons) -> None:
        """Keep these reasons only."""
        write_reasons(connection, wanted, self._known)
        self._known = wanted
