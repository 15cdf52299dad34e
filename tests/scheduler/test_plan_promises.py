"""The promises of the plan, each one invariant, over random histories with all settings."""

from __future__ import annotations

import pickle
from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from core.scheduler.carry_out import is_empty
from core.scheduler.plan import plan
from core.scheduler.reasons import Code, reason_text
from tests.scheduler.plan_world import Launches, Limits, Look, World

if TYPE_CHECKING:
    from core.scheduler.plan import Environment
    from tests.scheduler.plan_world import Job

MOST_LOOKS = 12
"""A tick of this model settles in fewer looks."""

users = st.integers(1, 4)
teams = st.sampled_from([0, 0, 1, 2, 3])
ranks = st.sampled_from([0, 0, -1])
team_quotas = st.dictionaries(st.integers(0, 3), st.sampled_from([None, 0, 1, 1, 2, 3]), max_size=2)
which = st.integers(0, 50)


class Histories(RuleBasedStateMachine):
    """Random people, limits, machines and clocks; `looks` are those of the last event, after which all is `settled`.

    `had_turns` says who was served before it, one after the other.
    """

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.looks: list[Look] = []
        self.settled: list[Environment] = []
        self.had_turns: list[int] = []
        self.rhythm = [True]

    # What happens

    @initialize(
        quota=st.sampled_from([0, 0, 1, 2, 3]),
        of_teams=team_quotas,
        takes=st.sampled_from([0.0, 0.0, 0.0, 20.0, 1000.0]),
        rhythm=st.lists(st.booleans(), max_size=5),
    )
    def begin(self, quota: int, of_teams: dict[int, int | None], takes: float, rhythm: list[bool]) -> None:
        self.rhythm = [*rhythm, True]
        for user in (1, 2, 1, 2):
            self.world.submit(user, 0, 0)
        self.world.limits = Limits(user_quota=quota, team_quotas=of_teams)
        self.world.launches = Launches(takes=takes)

    @rule(user=users, team=teams, rank=ranks, number=st.integers(1, 4))
    def submit(self, user: int, team: int, rank: int, number: int) -> None:
        for _ in range(number):
            self.world.submit(user, team, rank)
        self.tick()

    @rule(which=which)
    def stop_one_that_waits(self, which: int) -> None:
        if waiting := self.world.waiting():
            del self.world.jobs[waiting[which % len(waiting)].id]
        self.tick()

    @rule(which=which, ends=st.integers(0, 4), seconds=st.sampled_from([0.0, 0.5, 25.0, 60.0, 200.0]))
    def go_on(self, which: int, ends: int, seconds: float) -> None:
        self.world.now += seconds
        self.world.let_come_up()
        for _ in range(ends):
            if busy := self.world.in_state("busy"):
                self.world.finish(busy[which % len(busy)])
        self.tick()

    @rule(user=users, team=teams, rank=ranks, number=st.integers(1, 4), which=which)
    def one_ends_while_others_come(self, user: int, team: int, rank: int, number: int, which: int) -> None:
        if busy := self.world.in_state("busy"):
            self.world.finish(busy[which % len(busy)])
        self.submit(user, team, rank, number)

    @rule(early=st.sampled_from([0.0, 0.0, 0.25]))
    def wait_until_something_is_due(self, early: float) -> None:
        world = self.world
        due = [machine.deadline for machine in world.in_state("starting")]
        due += [machine.since + world.limits.grace for machine in world.in_state("idle")]
        world.now = min(
            (at - early for at in [*due, world.launches.after] if at - early > world.now), default=world.now
        )
        world.let_come_up()
        self.tick()

    @rule(
        minimum=st.integers(0, 3),
        extra=st.sampled_from([0, 0, 1, 2, 4]),
        grace=st.sampled_from([0.0, 60.0]),
        enabled=st.sampled_from([True] * 4 + [False]),
    )
    def change_the_scale(self, minimum: int, extra: int, grace: float, *, enabled: bool) -> None:
        limits = self.world.limits
        limits.minimum, limits.maximum = minimum, minimum + extra
        limits.grace, limits.enabled = grace, enabled
        self.tick()

    @rule(
        quota=st.sampled_from([0, 0, 1, 2, 3]), of_teams=team_quotas, teams_only=st.sampled_from([False] * 4 + [True])
    )
    def change_the_quotas(self, quota: int, of_teams: dict[int, int | None], *, teams_only: bool) -> None:
        limits = self.world.limits
        limits.user_quota, limits.team_quotas, limits.teams_only = quota, of_teams, teams_only
        self.tick()

    @rule(fault=st.sampled_from([None] * 4 + ["the Docker Engine does not answer"]))
    def break_or_mend_the_engine(self, fault: str | None) -> None:
        self.world.limits.fault = fault
        self.tick()

    @rule(
        room=st.sampled_from([None, None, None, 0, 2, 5]),
        failing=st.sampled_from([0, 0, 0, 1, 3]),
        takes=st.sampled_from([0.0, 0.0, 20.0, 90.0, 1000.0]),
    )
    def change_how_machines_come(self, room: int | None, failing: int, takes: float) -> None:
        self.world.launches = Launches(room, failing, self.world.launches.after, takes)
        self.tick()

    @rule(
        which=which,
        state=st.sampled_from(["idle", "idle", "busy"]),
        how=st.sampled_from(["cordon", "cordon", "uncordon", "drain"]),
    )
    def look_after_a_machine(self, which: int, state: str, how: str) -> None:
        machines = self.world.in_state(state)
        if machines:
            machine = machines[which % len(machines)]
            if how == "drain":
                self.world.drain(machine)
            else:
                machine.cordoned = machine.draining or how == "cordon"
        self.tick()

    def tick(self) -> None:
        """Let the scheduler look until nothing is left to do, unless more happens before it comes to it."""
        self.had_turns += [job.user for look in self.looks for job in given(look)]
        self.looks, self.settled = [], []
        self.rhythm.append(self.rhythm.pop(0))
        if not self.rhythm[0]:
            return
        self.looks = [self.world.look()]
        while not is_empty(self.looks[-1].decision) and len(self.looks) < MOST_LOOKS:
            self.looks.append(self.world.look())
        self.settled = [self.world.environment()]

    # What is promised

    @invariant()
    def a_tick_settles(self) -> None:
        assert len(self.looks) < MOST_LOOKS

    @invariant()
    def no_machine_is_launched_above_the_maximum_scale(self) -> None:
        for look in self.looks:
            if look.decision.launch:
                assert present(look) + launched(look) <= look.environment.maximum_scale

    @invariant()
    def no_work_is_given_above_the_maximum_scale(self) -> None:
        for look in self.looks:
            if look.decision.assign:
                assert look.environment.busy + len(look.decision.assign) <= look.environment.maximum_scale

    @invariant()
    def above_the_maximum_scale_idle_machines_go(self) -> None:
        for environment in self.settled:
            assert environment.present <= environment.maximum_scale or not environment.idle

    @invariant()
    def no_more_is_launched_than_can_be(self) -> None:
        for look in self.looks:
            assert look.environment.launchable is None or launched(look) <= look.environment.launchable

    @invariant()
    def the_minimum_scale_comes(self) -> None:
        for environment in self.settled:
            if machines_may_come(environment, self.world.now):
                assert environment.present - environment.cordoned >= environment.minimum_scale

    @invariant()
    def the_minimum_scale_stays(self) -> None:
        for look in self.looks:
            environment = look.environment
            if look.decision.terminate and environment.enabled and present(look) <= environment.maximum_scale:
                remaining = present(look) - environment.cordoned - len(look.decision.terminate)
                assert remaining >= environment.minimum_scale

    @invariant()
    def nobody_gets_a_machine_beyond_the_quota_of_users(self) -> None:
        for look in self.looks:
            quota = look.environment.per_user_quota
            for user, number in Counter(job.user for job in given(look)).items():
                assert not quota or look.environment.active.get(user, 0) + number <= quota

    @invariant()
    def no_team_gets_a_machine_beyond_its_quota(self) -> None:
        for look in self.looks:
            for team, number in Counter(job.team for job in given(look)).items():
                quota = quota_of(look.environment, team)
                assert quota is None or look.environment.team_active.get(team, 0) + number <= quota

    @invariant()
    def an_idle_machine_goes_when_its_grace_period_is_over(self) -> None:
        for environment in self.settled:
            oldest = min((machine.idle_since for machine in environment.idle), default=self.world.now)
            over = bool(environment.idle) and self.world.now >= oldest + environment.grace_period
            assert not over or environment.present - environment.cordoned <= environment.minimum_scale

    @invariant()
    def an_idle_machine_does_not_go_before(self) -> None:
        for look in self.looks:
            since = {machine.id: machine.idle_since for machine in look.environment.idle}
            above = max(0, present(look) - look.environment.maximum_scale) if look.environment.enabled else len(since)
            early = [
                machine_id
                for machine_id in look.decision.terminate
                if look.now < since[machine_id] + look.environment.grace_period
            ]
            assert len(early) <= above

    @invariant()
    def a_disabled_environment_drains(self) -> None:
        for environment in self.settled:
            assert environment.enabled or not environment.idle

    @invariant()
    def a_busy_or_cordoned_machine_is_never_terminated(self) -> None:
        for look in self.looks:
            idle = {machine.id for machine in look.environment.idle}
            busy = {machine_id for _, machine_id in look.decision.assign}
            assert set(look.decision.terminate) <= idle - busy

    @invariant()
    def work_goes_to_idle_machines_that_take_it_one_each(self) -> None:
        for look in self.looks:
            idle = {machine.id for machine in look.environment.idle}
            used = [machine_id for _, machine_id in look.decision.assign]
            assert set(used) <= idle
            assert len(used) == len(set(used)) == len(given(look)) == len({job.id for job in given(look)})

    @invariant()
    def one_persons_work_is_first_in_first_out_by_priority(self) -> None:
        for look in self.looks:
            for key in {job.key for job in given(look)}:
                mine = sorted((job.rank, job.id) for job in look.waiting.values() if job.key == key)
                got = [(job.rank, job.id) for job in given(look) if job.key == key]
                assert got == mine[: len(got)]

    @invariant()
    def people_are_served_by_priority_then_fewest_machines_then_longest_ago_then_longest_wait(self) -> None:
        for look in self.looks:
            use, waiting = Use(look.environment), dict(look.waiting)
            for job in given(look):
                first = min(
                    (each for each in waiting.values() if use.has_place(*each.key)),
                    key=lambda each: (each.rank, use.by_user[each.user], use.last_turns.get(each.user, 0), each.id),
                )
                assert job == first
                use.serve(*job.key)
                del waiting[job.id]

    @invariant()
    def nobody_waits_for_a_second_turn_of_others_who_use_as_many(self) -> None:
        had_turns = list(self.had_turns)
        for look in self.looks:
            use, waiting = Use(look.environment), dict(look.waiting)
            for job in given(look):
                del waiting[job.id]
                for other in waiting.values():
                    is_equal = other.rank == job.rank and use.by_user[other.user] <= use.by_user[job.user]
                    if other.user != job.user and is_equal and use.has_place(*other.key):
                        since = had_turns[::-1].index(other.user) if other.user in had_turns else len(had_turns)
                        assert job.user not in had_turns[len(had_turns) - since :]
                use.take(*job.key)
                had_turns.append(job.user)

    @invariant()
    def nobody_waits_beside_an_idle_machine_because_another_is_over_quota(self) -> None:
        for look in self.looks:
            environment, started = look.environment, given(look)
            use, busy = Use(environment), environment.busy + len(started)
            for job in started:
                use.take(*job.key)
            if environment.usable and len(environment.idle) > len(started) and busy < environment.maximum_scale:
                assert not [job for job in look.waiting.values() if job not in started and use.has_place(*job.key)]

    @invariant()
    def a_machine_is_asked_for_where_work_has_room_and_none_comes(self) -> None:
        for environment in self.settled:
            if machines_may_come(environment, self.world.now) and not environment.starting:
                assert not self.could_run(environment)

    @invariant()
    def no_more_is_launched_than_has_work_or_the_minimum_wants(self) -> None:
        for look in self.looks:
            environment = look.environment
            use, waiting = Use(environment), Counter(job.user for job in look.waiting.values())
            could_run = sum(min(number, use.places_of(user)) for user, number in waiting.items())
            for_work = could_run - len(look.decision.assign) - len(environment.starting)
            for_minimum = environment.minimum_scale - (environment.present - environment.cordoned)
            assert launched(look) <= max(0, for_work, for_minimum)

    @invariant()
    def every_waiting_execution_has_exactly_one_reason(self) -> None:
        for look in self.looks:
            reasons = [(each.user_id, each.team_id, each.status) for each in look.decision.reasons]
            assert len(reasons) == len(set(reasons))
            assert set(reasons) == set(look.left)

    @invariant()
    def reasons_are_whole_sentences_without_gaps(self) -> None:
        for look in self.looks:
            for each in look.decision.reasons:
                assert each.code in Code
                text = reason_text(each.text, "your", each.since, look.now)
                assert text == text.strip()
                assert text
                assert not set("{}") & set(text)
                assert "  " not in text
                assert "None" not in text

    @invariant()
    def what_can_run_is_never_said_to_be_over_quota(self) -> None:
        quota = (Code.USER_QUOTA, Code.TEAM_QUOTA, Code.TEAM_REFUSED)
        for look in self.looks[-1:]:
            use = Use(look.environment)
            for each in look.decision.reasons:
                if each.status == "queued" and each.code not in CLOSED:
                    assert (each.code in quota) != use.has_place(each.user_id, each.team_id)

    @invariant()
    def after_a_failed_launch_the_next_one_waits(self) -> None:
        for look in self.looks:
            assert not launched(look) or look.now >= look.environment.launch_after
            assert not launched(look) or not look.decision.give_up

    @invariant()
    def a_machine_is_given_up_exactly_when_its_time_is_over(self) -> None:
        for look in self.looks:
            late = {machine.id for machine in look.environment.starting if machine.deadline <= look.now}
            assert set(look.decision.give_up) == late

    @invariant()
    def nothing_starts_while_the_engine_is_broken_or_the_environment_disabled(self) -> None:
        for look in self.looks:
            assert look.environment.usable or not (look.decision.assign or look.decision.launch)

    @invariant()
    def what_a_quota_has_no_room_for_stays_created(self) -> None:
        for look in self.looks:
            use = Use(look.environment)
            for job in look.waiting.values():
                if not use.has_place(*job.key):
                    assert job.id not in look.decision.queue
                if look.environment.per_user_quota or quota_of(look.environment, job.team) is not None:
                    assert (look.environment.id, *job.key) not in look.decision.queue_all

    @invariant()
    def what_has_room_in_its_quotas_is_queued(self) -> None:
        for environment in self.settled:
            room = Use(environment)
            for queue in environment.queues:
                if queue.created_total and not any(job.status == "queued" for job in self.world.waiting()):
                    assert not room.has_place(queue.user_id, queue.team_id)

    @invariant()
    def the_same_look_gives_the_same_plan_and_changes_nothing(self) -> None:
        for look in self.looks:
            before = pickle.loads(pickle.dumps(look.environment))  # noqa: S301 - a quick deep copy
            assert plan([look.environment], look.now) == look.decision
            assert look.environment == before

    @invariant()
    def without_reasons_the_plan_is_the_same(self) -> None:
        for look in self.looks:
            bare = plan([look.environment], look.now, reasons=False)
            assert bare.reasons == []
            bare.reasons = look.decision.reasons
            assert bare == look.decision

    @invariant()
    def heads_of_the_queues_are_enough(self) -> None:
        for heads in self.settled:
            whole = self.world.environment(whole=True)
            assert plan([heads], self.world.now) == plan([whole], self.world.now)

    @invariant()
    def time_alone_changes_nothing_before_it_says_so(self) -> None:
        for look in self.looks[-1:]:
            wake_at = look.decision.wake_at
            assert wake_at is None or wake_at > look.now
            later = look.now + 1e6 if wake_at is None else wake_at - 0.001
            if later > look.now:
                assert is_empty(plan([look.environment], later))

    # What the invariants ask

    def could_run(self, environment: Environment) -> list[Job]:
        """Return what waits and is within all quotas."""
        use = Use(environment)
        return [job for job in self.world.waiting() if use.has_place(*job.key)]


