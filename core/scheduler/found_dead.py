"""Whether a container was found dead by its engine: what a scheduler knows that did not see it happen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from core.scheduler.outcome import FOUND_DEAD, KILLED

if TYPE_CHECKING:
    import sqlite3

    from core.scheduler.attempts import Attempt
    from core.scheduler.engines.engine import ContainerState

SLACK = 15.0
"""Seconds by which a host is seen down or up after it is, and by which its clock may be off."""
REBOOTS_WITHIN = 600.0
"""Seconds that pass at most from where a box that shuts down ends its containers until it is started again."""


def was_found_dead(connection: sqlite3.Connection, attempt: Attempt, state: ContainerState) -> bool:
    """Tell whether a container's machine went down under it, though its program may have the same exit code.

    An engine that is shut down kills its containers; one that finds a container dead when it comes back notes that
    moment as the container's end. A host was seen down then, by this scheduler or one before; this box was started
    since.
    """
    if state.exit_code not in (*KILLED, FOUND_DEAD) or state.started_at is None or state.ended_at is None:
        return False
    if attempt.host_id is None:
        began = state.ended_at + (REBOOTS_WITHIN if state.exit_code in KILLED else 0.0)
        return state.started_at < booted_at() <= began
    row = connection.execute(
        "SELECT what FROM changes WHERE kind = 'host' AND subject = :host AND at BETWEEN"
        " (SELECT created_at FROM attempts WHERE id = :attempt) AND :ended + :slack"
        " AND (what LIKE 'down%' OR (what = 'up' AND at < :ended - :slack)) ORDER BY seq DESC LIMIT 1",
        {"host": attempt.host_id, "attempt": attempt.id, "ended": state.ended_at, "slack": SLACK},
    ).fetchone()
    return row is not None and row["what"] != "up"


def booted_at() -> float:
    """Return when this box was started, in seconds since 1970."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
