"""Makes up what a team runs: the same for the same seed, in the rhythm of days and weeks.

People have habits: when they work, how much of it, how long their executions take, and whether they try one thing or
sweep over many at once. Durations are lognormal, as those of real clusters nearly are.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from core.scheduler.simulator import Job

_HOUR = 3600.0
_DAY = 24
_WEEKEND_SHARE = 0.15
_NIGHT_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Habit:
    """How somebody works: `share` of all executions, `hour` of the day (UTC), a sweep's size, seconds of a duration."""

    user_id: int
    share: float
    hour: float
    sweep: float
    median_duration: float
    spread: float
    urgent: float


def synthetic_load(
    number: int,
    *,
    users: int = 8,
    days: float = 7.0,
    median_duration: float = 600.0,
    machines: float | None = None,
    start: float = 0.0,
    seed: int = 0,
) -> list[Job]:
    """Return so many executions in the order in which they arrive, from `start` (the midnight before a Monday) on.

    Given `machines`, their durations are scaled to keep so many busy on average.
    """
    generator = random.Random(seed)  # noqa: S311 - nothing is kept secret by it
    habits = [_habit(generator, user_id, median_duration) for user_id in range(1, users + 1)]
    shares = [habit.share for habit in habits]
    hours = range(max(1, math.ceil(days * _DAY)))
    rhythms = {habit.user_id: [_liveliness(habit, hour) for hour in hours] for habit in habits}
    jobs: list[Job] = []
    while len(jobs) < number:
        habit = generator.choices(habits, shares)[0]
        hour = generator.choices(hours, rhythms[habit.user_id])[0]
        at = start + min((hour + generator.random()) * _HOUR, days * _DAY * _HOUR)
        jobs.extend(_burst(generator, habit, at)[: number - len(jobs)])
    scale = 1.0 if machines is None else machines * days * _DAY * _HOUR / sum(job.duration for job in jobs)
    return sorted((job._replace(duration=job.duration * scale) for job in jobs), key=lambda job: job.arrival)


def _habit(generator: random.Random, user_id: int, median_duration: float) -> Habit:
    return Habit(
        user_id,
        share=1 / user_id,
        hour=generator.gauss(13.0, 2.0),
        sweep=generator.choice([0.05, 0.1, 0.3]),
        median_duration=median_duration * generator.lognormvariate(0.0, 0.7),
        spread=generator.uniform(0.5, 1.2),
        urgent=generator.choice([0.0, 0.0, 0.05, 0.2]),
    )


def _liveliness(habit: Habit, hour: int) -> float:
    """Return how much somebody does in an hour of the week, compared with their best one."""
    distance = abs((hour + 0.5) % _DAY - habit.hour)
    by_day = math.exp(-0.5 * (min(distance, _DAY - distance) / 3.0) ** 2)
    return (_NIGHT_SHARE + by_day) * (_WEEKEND_SHARE if hour // _DAY % 7 >= 5 else 1.0)


def _burst(generator: random.Random, habit: Habit, at: float) -> list[Job]:
    """Return one execution, or a sweep: many alike, a second or so after each other."""
    size = 1 + min(199, int(generator.expovariate(1 / 20))) if generator.random() < habit.sweep else 1
    median = habit.median_duration * generator.lognormvariate(0.0, habit.spread)
    priority = int(generator.random() < habit.urgent)
    jobs = []
    for _ in range(size):
        jobs.append(Job(at, median * generator.lognormvariate(0.0, 0.3), habit.user_id, 0, priority))
        at += generator.expovariate(1.0)
    return jobs
