"""Replays arrivals and durations through `plan` under a virtual clock.

The plan is the live one; what differs is who carries it out. Queues and machines are kept as the plan takes them, and
events of one virtual tick are seen together at its end, so that they share the cost of one plan. The live scheduler
looks at once: here an execution starts up to one tick later, and the machine that it waits for is seen to be free up to
one tick later; with a resolution of 0 nothing is late. Durations are exact whatever the resolution is.

Left out is what no history tells: machines that do not come up, hosts that do not answer, people who stop what waits.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from core.scheduler.fair_order import Waiting
from core.scheduler.plan import Environment, plan
from core.scheduler.simulated_machines import SimulatedMachines
from core.scheduler.simulated_queues import SimulatedQueues

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from core.scheduler.simulated_machines import Account

_ENVIRONMENT = 1
_End = tuple[float, int, int]
"""When a machine is free, which one, and which execution it has run."""
_STARTUP = -1
"""What a machine that comes up has run: no execution."""


class Job(NamedTuple):
    """An execution that arrives at a time (seconds since 1970) and runs for so many seconds."""

    arrival: float
    duration: float
    user_id: int = 0
    team_id: int = 0
    priority: int = 0


@dataclass(frozen=True, slots=True)
class SimulatedSettings:
    """What an environment is set to; `price_per_hour` in millionths, times in seconds."""

    minimum_scale: int = 0
    maximum_scale: int = 5
    grace_period: float = 900.0
    per_user_quota: int = 0
    price_per_hour: int = 0
    startup_delay: float = 0.0
    enabled: bool = True
    team_quotas: Mapping[int, int | None] = field(default_factory=dict)
    other_teams_quota: int | None = None


@dataclass(frozen=True, slots=True)
class Waits:
    """How long executions waited, in seconds; nothing where none started."""

    number: int = 0
    median: float = 0.0
    p95: float = 0.0
    worst: float = 0.0

    @classmethod
    def of(cls, waits: Iterable[float]) -> Waits:
        """Summarize waits; a percentile is the smallest wait that so many were not longer than."""
        ordered = sorted(waits)
        if not ordered:
            return cls()
        return cls(len(ordered), _percentile(ordered, 50), _percentile(ordered, 95), ordered[-1])


@dataclass(frozen=True, slots=True)
class Simulation:
    """What came out: `starts` by job, in the order of arrival, None for one that never started; `cost` in millionths.

    `machines` are all that there were, asked for and gone at these times.
    """

    starts: Sequence[float | None]
    waits: Waits
    waits_by_user: Mapping[int, Waits]
    account: Account
    cost: int
    peak_machines: int
    machines: Sequence[tuple[float, float]]
    plans: int

    @property
    def unserved(self) -> int:
        """How many never started, since the settings let them wait for ever."""
        return len(self.starts) - self.waits.number

    @property
    def utilization(self) -> float:
        """The share of the machines' time in which executions ran."""
        return self.account.execution / self.account.total if self.account.total else 0.0


def simulate(
    jobs: Sequence[Job],
    settings: SimulatedSettings,
    *,
    since: float | None = None,
    until: float | None = None,
    resolution: float = 1.0,
) -> Simulation:
    """Run all jobs, beginning without machines at `since` (the first arrival).

    Machines are paid for until they go, those of the minimum scale until `until`, or until the last event if that is
    later.
    """
    ordered = sorted(jobs, key=lambda job: job.arrival)
    if since is None:
        since = ordered[0].arrival if ordered else 0.0
    simulator = _Simulator(ordered, settings, since, resolution)
    simulator.run()
    return simulator.result(until)


