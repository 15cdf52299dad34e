"""The simulator: executions replayed through the plan, for each second of CPU.

Run: python -m bench.simulator [executions]. The floor is a queue of events with no plan at all: first in, first out,
to so many machines, in the same run. What a plan costs is shared by all that happens in one tick: many small plans for
a few machines, few large ones for thousands.
"""

from __future__ import annotations

import heapq
import random
import statistics
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from bench.report import line
from core.environments.what_if import PERIOD
from core.scheduler.simulator import Job, SimulatedSettings, simulate
from core.scheduler.synthetic_load import synthetic_load

if TYPE_CHECKING:
    from collections.abc import Sequence

AIM = 200_000
ROUNDS = 3
MEAN = 60.0


class Case(NamedTuple):
    """A load: how many machines, how full they are, and how many people want them."""

    machines: int
    fullness: float
    users: int


CASES = [
    Case(machines, fullness, users) for machines in (10, 2000) for fullness in (0.6, 1.2) for users in (1, 10, 100)
]


def load(case: Case, number: int) -> Sequence[Job]:
    """Return executions of about a minute that keep so many machines busy."""
    generator = random.Random(1)  # noqa: S311 - nothing is kept secret by it
    rate, at, jobs = case.machines * case.fullness / MEAN, 0.0, []
    for _ in range(number):
        at += generator.expovariate(rate)
        duration = generator.lognormvariate(0.0, 0.5) * MEAN / 1.1331
        jobs.append(Job(at, duration, generator.randrange(case.users), 0, int(generator.random() < 0.1)))
    return jobs


def floor(jobs: Sequence[Job], machines: int) -> list[float]:
    """Let events happen, and nothing be decided; return the waits."""
    free = [0.0] * machines
    waits = []
    for job in jobs:
        start = max(job.arrival, free[0])
        heapq.heapreplace(free, start + job.duration)
        waits.append(start - job.arrival)
    return sorted(waits)


def main(number: int = 100_000) -> None:
    """Run and print."""
    for case in CASES:
        jobs = load(case, number)
        settings = SimulatedSettings(maximum_scale=case.machines, startup_delay=30.0)
        rates, floors, plans = [], [], 0
        for _ in range(ROUNDS):
            begin = time.process_time()
            floor(jobs, case.machines)
            floors.append(number / (time.process_time() - begin))
            begin = time.process_time()
            plans = simulate(jobs, settings).plans
            rates.append(number / (time.process_time() - begin))
        rate = statistics.median(rates)
        full = "saturated" if case.fullness > 1 else f"{case.fullness:.0%} full"
        line(
            f"{case.machines:,} machines, {full}, {case.users} users",
            f"{rate:,.0f} /s ({rate / statistics.median(floors):.3f} of the floor)",
            f"{number / plans:.1f} executions a plan; aim >= {AIM:,}: {'reached' if rate >= AIM else 'MISSED'}",
        )
    for most in (4, 32):
        made_up = synthetic_load(20_000, users=20, machines=most * 0.6)
        begin = time.process_time()
        simulate(made_up, SimulatedSettings(maximum_scale=most, per_user_quota=most // 2), until=PERIOD)
        line(f"a made-up week of 20,000 by 20 people, {most} machines", f"{time.process_time() - begin:.2f} s of CPU")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
