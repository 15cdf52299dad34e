"""A small model of people, machines and limits, which carries the plan's decisions out under a clock of its own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from core.scheduler.fair_order import Waiting
from core.scheduler.known_queues import Tally, heads_needed, machines_to_give
from core.scheduler.plan import Decision, Environment, IdleMachine, Queue, StartingMachine, plan

ENVIRONMENT = 1
TEAM_NAMES = {1: "vision", 2: "speech", 3: "guests"}
BACK_OFF = 45.0

Key = tuple[int, int]


@dataclass
class Job:
    id: int
    user: int
    team: int
    rank: int
    status: Literal["created", "queued", "started"] = "created"

    @property
    def key(self) -> Key:
        return self.user, self.team

    @property
    def waiting(self) -> Waiting:
        return Waiting(self.rank, self.id)


@dataclass
class Machine:
    id: int
    state: Literal["starting", "idle", "busy"]
    since: float
    ready_at: float = 0.0
    deadline: float = 0.0
    cordoned: bool = False
    draining: bool = False
    job: int = 0


@dataclass
class Limits:
    enabled: bool = True
    minimum: int = 0
    maximum: int = 3
    grace: float = 60.0
    user_quota: int = 0
    team_quotas: dict[int, int | None] = field(default_factory=dict)
    teams_only: bool = False
    fault: str | None = None


@dataclass
class Launches:
    """How machines come: `room` for so many in all (None: any number), some fail, some take long or never come."""

    room: int | None = None
    failing: int = 0
    after: float = 0.0
    takes: float = 0.0
    timeout: float = 100.0


@dataclass(frozen=True)
class Look:
    """One look of the scheduler: what it saw, what it decided, and who waited before."""

    now: float
    environment: Environment
    decision: Decision
    waiting: dict[int, Job]
    left: Counter[tuple[int, int, str]]
    """How many wait once the decision was carried out, by user, team and status."""


class World:
    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.limits = Limits()
        self.launches = Launches()
        self.jobs: dict[int, Job] = {}
        self.machines: dict[int, Machine] = {}
        self.served: dict[int, int] = {}
        self._last_id = 0
        self._last_turn = 0

    def new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def submit(self, user: int, team: int, rank: int) -> None:
        job = Job(self.new_id(), user, team, rank)
        self.jobs[job.id] = job

    def in_state(self, state: str) -> list[Machine]:
        return [machine for machine in self.machines.values() if machine.state == state]

    def waiting(self) -> list[Job]:
        return [job for job in self.jobs.values() if job.status != "started"]

    def finish(self, machine: Machine) -> None:
        del self.jobs[machine.job]
        machine.job, machine.state, machine.since = 0, "idle", self.now
        if machine.draining:
            del self.machines[machine.id]

    def drain(self, machine: Machine) -> None:
        machine.cordoned = machine.draining = True
        if machine.state == "idle":
            del self.machines[machine.id]

    def let_come_up(self) -> None:
        for machine in self.in_state("starting"):
            if machine.ready_at <= self.now < machine.deadline:
                machine.state, machine.since = "idle", machine.ready_at

    def environment(self, *, whole: bool = False) -> Environment:
        """Return what the plan sees: the heads that it needs, or the `whole` queues."""
        limits, launches = self.limits, self.launches
        running = [job for job in self.jobs.values() if job.status == "started"]
        environment = Environment(
            id=ENVIRONMENT,
            enabled=limits.enabled,
            minimum_scale=limits.minimum,
            maximum_scale=limits.maximum,
            grace_period=limits.grace,
            per_user_quota=limits.user_quota,
            team_quotas=dict(limits.team_quotas),
            other_teams_quota=0 if limits.teams_only else None,
            team_names=TEAM_NAMES,
            idle=tuple(IdleMachine(each.id, each.since) for each in self.in_state("idle") if not each.cordoned),
            starting=tuple(
                StartingMachine(each.id, f"box-{each.id}", each.since, each.deadline)
                for each in self.in_state("starting")
            ),
            busy=len(self.in_state("busy")),
            cordoned=sum(machine.cordoned for machine in self.in_state("idle")),
            active=Counter(job.user for job in running),
            team_active=Counter(job.team for job in running),
            served=dict(self.served),
            launchable=None if launches.room is None else max(0, launches.room - len(self.machines)),
            launch_after=launches.after,
            launch_problem="no host answers" if launches.room is not None or launches.after else "",
            fault=limits.fault,
        )
        keys = sorted({job.key for job in self.waiting()})
        environment.queues = tuple(self._queue(environment, key, whole=whole) for key in keys)
        return environment

    def _queue(self, environment: Environment, key: Key, *, whole: bool) -> Queue:
        waiting = [job for job in self.waiting() if job.key == key]
        created = sorted(job.waiting for job in waiting if job.status == "created")
        queued = sorted(job.waiting for job in waiting if job.status == "queued")
        tally = Tally(len(created), len(queued))
        of_created, of_queued = heads_needed(environment.room(), key, tally, machines_to_give(environment))
        if whole:
            of_created, of_queued = len(created), len(queued)
        return Queue(*key, tuple(created[:of_created]), len(created), tuple(queued[:of_queued]), len(queued))

    def look(self) -> Look:
        """Plan once and carry it out."""
        environment = self.environment()
        waiting = {job.id: Job(job.id, job.user, job.team, job.rank, job.status) for job in self.waiting()}
        decision = plan([environment], self.now)
        self._carry_out(decision)
        left = Counter((job.user, job.team, str(job.status)) for job in self.waiting())
        return Look(self.now, environment, decision, waiting, left)

    def _carry_out(self, decision: Decision) -> None:
        for _, *key in decision.queue_all:
            for job in self.waiting():
                if job.key == tuple(key):
                    job.status = "queued"
        for id_ in decision.queue:
            assert self.jobs[id_].status == "created"
            self.jobs[id_].status = "queued"
        for id_ in [*decision.terminate, *decision.give_up]:
            self.machines.pop(id_, None)
        if decision.give_up:
            self.launches.after = self.now + BACK_OFF
        for id_, machine_id in decision.assign:
            machine = self.machines[machine_id]
            self.jobs[id_].status = "started"
            self._last_turn += 1
            self.served[self.jobs[id_].user] = self._last_turn
            machine.state, machine.job = "busy", id_
        for _, number in decision.launch:
            for _ in range(number):
                self._launch()

    def _launch(self) -> None:
        launches = self.launches
        if launches.failing:
            launches.failing -= 1
            launches.after = self.now + BACK_OFF
            return
        machine = Machine(self.new_id(), "starting" if launches.takes else "idle", self.now)
        machine.ready_at, machine.deadline = self.now + launches.takes, self.now + launches.timeout
        self.machines[machine.id] = machine
