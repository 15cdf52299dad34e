"""The simulator: the same as looking at every tick, and nothing is lost or done twice in it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.scheduler import simulated_queues
from core.scheduler.fair_order import Waiting
from core.scheduler.plan import Environment, IdleMachine, Queue, StartingMachine, plan
from core.scheduler.simulated_machines import SimulatedMachines
from core.scheduler.simulator import Job, SimulatedSettings, Waits, simulate
from core.scheduler.synthetic_load import synthetic_load


@dataclass
class Machine:
    asked: float
    ready: float
    free: float | None = None
    execution: int | None = None
    gone: float | None = None


def looked_at(
    jobs: list[Job], limits: SimulatedSettings, resolution: float
) -> tuple[list[float | None], list[Machine]]:
    """Simulate slowly: at each tick everything that is so far is told to the plan anew, in full."""
    jobs = sorted(jobs, key=lambda job: job.arrival)
    status = ["to come"] * len(jobs)
    starts: list[float | None] = [None] * len(jobs)
    machines: list[Machine] = []
    served: list[int] = []
    last = max([job.arrival for job in jobs], default=0.0) + sum(job.duration for job in jobs)
    ticks = int((last + limits.grace_period + limits.startup_delay * len(jobs)) / resolution) + len(jobs) + 3
    for tick in range(ticks):
        now = tick * resolution
        settled = False
        while not settled:  # what lasts no time at all ends in the tick in which it begins
            for number, job in enumerate(jobs):
                if status[number] == "to come" and job.arrival <= now:
                    status[number] = "created"
            for machine in machines:
                if machine.free is None and machine.execution is None and machine.ready <= now:
                    machine.free = machine.ready
                if machine.execution is not None:
                    at = (starts[machine.execution] or 0.0) + jobs[machine.execution].duration
                    if at <= now:
                        status[machine.execution] = "ended"
                        machine.execution, machine.free = None, at
            look_once(jobs, limits, now, status, starts, machines, served)
            settled = not any(
                machine.execution is not None
                and (starts[machine.execution] or 0.0) + jobs[machine.execution].duration <= now
                for machine in machines
            ) and not any(
                machine.free is None and machine.execution is None and machine.ready <= now for machine in machines
            )
    return starts, machines


def look_once(
    jobs: list[Job],
    limits: SimulatedSettings,
    now: float,
    status: list[str],
    starts: list[float | None],
    machines: list[Machine],
    served: list[int],
) -> None:
    present = [(number, machine) for number, machine in enumerate(machines) if machine.gone is None]
    seen = environment(jobs, limits, status, present)
    seen.served = {user_id: turn for turn, user_id in enumerate(served, 1)}
    decision = plan([seen], now)
    for _, user_id, team_id in decision.queue_all:
        for number, job in enumerate(jobs):
            if status[number] == "created" and (job.user_id, job.team_id) == (user_id, team_id):
                status[number] = "queued"
    for execution in decision.queue:
        assert status[execution] == "created"
        status[execution] = "queued"
    for execution, number in decision.assign:
        assert status[execution] == "queued"
        status[execution] = "started"
        starts[execution] = now
        served.append(jobs[execution].user_id)
        machines[number].execution, machines[number].free = execution, None
    for _, number in decision.launch:
        machines.extend(Machine(now, now + limits.startup_delay) for _ in range(number))
    for number in decision.terminate:
        assert machines[number].free is not None
        machines[number].free, machines[number].gone = None, now


def environment(
    jobs: list[Job], limits: SimulatedSettings, status: list[str], present: list[tuple[int, Machine]]
) -> Environment:
    running = [jobs[machine.execution] for _, machine in present if machine.execution is not None]
    idle = [IdleMachine(number, machine.free) for number, machine in present if machine.free is not None]
    queues = {}
    result = Environment(
        1,
        limits.enabled,
        limits.minimum_scale,
        limits.maximum_scale,
        limits.grace_period,
        limits.per_user_quota,
        limits.team_quotas,
        limits.other_teams_quota,
        idle=idle,
        starting=[
            StartingMachine(number, "", machine.asked, math.inf)
            for number, machine in present
            if machine.free is None and machine.execution is None
        ],
        busy=len(running),
        active=Counter(job.user_id for job in running),
        team_active=Counter(job.team_id for job in running),
    )
    for key in {
        (job.user_id, job.team_id) for number, job in enumerate(jobs) if status[number] in ("created", "queued")
    }:
        created, queued = (
            sorted(
                Waiting(-job.priority, number)
                for number, job in enumerate(jobs)
                if status[number] == wanted and (job.user_id, job.team_id) == key
            )
            for wanted in ("created", "queued")
        )
        queues[key] = Queue(*key, created, len(created), queued, len(queued))
    # The simulator and the reader of the database meet people in an order of their own: it must not matter.
    result.queues = [queues[key] for key in sorted(queues)]
    return result


whole = st.integers(0, 40).map(float)
fine = st.integers(0, 160).map(lambda quarters: quarters / 4)


@st.composite
def loads(draw: st.DrawFn) -> tuple[list[Job], SimulatedSettings]:
    time = draw(st.sampled_from([whole, fine]))
    job = st.builds(Job, time, time, st.integers(1, 7), st.integers(0, 2), st.integers(0, 1))
    maximum = draw(st.integers(0, 5))
    quota = st.one_of(st.none(), st.integers(0, 3))
    limits = SimulatedSettings(
        minimum_scale=draw(st.integers(0, maximum)),
        maximum_scale=maximum,
        grace_period=draw(st.sampled_from([0.0, 3.0, 7.5, 30.0])),
        per_user_quota=draw(st.integers(0, 3)),
        price_per_hour=draw(st.sampled_from([0, 3_600, 1_250_000])),
        startup_delay=draw(st.sampled_from([0.0, 2.0, 2.5])),
        enabled=draw(st.integers(0, 9)) > 0,
        team_quotas=draw(st.dictionaries(st.integers(0, 2), quota, max_size=2)) if draw(st.booleans()) else {},
        other_teams_quota=draw(quota) if draw(st.booleans()) else None,
    )
    return draw(st.lists(job, max_size=16)), limits


@settings(max_examples=max(60, settings().max_examples // 5), deadline=None)
@given(loads(), st.sampled_from([0, 3]))
def test_it_is_what_looking_at_every_tick_gives(load: tuple[list[Job], SimulatedSettings], worth_ordering: int) -> None:
    jobs, limits = load
    for resolution in (1.0, 0.25):
        starts, machines = looked_at(jobs, limits, resolution)
        with mock.patch.object(simulated_queues, "_WORTH_ORDERING", worth_ordering):
            simulation = simulate(jobs, limits, since=0.0, resolution=resolution)
        assert simulation.starts == starts
        assert simulation.waits == Waits.of(
            start - job.arrival
            for job, start in zip(sorted(jobs, key=lambda job: job.arrival), starts, strict=True)
            if start is not None
        )
        assert [asked for asked, _ in simulation.machines] == [machine.asked for machine in machines]
        for (_, left), machine in zip(simulation.machines, machines, strict=True):
            assert machine.gone is None or left == machine.gone


@settings(max_examples=max(150, settings().max_examples), deadline=None)
@given(loads(), st.sampled_from([0.0, 0.25, 1.0, 0.7]))
def test_each_runs_once_within_every_limit_and_every_second_is_accounted_for(
    load: tuple[list[Job], SimulatedSettings], resolution: float
) -> None:
    jobs, limits = load
    simulation = simulate(jobs, limits, since=0.0, resolution=resolution)
    ordered = sorted(jobs, key=lambda job: job.arrival)
    events: list[tuple[float, int, Job]] = []
    for job, start in zip(ordered, simulation.starts, strict=True):
        if start is not None:
            assert start >= job.arrival - 1e-9
            events += [(start + job.duration, -1, job), (start, 1, job)]
    within_limits(events, limits)
    account = simulation.account
    held = sum(left - asked for asked, left in simulation.machines)
    assert account.total == pytest.approx(held)
    assert account.execution == pytest.approx(sum(job.duration for _, number, job in events if number == 1))
    assert account.startup == pytest.approx(limits.startup_delay * len(simulation.machines))
    assert min(account.startup, account.execution, account.grace, account.idle) >= -1e-9
    assert simulation.cost == sum(
        math.floor((b - a) / 3600 * limits.price_per_hour + 0.5) for a, b in simulation.machines
    )
    assert simulation.peak_machines <= limits.maximum_scale
    may = limits.enabled and limits.maximum_scale > 0
    served = sum(may and limits.team_quotas.get(job.team_id, limits.other_teams_quota) != 0 for job in jobs)
    assert len(jobs) - simulation.unserved == served, "what can run runs in the end"


def within_limits(events: list[tuple[float, int, Job]], limits: SimulatedSettings) -> None:
    users, teams = Counter[int](), Counter[int]()
    for _, number, job in sorted(events, key=lambda event: (event[0], event[1])):
        users[job.user_id] += number
        teams[job.team_id] += number
        quota = limits.team_quotas.get(job.team_id, limits.other_teams_quota)
        assert users.total() <= limits.maximum_scale
        assert not limits.per_user_quota or users[job.user_id] <= limits.per_user_quota
        assert quota is None or teams[job.team_id] <= quota


@pytest.mark.parametrize("quota", [0, 1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_those_whom_the_plan_is_not_told_of_would_not_be_served(seed: int, quota: int) -> None:
    load = synthetic_load(600, users=15, days=1, machines=6, seed=seed)
    limits = SimulatedSettings(maximum_scale=5, per_user_quota=quota, startup_delay=20.0)
    told = []
    for worth_ordering in (0, 1000):
        with mock.patch.object(simulated_queues, "_WORTH_ORDERING", worth_ordering):
            told.append(simulate(load, limits, resolution=5.0))
    assert told[0] == told[1]


def test_people_take_turns_and_what_is_urgent_goes_first() -> None:
    jobs = [*(Job(0.0, duration, 1) for duration in (10, 30, 10, 10)), Job(1.0, 10.0, 2), Job(1.0, 10.0, 3, 0, 1)]
    simulation = simulate(jobs, SimulatedSettings(maximum_scale=2), resolution=0.0)
    assert simulation.starts == [0.0, 0.0, 30.0, 30.0, 20.0, 10.0]
    assert simulation.waits_by_user[3] == Waits(1, 9.0, 9.0, 9.0)
    assert simulation.waits == Waits(6, 9.0, 30.0, 30.0)


def test_every_second_of_a_machine_is_something() -> None:
    limits = SimulatedSettings(1, 2, grace_period=60.0, price_per_hour=3_600_000_000, startup_delay=5.0)
    simulation = simulate([Job(100.0, 30.0), Job(100.0, 30.0)], limits, since=0.0, until=1000.0)
    # One machine from the beginning on, which is idle for 95 s and goes 60 s after its job; another one for the second
    # job, which is kept as the last one.
    assert simulation.machines == [(0.0, 190.0), (100.0, 1000.0)]
    account = simulation.account
    assert (account.startup, account.execution, account.grace, account.idle) == (10.0, 60.0, 180.0, 840.0)
    assert simulation.cost == 1_090_000_000
    assert simulation.utilization == 60 / 1090


@pytest.mark.parametrize("resolution", [1.0, 10.0, 60.0])
def test_a_coarser_clock_is_late_by_no_more_than_it_says(resolution: float) -> None:
    load = synthetic_load(300, users=6, days=2, machines=3, seed=4)
    alone = SimulatedSettings(maximum_scale=1000)
    exact, coarse = (simulate(load, alone, resolution=each) for each in (0.0, resolution))
    assert exact.waits.worst == 0.0
    assert 0.0 < coarse.waits.worst <= resolution
    shared = SimulatedSettings(maximum_scale=6, per_user_quota=3)
    exact, coarse = (simulate(load, shared, resolution=each) for each in (0.0, resolution))
    assert coarse.account.execution == pytest.approx(exact.account.execution)
    assert coarse.waits.median == pytest.approx(exact.waits.median, abs=resolution * 60, rel=0.1)


def test_nothing_arrives() -> None:
    nothing = simulate([], SimulatedSettings())
    assert (nothing.waits, nothing.machines, nothing.utilization) == (Waits(), [], 0.0)
    kept = simulate([], SimulatedSettings(minimum_scale=2), since=10.0, until=110.0)
    assert kept.machines == [(10.0, 110.0), (10.0, 110.0)]


def test_percentiles_are_waits_that_somebody_had() -> None:
    waits = Waits.of(float(number) for number in range(1, 101))
    assert (waits.median, waits.p95, waits.worst) == (50.0, 95.0, 100.0)
    assert Waits.of([7.0]) == Waits(1, 7.0, 7.0, 7.0)


def test_of_the_minimum_scale_none_is_looked_at_again_and_again() -> None:
    machines = SimulatedMachines(
        environment := Environment(1, minimum_scale=1000, maximum_scale=2000, grace_period=0.0)
    )
    numbers = [machines.launch(0.0) for _ in range(1002)]
    machines.free([(0.0, number, -1) for number in numbers], 0)
    machines.show(0, 10.0)
    assert [machine.id for machine in environment.idle] == numbers[:2]
    for number in numbers[:2]:
        machines.terminate(number, 10.0)
    machines.show(3, 20.0)
    assert len(environment.idle) == 3
    environment.enabled = False
    machines.show(0, 20.0)
    assert len(environment.idle) == 1000