class _Simulator:
    """The clock and what happens. Times are in seconds since `since`."""

    def __init__(self, jobs: Sequence[Job], settings: SimulatedSettings, since: float, resolution: float) -> None:
        self._settings = settings
        self._since = since
        self._resolution = resolution
        self._environment = Environment(
            _ENVIRONMENT,
            settings.enabled,
            settings.minimum_scale,
            settings.maximum_scale,
            settings.grace_period,
            settings.per_user_quota,
            settings.team_quotas,
            settings.other_teams_quota,
        )
        self._queues = SimulatedQueues(self._environment)
        self._machines = SimulatedMachines(self._environment)
        self._arrivals = [job.arrival - since for job in jobs]
        self._durations = [job.duration for job in jobs]
        self._waiting = list(map(Waiting, [-job.priority for job in jobs], range(len(jobs))))
        keys = [job[2:4] for job in jobs]
        lines = {key: self._queues.line(*key) for key in dict.fromkeys(keys)}
        self._lines = [lines[key] for key in keys]
        self._arrived = 0
        self._starts: list[float | None] = [None] * len(jobs)
        self._ends: dict[float, list[_End]] = {}
        self._times: list[float] = []
        self._wake: float | None = None
        self._now = 0.0
        self._plans = 0

    def run(self) -> None:
        """Go from tick to tick until nothing is left to happen."""
        self._look(0.0)
        while (now := self._next()) is not None:
            self._now = now
            changed = self._end(now)
            changed = self._arrive(now) or changed
            if changed or (self._wake is not None and now >= self._wake):
                self._look(now)

    def result(self, until: float | None) -> Simulation:
        """Close the account and sum up."""
        end = self._now if until is None else max(self._now, until - self._since)
        machines = self._machines.close(end)
        by_user: defaultdict[int, list[float]] = defaultdict(list)
        account = self._machines.account
        for line, arrival, duration, start in zip(
            self._lines, self._arrivals, self._durations, self._starts, strict=True
        ):
            if start is not None:
                by_user[line.person.id].append(start - arrival if start > arrival else 0.0)
                account.execution += duration
        price = self._settings.price_per_hour
        return Simulation(
            [None if start is None else start + self._since for start in self._starts],
            Waits.of(chain.from_iterable(by_user.values())),
            {user_id: Waits.of(waits) for user_id, waits in sorted(by_user.items())},
            account,
            # As bills are rounded in SQL: half of a millionth up.
            sum(math.floor((gone - asked) / 3600.0 * price + 0.5) for asked, gone in machines),
            self._machines.peak,
            [(asked + self._since, gone + self._since) for asked, gone in machines],
            self._plans,
        )

    def _tick(self, at: float) -> float:
        """Return the end of the tick in which something happens."""
        return -(-at // self._resolution) * self._resolution if self._resolution else at

    def _next(self) -> float | None:
        """Return the end of the next tick in which anything happens."""
        following = self._times[0] if self._times else math.inf
        if self._arrived < len(self._arrivals):
            following = min(following, self._tick(self._arrivals[self._arrived]))
        if self._wake is not None:
            following = min(following, self._tick(self._wake))
        return max(self._now, following) if following < math.inf else None

    def _end(self, now: float) -> bool:
        """End what has run its time, let machines come up; tell whether the plan may now be another one."""
        while self._times and self._times[0] <= now:
            heapq.heappop(self._times)
        ended = self._ends.pop(now, None)
        if ended is None:
            return False
        ended.sort()
        ran = [self._lines[execution] for _, _, execution in ended if execution != _STARTUP]
        self._queues.end(ran)
        self._machines.free(ended, len(ran))
        # Where nothing waits a machine only becomes idle: it is the last one to be over its grace period.
        rests = self._wake is not None or self._machines.present <= self._settings.minimum_scale
        return len(ran) < len(ended) or bool(self._queues) or not rests

    def _arrive(self, now: float) -> bool:
        """Let jobs arrive; they change nothing where no machine is to be had."""
        first, last = self._arrived, bisect_right(self._arrivals, now, self._arrived)
        self._arrived = last
        self._queues.arrive(self._lines[first:last], self._waiting[first:last])
        full = not self._machines.idle and self._machines.present >= self._settings.maximum_scale
        return last > first and not full

    def _look(self, now: float) -> None:
        """Plan, and carry out what was decided."""
        machines = self._machines
        launchable = self._settings.maximum_scale - machines.present + machines.starting
        machines.show(self._queues.show(machines.idle, launchable), now)
        decision = plan((self._environment,), now, reasons=False)
        self._plans += 1
        if decision.assign:
            self._start(decision.assign, now)
        for _, number in decision.launch:
            for _ in range(number):
                self._at(now + self._settings.startup_delay, machines.launch(now), _STARTUP)
        for machine in decision.terminate:
            machines.terminate(machine, now)
        wake_at = decision.wake_at
        self._wake = wake_at if wake_at is not None and wake_at < math.inf else None

    def _start(self, assigned: Sequence[tuple[int, int]], now: float) -> None:
        self._queues.start([self._lines[execution] for execution, _ in assigned])
        self._machines.lease([machine for _, machine in assigned], now)
        starts, durations, at = self._starts, self._durations, self._at
        for execution, machine in assigned:
            starts[execution] = now
            at(now + durations[execution], machine, execution)

    def _at(self, at: float, machine: int, execution: int) -> None:
        """Have a machine free at a time."""
        resolution = self._resolution
        tick = -(-at // resolution) * resolution if resolution else at
        ends = self._ends.get(tick)
        if ends is None:
            self._ends[tick] = [(at, machine, execution)]
            heapq.heappush(self._times, tick)
        else:
            ends.append((at, machine, execution))


def _percentile(ordered: Sequence[float], percent: int) -> float:
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
