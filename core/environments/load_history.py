"""What an environment was asked for: arrivals and durations, as they were recorded."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.scheduler.simulator import Job

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

_FINAL = ("complete", "error", "stopped", "crashed")
_SLACK = 3600.0
"""How far ids and times may disagree, in seconds: a clock that was set back leaves them out of order."""


@dataclass(slots=True)
class LoadHistory:
    """Executions as they arrived in a period, and how long each ran.

    `ended` have run to their end. `running` count with the time that they have run so far, `waiting` with the median
    of their step, else of all: left out, what waits longest would make today's settings look good. `withdrawn` were
    stopped before they started, and are left out. `waits` are those that were measured. It `is_cut` where older ones
    would have been too many.
    """

    jobs: list[Job] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    ended: int = 0
    running: int = 0
    waiting: int = 0
    withdrawn: int = 0
    startup_delay: float = 0.0
    is_cut: bool = False
    is_made_up: bool = False

    @classmethod
    def made_up(cls, jobs: Sequence[Job]) -> LoadHistory:
        """Return a load that nobody ran as a history."""
        return cls(list(jobs), ended=len(jobs), is_made_up=True)


def load_history(
    connection: sqlite3.Connection, environment_id: int, since: float, now: float, most: int | None = None
) -> LoadHistory:
    """Read what arrived since a moment (seconds since 1970), the newest `most` of it."""
    history = LoadHistory(startup_delay=_startup_delay(connection, environment_id, since))
    by_step: defaultdict[tuple[int, str], list[float]] = defaultdict(list)
    waiting: list[tuple[tuple[int, str], Job]] = []
    for number, row in enumerate(_rows(connection, environment_id, since)):
        if number == most:
            history.is_cut = True
            break
        created_at, started_at, ended_at, status, *whose, project_id, step = row
        if started_at is None:
            if status in _FINAL:
                history.withdrawn += 1
            else:
                waiting.append(((project_id, step), Job(created_at, 0.0, *whose)))
            continue
        seconds = max(0.0, (now if ended_at is None else ended_at) - started_at)
        history.jobs.append(Job(created_at, seconds, *whose))
        history.waits.append(max(0.0, started_at - created_at))
        if ended_at is None:
            history.running += 1
        else:
            history.ended += 1
            by_step[project_id, step].append(seconds)
    history.waiting = len(waiting)
    history.jobs.extend(_guessed(waiting, by_step))
    history.jobs.sort(key=lambda job: job.arrival)
    return history


def _rows(connection: sqlite3.Connection, environment_id: int, since: float) -> Iterator[sqlite3.Row]:
    """Yield executions from the newest on: older ones are not even read."""
    cursor = connection.cursor()
    cursor.row_factory = None
    for row in cursor.execute(
        "SELECT created_at, started_at, ended_at, status, user_id, team_id, priority, project_id, step"
        " FROM executions INDEXED BY executions_environment WHERE environment_id = ? ORDER BY id DESC",
        (environment_id,),
    ):
        if row[0] >= since:
            yield row
        elif row[0] < since - _SLACK:
            return


def _guessed(
    waiting: list[tuple[tuple[int, str], Job]], by_step: Mapping[tuple[int, str], list[float]]
) -> Iterator[Job]:
    medians = {step: statistics.median(seconds) for step, seconds in by_step.items()}
    overall = statistics.median([each for seconds in by_step.values() for each in seconds]) if by_step else 0.0
    for step, job in waiting:
        yield job._replace(duration=medians.get(step, overall))


def _startup_delay(connection: sqlite3.Connection, environment_id: int, since: float) -> float:
    """Return how long a machine took to come up, in the median of those that did; 0 where none is known."""
    rows = connection.execute(
        "SELECT u.ended_at - u.began_at FROM machine_usage u INDEXED BY machine_usage_ended"
        " WHERE u.ended_at >= ? AND u.environment_id = ? AND u.kind = 'startup'"
        " AND EXISTS (SELECT 1 FROM machines m WHERE m.id = u.machine_id AND m.ready_at IS NOT NULL)",
        (since, environment_id),
    ).fetchall()
    return statistics.median(row[0] for row in rows) if rows else 0.0
