"""When what waits will start: the queue played forward some times, each run as long as one of before took.

An estimate is given only where it is worth something: every step that decides it has run often enough, and the spread
is not absurd. What has run much longer than ever before may go on for any time, and so may all that depends on it.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from core.scheduler.fair_order import Line, serve

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from core.scheduler.fair_order import Room, Waiting

FEWEST = 3
"""Runs of a step that are needed before anything is said of it."""
LOOKED_AT = 50
"""Runs of a step that are looked at, the latest ones."""
USED = 20
"""Runs that are used of those that are most like the one in question."""
PLAYED = 15
"""Times that the queue is played forward."""
FARTHEST = 200
"""Starts after which it is not played on: what comes later depends on what nobody has sent yet."""
OVERDUE = 1.5
"""What runs longer than ever, up to so many times, is taken to end soon; beyond that nobody knows."""
_OVERDUE_LEFT = (0.02, 0.1, 0.25, 0.5)
"""What may be left of it, of the longest run."""
_EFFORT = 30_000
"""Looks at lines in all: where many people wait, fewer starts are foreseen."""


class Estimate(NamedTuple):
    """Seconds from now: one in ten is sooner than `low`, one in ten later than `high`; from `runs` of `steps`."""

    low: float
    median: float
    high: float
    runs: int = 0
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """How long runs of a step took, rising."""

    step: str
    durations: tuple[float, ...]

    @property
    def is_known(self) -> bool:
        """Whether there are enough of them."""
        return len(self.durations) >= FEWEST

    def longer_than(self, elapsed: float) -> Sequence[float]:
        """Return what is left of runs that took longer."""
        return [duration - elapsed for duration in self.durations[bisect_right(self.durations, elapsed) :]]


class Histories:
    """The histories of steps, each read once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._read: dict[tuple[int, str], list[tuple[float, int, str]]] = {}
        self._known: dict[tuple[int, str, int, str], History] = {}

    def of(self, project_id: int, step: str, environment_id: int, parameters: str) -> History:
        """Return the runs most like one: with its parameters in its environment, else there, else anywhere."""
        key = (project_id, step, environment_id, parameters)
        if key not in self._known:
            rows = self._rows(project_id, step)
            there = [row for row in rows if row[1] == environment_id]
            same = [row for row in there if row[2] == parameters]
            chosen = next((each for each in (same, there) if len(each) >= FEWEST), rows)
            self._known[key] = History(step, tuple(sorted(row[0] for row in chosen[:USED])))
        return self._known[key]

    def _rows(self, project_id: int, step: str) -> list[tuple[float, int, str]]:
        key = (project_id, step)
        if key not in self._read:
            rows = self._connection.execute(
                "SELECT ended_at - started_at, environment_id, parameters FROM executions"
                " WHERE project_id = ? AND step = ? AND status = 'complete' AND started_at IS NOT NULL"
                " ORDER BY id DESC LIMIT ?",
                (*key, LOOKED_AT),
            )
            self._read[key] = [(max(0.0, row[0]), row[1], row[2]) for row in rows]
        return self._read[key]


class Running(NamedTuple):
    """Something that runs: for how long, like what; `returns` tells whether its machine takes more work afterwards."""

    execution_id: int
    user_id: int
    team_id: int
    elapsed: float
    history: History
    returns: bool = True
    is_stopping: bool = False

    @property
    def left(self) -> Sequence[float]:
        """How long it may go on, each as likely; nothing where nobody knows."""
        if self.is_stopping:
            return (0.0,)
        if not self.history.is_known:
            return ()
        longest = self.history.durations[-1]
        if longest <= self.elapsed <= OVERDUE * longest:
            return [share * longest for share in _OVERDUE_LEFT]
        return self.history.longer_than(self.elapsed)


@dataclass(frozen=True, slots=True)
class Situation:
    """An environment as it is: `coming` are the seconds until further machines are there, None where nobody knows.

    `free` machines can be used at once; it is negative where more run than may.
    """

    room: Room
    lines: Sequence[tuple[int, int, Sequence[Waiting]]]
    histories: Mapping[int, History]
    running: Sequence[Running]
    free: int
    coming: Sequence[Sequence[float] | None] = ()