class Use:
    """How many machines people and teams use: counted here once more, since the plan is not to check itself."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.by_user = Counter(environment.active)
        self.by_team = Counter(environment.team_active)
        self.last_turns = dict(environment.served)

    def take(self, user: int, team: int) -> None:
        self.by_user[user] += 1
        self.by_team[team] += 1

    def serve(self, user: int, team: int) -> None:
        self.take(user, team)
        self.last_turns[user] = max(self.last_turns.values(), default=0) + 1

    def has_place(self, user: int, team: int) -> bool:
        quota, team_quota = self.environment.per_user_quota, quota_of(self.environment, team)
        within_user = quota == 0 or self.by_user[user] < quota
        return within_user and (team_quota is None or self.by_team[team] < team_quota)

    def places_of(self, user: int) -> int:
        quota = self.environment.per_user_quota
        return max(0, quota - self.by_user[user]) if quota else 1000


CLOSED = (Code.DISABLED, Code.ENGINE, Code.MAXIMUM)


def present(look: Look) -> int:
    return look.environment.present - len(look.decision.give_up)


def launched(look: Look) -> int:
    return sum(number for _, number in look.decision.launch)


def given(look: Look) -> list[Job]:
    return [look.waiting[execution_id] for execution_id, _ in look.decision.assign]


def quota_of(environment: Environment, team: int) -> int | None:
    return environment.team_quotas.get(team, environment.other_teams_quota)


def machines_may_come(environment: Environment, now: float) -> bool:
    return (
        environment.usable
        and environment.present < environment.maximum_scale
        and environment.launchable != 0
        and now >= environment.launch_after
    )


Histories.TestCase.settings = settings(
    max_examples=max(250, settings().max_examples), stateful_step_count=30, deadline=None
)
TestHistories = Histories.TestCase
