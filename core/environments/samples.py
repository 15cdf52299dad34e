"""How environments stood in time: machines and waiting executions, written down whenever they changed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from core.environments.environment import Environment
    from core.scheduler import plan
    from core.session import Session

APART = 10.0
"""Seconds between two samples of an environment, at least."""
AT_LEAST_EVERY = 600.0
"""Seconds between two samples of an environment in which there is anything, at most."""
KNOWN_FOR = 2.5 * AT_LEAST_EVERY
"""Seconds after which a sample that no other followed says nothing any more: no scheduler ran."""
IN_FULL = 2 * 86400.0
KEPT = 90 * 86400.0
THINNED_TO = 600.0
"""Seconds of which two samples, the fullest and the last, are kept once they are older than `IN_FULL`."""
PRUNE_EVERY = 3600.0


class Numbers(NamedTuple):
    """How one environment stands; `idle` counts cordoned machines too."""

    busy: int
    idle: int
    starting: int
    waiting: int


class Sample(NamedTuple):
    """How one environment stood at a moment, or at most within the stretch of time that begins there."""

    at: float
    busy: int
    idle: int
    starting: int
    waiting: int


def numbers_of(environment: plan.Environment) -> Numbers:
    """Return how an environment stands, as the plan sees it."""
    waiting = sum(queue.created_total + queue.queued_total for queue in environment.queues)
    idle = len(environment.idle) + environment.cordoned
    return Numbers(environment.busy, idle, len(environment.starting), waiting)


class Sampler:
    """Writes samples for one scheduler, and remembers the last ones, so that a look at them costs no transaction."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[float, Numbers]] = {}
        self._pruned_at: float | None = None
        self._thinned_until = 0.0

    def due(self, environments: Iterable[plan.Environment], now: float) -> bool:
        """Tell whether there is anything to write down."""
        return any(self._is_due(each.id, numbers_of(each), now) for each in environments)

    def sample(self, connection: sqlite3.Connection, environments: Iterable[plan.Environment], now: float) -> None:
        """Write down what is due, inside the caller's transaction; once in a while let go of what is old."""
        for environment in environments:
            numbers = numbers_of(environment)
            if self._is_due(environment.id, numbers, now):
                self._write(connection, environment.id, numbers, now)
        if self._pruned_at is None or abs(now - self._pruned_at) >= PRUNE_EVERY:
            self._thinned_until = _prune(connection, now, self._thinned_until)
            self._pruned_at = now

    def _is_due(self, environment_id: int, numbers: Numbers, now: float) -> bool:
        last = self._last.get(environment_id)
        if last is None:
            return True
        at, before = last
        passed = abs(now - at)  # a clock that was set back does not silence it
        return passed >= (AT_LEAST_EVERY if numbers == before else APART) and (numbers != before or any(numbers))

    def _write(self, connection: sqlite3.Connection, environment_id: int, numbers: Numbers, now: float) -> None:
        # What a clock that ran ahead has left would be in the way of what comes.
        connection.execute(
            "DELETE FROM environment_samples WHERE environment_id = ? AND at >= ?", (environment_id, now)
        )
        connection.execute("INSERT INTO environment_samples VALUES (?, ?, ?, ?, ?, ?)", (environment_id, now, *numbers))
        self._last[environment_id] = (now, numbers)


def _prune(connection: sqlite3.Connection, now: float, since: float = 0.0) -> float:
    """Let go of what is too old, and thin what is old from `since` on; return until when it is thin now."""
    connection.execute("DELETE FROM environment_samples WHERE at < ?", (now - KEPT,))
    # Whole stretches only: what is left of one would be thinned again, and lose what it had most of.
    before = (now - IN_FULL) // THINNED_TO * THINNED_TO
    # IN what goes, not NOT IN what stays: SQLite would compare every row with every other.
    connection.execute(
        "DELETE FROM environment_samples WHERE (environment_id, at) IN (SELECT environment_id, at"
        " FROM (SELECT environment_id, at, row_number() OVER (stretch ORDER BY busy + idle + starting + waiting DESC)"
        " AS fullest, row_number() OVER (stretch ORDER BY at DESC) AS newest FROM environment_samples"
        " WHERE at >= :since AND at < :before"
        " WINDOW stretch AS (PARTITION BY environment_id, CAST(at / :each AS INTEGER)))"
        " WHERE fullest > 1 AND newest > 1)",
        {"since": since, "before": before, "each": THINNED_TO},
    )
    return before


def history(
    session: Session, environment: Environment, since: float, points: int, until: float | None = None
) -> Sequence[Sample]:
    """Return the most of each number in each of `points` stretches of time that are equally long.

    Stretches of which nothing is known, since no scheduler ran or none had run yet, are left out.
    """
    connection = session.read("environment.see")
    until = time.time() if until is None else until
    before = connection.execute(
        "SELECT at, busy, idle, starting, waiting FROM environment_samples WHERE environment_id = ? AND at < ?"
        " ORDER BY at DESC LIMIT 1",
        (environment.id, since),
    )
    within = connection.execute(
        "SELECT at, busy, idle, starting, waiting FROM environment_samples"
        " WHERE environment_id = ? AND at >= ? AND at < ? ORDER BY at",
        (environment.id, since, until),
    )
    return spread([Sample(*row) for row in (*before, *within)], since, until, points)


def spread(samples: Sequence[Sample], since: float, until: float, points: int) -> Sequence[Sample]:
    """Return samples, oldest first, as the most of each equally long stretch from `since` to `until`."""
    width = (until - since) / max(points, 1)
    spread_out: list[Sample] = []
    following = sum(sample.at < since for sample in samples)
    current = samples[following - 1] if following else None
    for number in range(points if width > 0 else 0):
        begin = since + number * width
        known = [] if current is None or not _is_known(current, begin) else [current[1:]]
        while following < len(samples) and samples[following].at < begin + width:
            current = samples[following]
            following += 1
            known.append(current[1:])
        if known:
            spread_out.append(Sample(begin, *map(max, zip(*known, strict=True))))
    return spread_out


def _is_known(sample: Sample, at: float) -> bool:
    """Tell whether a sample still tells how it is: what is empty is only written down once."""
    return not any(sample[1:]) or at - sample.at <= KNOWN_FOR