def foresee(situation: Situation) -> dict[int, Estimate]:
    """Return an estimate for each execution of which one can be given."""
    starts: defaultdict[int, list[float]] = defaultdict(list)
    most = min(FARTHEST, max(1, _EFFORT // (PLAYED * max(1, len(situation.lines)))))
    for number in range(PLAYED):
        for execution_id, at in _Play(situation, Random(number)).starts(most).items():  # noqa: S311 - no secret
            starts[execution_id].append(at)
    whole = {execution_id: sorted(times) for execution_id, times in starts.items() if len(times) == PLAYED}
    return _told(situation, whole)


def next_end(running: Sequence[Running]) -> Estimate | None:
    """Return when the first of what runs ends; None where nobody knows."""
    left = [each.left for each in running if each.returns]
    if not left or not all(left):
        return None
    random = Random(0)  # noqa: S311 - no secret
    times = sorted(min(random.choice(each) for each in left) for _ in range(PLAYED))
    return _sensible(times, [each.history for each in running if each.returns])


def end_of(running: Running) -> Estimate | None:
    """Return when something that runs ends; None where nobody knows."""
    left = running.left
    if not left or running.is_stopping:
        return None
    tenth = len(left) // 10
    runs = len(running.history.durations)
    return Estimate(left[tenth], left[len(left) // 2], left[-1 - tenth], runs, (running.history.step,))


def _told(situation: Situation, starts: Mapping[int, Sequence[float]]) -> dict[int, Estimate]:
    """Make estimates, each with the histories of what runs and of what goes before it."""
    used = {(each.history.step, each.history.durations): each.history for each in situation.running}
    estimates = {}
    for execution_id, times in sorted(starts.items(), key=lambda item: item[1][PLAYED // 2]):
        estimate = _sensible(times, [] if times[-1] == 0 else [*used.values()])
        if estimate is not None:
            estimates[execution_id] = estimate
        history = situation.histories[execution_id]
        used[history.step, history.durations] = history
    return estimates


def _sensible(times: Sequence[float], histories: Sequence[History]) -> Estimate | None:
    low, median, high = times[PLAYED // 10], times[PLAYED // 2], times[PLAYED - 1 - PLAYED // 10]
    if high - low > 5 * max(median, 60.0):
        return None
    runs = sum(len(durations) for durations in {each.durations for each in histories})
    return Estimate(low, median, high, runs, tuple(dict.fromkeys(each.step for each in histories)))


class _End(NamedTuple):
    at: float
    number: int
    user_id: int | None
    team_id: int
    frees: int


class _Play:
    """The queue played forward once."""

    def __init__(self, situation: Situation, random: Random) -> None:
        self._room = situation.room.copy()
        self._lines = situation.lines
        self._passed = {(user_id, team_id): 0 for user_id, team_id, _ in situation.lines}
        self._histories = situation.histories
        self._random = random
        self._free = situation.free
        self._unknown_from = math.inf
        self._ends: list[_End] = []
        for each in situation.running:
            self._end(0.0, each.left, each.user_id, each.team_id, frees=int(each.returns))
        for times in situation.coming:
            self._end(0.0, times or (), None, 0, frees=1)

    def starts(self, most: int) -> dict[int, float]:
        """Return when each starts, as far as that does not depend on what nobody knows."""
        started: dict[int, float] = {}
        now = 0.0
        while now <= self._unknown_from and len(started) < most:
            if self._free > 0:
                self._serve(now, started)
            if not self._ends:
                break
            now = self._ends[0].at
            while self._ends and self._ends[0].at == now:
                self._leave(heapq.heappop(self._ends))
        return started

    def _serve(self, now: float, started: dict[int, float]) -> None:
        lines = (
            Line(user_id, team_id, waiting[at : at + self._free])
            for user_id, team_id, waiting in self._lines
            if (at := self._passed[user_id, team_id]) < len(waiting)
        )
        for line, waiting in serve(lines, self._room):
            started[waiting.execution_id] = now
            self._passed[line.user_id, line.team_id] += 1
            history = self._histories[waiting.execution_id]
            times = history.durations if history.is_known else ()
            self._end(now, times, line.user_id, line.team_id, frees=1)
            self._free -= 1
            if not self._free:
                return

    def _end(self, now: float, times: Sequence[float], user_id: int | None, team_id: int, *, frees: int) -> None:
        if not times:
            self._unknown_from = min(self._unknown_from, now)
            return
        at = now + self._random.choice(times)
        heapq.heappush(self._ends, _End(at, len(self._ends), user_id, team_id, frees))

    def _leave(self, end: _End) -> None:
        self._free += end.frees
        if end.user_id is not None:
            self._room.take(end.user_id, end.team_id, -1)


def about(seconds: float) -> str:
    """Return a time to come in its largest unit, rounded: `< 1 min`, `4 min`, `2 h`, `3 d`."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= {"d": 48 * 3600, "h": 5400, "min": 50}[unit]:
            return f"{max(1, round(seconds / length))} {unit}"
    return "< 1 min"


def estimate_text(estimate: Estimate) -> str:
    """Return an estimate with its spread: `in about 4 min (2 to 11 min, from 23 runs of train)`."""
    if not estimate.runs:
        return soon(estimate)
    runs = f"from {estimate.runs} runs of {_steps(estimate.steps)}"
    spread = _spread(estimate)
    return f"{soon(estimate)} ({', '.join(filter(None, (spread, runs)))})"


def soon(estimate: Estimate) -> str:
    """Return an estimate without its spread: `in about 4 min`."""
    median = about(estimate.median)
    return "in less than a minute" if median.startswith("<") else f"in about {median}"


def _spread(estimate: Estimate) -> str:
    low, high = about(estimate.low), about(estimate.high)
    if low == high:
        return ""
    if low.startswith("<"):
        return f"at most {high}"
    number, _, unit = low.partition(" ")
    return f"{number if high.endswith(f' {unit}') else low} to {high}"


def _steps(steps: Sequence[str]) -> str:
    return (
        steps[0]
        if len(steps) == 1
        else f"{', '.join(steps[:2])} and {len(steps) - 2} more"
        if len(steps) > 2
        else (" and ".join(steps))
    )
