"""The promises of the plan, over random histories."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from core.scheduler.plan import Decision, Environment, Machine, UserQueue, Waiting, plan

EMPTY = Environment(1, True, 0, 5, 900, 0)


def queue(user: int, *, created: int = 0, queued: int = 0, active: int = 0, first: int = 1) -> UserQueue:
    heads = [Waiting(0, first + i) for i in range(created + queued)]
    return UserQueue(user, active, tuple(heads[queued:]), created, tuple(heads[:queued]), queued)


def idle(id_: int, since: float = 0) -> Machine:
    return Machine(id_, "idle", since)


def test_what_is_created_is_queued_and_a_machine_is_launched_for_it() -> None:
    decision = plan([replace(EMPTY, queues=(queue(1, created=2),))], 0)
    assert decision.queue_all == [(1, 1)]
    assert decision.launch == [(1, 2)]
    assert decision.assign == []


def test_an_idle_machine_gets_the_first_of_the_queue_and_priority_goes_before() -> None:
    waiting = UserQueue(1, 0, (), 0, (Waiting(-1, 9), Waiting(0, 3)), 2)
    decision = plan([replace(EMPTY, machines=(idle(7),), queues=(waiting,))], 0)
    assert decision.assign == [(9, 7)]
    assert decision.launch == [(1, 1)]


def test_beyond_the_quota_executions_stay_created_and_say_so_while_others_go_on() -> None:
    over = queue(1, created=3, active=2)
    other = queue(2, created=1, first=10)
    decision = plan([replace(EMPTY, per_user_quota=2, machines=(idle(7),), queues=(over, other))], 0)
    assert decision.queue == [10]
    assert decision.assign == [(10, 7)]
    reasons = {(r.user_id, r.status): r.text for r in decision.reasons}
    assert reasons[1, "created"] == "quota: 2 of your 2 machines are in use"


def test_a_lowered_quota_holds_for_what_is_queued_already() -> None:
    decision = plan([replace(EMPTY, per_user_quota=1, machines=(idle(7),), queues=(queue(1, queued=3, active=1),))], 0)
    assert decision.assign == []
    assert decision.launch == []
    assert decision.reasons[0].text == "quota: 1 of your 1 machines are in use"


def test_an_idle_machine_goes_when_its_grace_period_is_over_and_not_before() -> None:
    environment = replace(EMPTY, machines=(idle(7, since=100),))
    before = plan([environment], 999.9)
    assert before.terminate == []
    assert before.wake_at == 1000
    assert plan([environment], 1000).terminate == [7]


def test_the_minimum_scale_is_launched_and_kept() -> None:
    assert plan([replace(EMPTY, minimum_scale=2)], 0).launch == [(1, 2)]
    machines = (idle(1), idle(2), idle(3))
    assert len(plan([replace(EMPTY, minimum_scale=2, machines=machines)], 10_000).terminate) == 1


def test_a_disabled_environment_starts_nothing_and_drains() -> None:
    environment = replace(EMPTY, enabled=False, minimum_scale=1, machines=(idle(1),), queues=(queue(1, queued=1),))
    decision = plan([environment], 0)
    assert (decision.assign, decision.launch, decision.terminate) == ([], [], [1])
    assert decision.reasons[0].text == "the environment is disabled"


def test_a_lowered_maximum_ends_idle_machines_and_never_busy_ones() -> None:
    machines = (Machine(1, "leased"), Machine(2, "leased"), idle(3))
    decision = plan([replace(EMPTY, maximum_scale=1, machines=machines, queues=(queue(1, queued=5),))], 0)
    assert decision.terminate == [3]
    assert decision.assign == []


def test_a_fault_holds_the_queue_and_is_the_reason() -> None:
    environment = replace(EMPTY, fault="the Docker Engine does not answer", machines=(idle(1),))
    decision = plan([replace(environment, queues=(queue(1, queued=1),))], 0)
    assert (decision.assign, decision.launch) == ([], [])
    assert decision.reasons[0].text == "the Docker Engine does not answer"


@dataclass
class Job:
    id: int
    user: int
    rank: int
    status: str = "created"
    machine: int | None = None


@dataclass
class Box:
    id: int
    idle_since: float
    job: int | None = None


@dataclass
class World:
    """A small model of what the scheduler does with decisions."""

    now: float = 0.0
    enabled: bool = True
    minimum: int = 0
    maximum: int = 3
    grace: float = 60.0
    quota: int = 0
    jobs: dict[int, Job] = field(default_factory=dict)
    boxes: dict[int, Box] = field(default_factory=dict)
    next_id: int = 1

    def environment(self) -> Environment:
        machines = tuple(
            Machine(box.id, "leased" if box.job else "idle", box.idle_since) for box in self.boxes.values()
        )
        users = sorted({job.user for job in self.jobs.values()})
        queues = tuple(q for user in users if (q := self.queue(user)).created_total or q.queued_total)
        limits = (self.enabled, self.minimum, self.maximum, self.grace, self.quota)
        return Environment(1, *limits, machines, queues)

    def queue(self, user: int) -> UserQueue:
        mine = [job for job in self.jobs.values() if job.user == user]
        heads = {
            status: tuple(sorted(Waiting(job.rank, job.id) for job in mine if job.status == status))
            for status in ("created", "queued")
        }
        active = sum(job.status == "started" for job in mine)
        room = max(0, self.maximum)
        created, queued = heads["created"], heads["queued"]
        return UserQueue(user, active, created[:room], len(created), queued[:room], len(queued))


class Histories(RuleBasedStateMachine):
    """Random people, limits and clocks; every decision is checked and then carried out."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    @rule(user=st.integers(1, 3), rank=st.sampled_from([0, 0, 0, -1]), number=st.integers(1, 4))
    def submit(self, user: int, rank: int, number: int) -> None:
        for _ in range(number):
            job = Job(self.world.next_id, user, rank)
            self.world.jobs[job.id] = job
            self.world.next_id += 1

    @rule(which=st.integers(0, 10))
    def finish(self, which: int) -> None:
        running = [box for box in self.world.boxes.values() if box.job]
        if running:
            box = running[which % len(running)]
            del self.world.jobs[box.job or 0]
            box.job, box.idle_since = None, self.world.now

    @rule(seconds=st.sampled_from([1.0, 30.0, 60.0, 200.0]))
    def wait(self, seconds: float) -> None:
        self.world.now += seconds

    @rule(minimum=st.integers(0, 2), extra=st.integers(0, 3), quota=st.integers(0, 3), enabled=st.booleans())
    def configure(self, minimum: int, extra: int, quota: int, *, enabled: bool) -> None:
        self.world.minimum, self.world.maximum = minimum, minimum + extra
        self.world.quota, self.world.enabled = quota, enabled

    @rule()
    def tick(self) -> None:
        for _ in range(4):
            decision = plan([self.world.environment()], self.world.now)
            self._check(decision)
            self._carry_out(decision)
        self._check_settled()

    @invariant()
    def no_machine_runs_two(self) -> None:
        jobs = [box.job for box in self.world.boxes.values() if box.job]
        assert len(jobs) == len(set(jobs))

    def _check(self, decision: Decision) -> None:
        world = self.world
        launched = sum(number for _, number in decision.launch)
        if launched:
            assert len(world.boxes) + launched <= world.maximum
        for machine in decision.terminate:
            assert world.boxes[machine].job is None
            over_grace = world.now - world.boxes[machine].idle_since >= world.grace
            assert over_grace or not world.enabled or len(world.boxes) > world.maximum
        assert not {m for _, m in decision.assign} & set(decision.terminate)
        assert len({m for _, m in decision.assign}) == len(decision.assign)
        remaining = len(world.boxes) - len(decision.terminate)
        if decision.terminate and world.enabled:
            assert remaining >= world.minimum
        self._check_order(decision)

    def _check_order(self, decision: Decision) -> None:
        """Nobody within their quota is passed over by something that came later with no higher priority."""
        jobs = self.world.jobs
        given = [jobs[id_] for id_, _ in decision.assign]
        for user in {job.user for job in given}:
            mine = [job for job in given if job.user == user]
            assert mine == sorted(mine, key=lambda job: (job.rank, job.id))
        if not self.world.quota and given:
            last = max((job.rank, job.id) for job in given)
            left = [j for j in jobs.values() if j.status in ("created", "queued") and j not in given]
            assert all((job.rank, job.id) > last for job in left)

    def _carry_out(self, decision: Decision) -> None:
        world = self.world
        for _, user in decision.queue_all:
            for job in world.jobs.values():
                if job.user == user and job.status == "created":
                    job.status = "queued"
        for id_ in decision.queue:
            assert world.jobs[id_].status == "created"
            world.jobs[id_].status = "queued"
        for id_, machine in decision.assign:
            assert world.jobs[id_].status == "queued"
            assert world.boxes[machine].job is None
            world.jobs[id_].status, world.boxes[machine].job = "started", id_
        for machine in decision.terminate:
            del world.boxes[machine]
        for _, number in decision.launch:
            for _ in range(number):
                world.boxes[world.next_id] = Box(world.next_id, world.now)
                world.next_id += 1
        self._check_quota(decision)

    def _check_quota(self, decision: Decision) -> None:
        for queue_ in self.world.environment().queues if self.world.quota else ():
            newly = sum(self.world.jobs[id_].user == queue_.user_id for id_, _ in decision.assign)
            assert not newly or queue_.active <= self.world.quota

    def _check_settled(self) -> None:
        """After the plan was carried out until it settles, machines are used as far as the limits allow."""
        world = self.world
        if not world.enabled:
            assert all(box.job for box in world.boxes.values())
            return
        assert len(world.boxes) >= world.minimum
        idle_boxes = [box for box in world.boxes.values() if not box.job]
        busy = len(world.boxes) - len(idle_boxes)
        for queue_ in world.environment().queues:
            within_quota = not world.quota or queue_.active < world.quota
            if within_quota:
                assert busy >= world.maximum or not (idle_boxes or len(world.boxes) < world.maximum)


Histories.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestHistories = Histories.TestCase
