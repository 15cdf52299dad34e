"""What the plan decides and says, by example; `test_plan_promises.py` holds it to its promises."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.quantities import clock_time
from core.scheduler.fair_order import Waiting
from core.scheduler.plan import Decision, Environment, IdleMachine, Queue, StartingMachine, plan
from core.scheduler.reasons import Code, reason_text
from tests.scheduler.plan_world import World

EMPTY = Environment(1)
NOW = 1000.0


def queue(user: int, *, team: int = 0, created: int = 0, queued: int = 0, first: int = 1, rank: int = 0) -> Queue:
    heads = tuple(Waiting(rank, first + i) for i in range(created + queued))
    return Queue(user, team, heads[queued:], created, heads[:queued], queued)


def idle(*ids: int, since: float = 0) -> tuple[IdleMachine, ...]:
    return tuple(IdleMachine(id_, since) for id_ in ids)


def starting(*ids: int, deadline: float = 2000) -> tuple[StartingMachine, ...]:
    return tuple(StartingMachine(id_, f"gpu-{id_}", NOW - 12, deadline) for id_ in ids)


def said(environment: Environment, now: float = NOW) -> list[str]:
    """Return why executions wait, as their owner reads it."""
    reasons = plan([environment], now).reasons
    return [reason_text(each.text, "your", each.since, now) for each in reasons]


def test_what_is_created_is_queued_and_a_machine_is_launched_for_it() -> None:
    decision = plan([replace(EMPTY, queues=(queue(1, created=2),))], 0)
    assert decision.queue_all == [(1, 1, 0)]
    assert decision.launch == [(1, 2)]
    assert decision.assign == []


def test_an_idle_machine_gets_the_first_of_the_queue_and_priority_goes_before() -> None:
    waiting = Queue(1, 0, queued=(Waiting(-1, 9), Waiting(0, 3)), queued_total=2)
    decision = plan([replace(EMPTY, idle=idle(7), queues=(waiting,))], 0)
    assert decision.assign == [(9, 7)]
    assert decision.launch == [(1, 1)]


def test_the_machine_that_was_used_last_is_used_first() -> None:
    machines = (IdleMachine(1, 50), IdleMachine(2, 90), IdleMachine(3, 70))
    decision = plan([replace(EMPTY, idle=machines, queues=(queue(1, queued=1),))], 100)
    assert decision.assign == [(1, 2)]


def test_with_one_machine_people_take_turns_however_much_one_of_them_has_sent_first() -> None:
    world = World()
    world.limits.maximum = 1
    alice, bob, carol = 1, 2, 3
    for user, number in ((alice, 100), (bob, 100), (carol, 1)):
        for _ in range(number):
            world.submit(user, 0, 0)
    starts = []
    for _ in range(6):
        for look in (world.look(), world.look()):
            starts += [look.waiting[execution].user for execution, _ in look.decision.assign]
        world.finish(world.in_state("busy")[0])
    assert starts == [alice, bob, carol, alice, bob, alice]


def test_among_those_who_use_as_many_whoever_was_served_longest_ago_is_first() -> None:
    queues = (queue(1, queued=3, first=1), queue(2, queued=3, first=11), queue(3, queued=3, first=21))
    environment = replace(EMPTY, served={1: 8, 2: 9, 3: 7}, idle=idle(1, 2, 3, 4, 5), queues=queues)
    assert [execution for execution, _ in plan([environment], 0).assign] == [21, 1, 11, 22, 2]
    rose = replace(environment, active={2: 1})
    assert [execution for execution, _ in plan([rose], 0).assign] == [21, 1, 11, 22, 2]


def test_who_uses_fewest_machines_is_served_first_then_who_waited_longest() -> None:
    queues = (queue(1, queued=3, first=1), queue(2, queued=3, first=11), queue(3, queued=3, first=21))
    decision = plan([replace(EMPTY, active={1: 1}, idle=idle(1, 2, 3, 4), queues=queues)], 0)
    assert [execution for execution, _ in decision.assign] == [11, 21, 1, 12]


def test_beyond_the_quota_executions_stay_created_while_others_go_on() -> None:
    queues = (queue(1, created=3), queue(2, created=1, first=10))
    decision = plan([replace(EMPTY, per_user_quota=2, active={1: 2}, idle=idle(7), queues=queues)], 0)
    assert (decision.queue, decision.assign) == ([10], [(10, 7)])
    assert [(each.user_id, each.status, each.code) for each in decision.reasons] == [(1, "created", Code.USER_QUOTA)]


def test_what_is_urgent_and_created_goes_before_what_was_queued_earlier() -> None:
    waiting = Queue(1, 0, (Waiting(-1, 5),), 1, (Waiting(0, 1), Waiting(0, 2)), 2)
    decision = plan([replace(EMPTY, per_user_quota=2, idle=idle(7), queues=(waiting,))], 0)
    assert (decision.queue, decision.assign) == ([5], [(5, 7)])


def test_what_is_queued_for_a_full_team_does_not_hold_the_same_persons_other_work() -> None:
    queues = (queue(1, team=1, queued=2), queue(1, team=2, created=1, first=9))
    full = replace(EMPTY, per_user_quota=2, team_quotas={1: 1}, team_active={1: 1}, active={2: 1}, queues=queues)
    decision = plan([full], 0)
    assert (decision.queue, decision.launch) == ([9], [(1, 1)])


def test_a_lowered_quota_holds_for_what_is_queued_already() -> None:
    environment = replace(EMPTY, per_user_quota=1, active={1: 1}, idle=idle(7), queues=(queue(1, queued=3),))
    decision = plan([environment], 0)
    assert (decision.assign, decision.launch) == ([], [])


def test_an_idle_machine_goes_when_its_grace_period_is_over_and_not_before() -> None:
    environment = replace(EMPTY, idle=idle(7, since=100))
    before = plan([environment], 999.9)
    assert (before.terminate, before.wake_at) == ([], 1000)
    assert plan([environment], 1000).terminate == [7]


def test_without_a_grace_period_an_idle_machine_goes_at_once() -> None:
    assert plan([replace(EMPTY, grace_period=0, idle=idle(7, since=NOW))], NOW).terminate == [7]


def test_the_minimum_scale_is_launched_and_kept_by_machines_that_take_work() -> None:
    assert plan([replace(EMPTY, minimum_scale=2)], 0).launch == [(1, 2)]
    assert plan([replace(EMPTY, minimum_scale=2, cordoned=1, idle=idle(1))], 0).launch == [(1, 1)]
    assert plan([replace(EMPTY, minimum_scale=2, idle=idle(1, 2, 3))], 10_000).terminate == [1]


def test_a_disabled_environment_starts_nothing_and_drains() -> None:
    environment = replace(EMPTY, enabled=False, minimum_scale=1, idle=idle(1), queues=(queue(1, queued=1),))
    decision = plan([environment], 0)
    assert (decision.assign, decision.launch, decision.terminate) == ([], [], [1])


def test_a_lowered_maximum_ends_idle_machines_and_never_busy_ones() -> None:
    decision = plan([replace(EMPTY, maximum_scale=1, busy=2, idle=idle(3), queues=(queue(1, queued=5),))], 0)
    assert (decision.terminate, decision.assign) == ([3], [])


def test_after_a_failed_launch_the_next_one_waits_and_wakes_the_scheduler() -> None:
    environment = replace(EMPTY, launch_after=50, queues=(queue(1, queued=1),))
    early = plan([environment], 49)
    assert (early.launch, early.wake_at) == ([], 50)
    assert plan([environment], 50).launch == [(1, 1)]


def test_a_machine_that_does_not_come_up_is_given_up_and_not_replaced_at_once() -> None:
    environment = replace(EMPTY, starting=starting(4), queues=(queue(1, queued=1),))
    assert plan([environment], 1999).wake_at == 2000
    late = plan([environment], 2000)
    assert (late.give_up, late.launch) == ([4], [])


def test_environments_are_planned_one_by_one() -> None:
    one = replace(EMPTY, queues=(queue(1, queued=1),))
    other = replace(one, id=2)
    assert plan([one, other], 0) == Decision(
        launch=[(1, 1), (2, 1)], reasons=plan([one], 0).reasons + plan([other], 0).reasons
    )


WAITS = replace(EMPTY, queues=(queue(1, queued=2),))
QUOTA = replace(WAITS, per_user_quota=2, active={1: 2})
TEAM = replace(EMPTY, queues=(queue(1, team=3, queued=1),), team_names={3: "vision"})


SAID = [
    (replace(WAITS, enabled=False), "the environment is disabled"),
    (replace(WAITS, fault="host gpu-2 does not answer since 14:02"), "host gpu-2 does not answer since 14:02"),
    (replace(WAITS, maximum_scale=0), "the environment's maximum scale is 0"),
    (QUOTA, "quota: 2 of your 2 machines are in use"),
    (replace(QUOTA, per_user_quota=1, active={1: 1}), "quota: your only machine is in use"),
    (replace(QUOTA, active={1: 3}), "quota: your 3 machines in use are more than the 2 allowed"),
    (
        replace(QUOTA, active={1: 1}, queues=(queue(1, queued=1, created=1),)),
        "quota: your 2 machines are in use or waited for by earlier executions",
    ),
    (
        replace(QUOTA, per_user_quota=1, active={}, queues=(queue(1, queued=1, created=1),)),
        "quota: your 1 machine is waited for by earlier executions",
    ),
    (replace(TEAM, team_quotas={3: 4}, team_active={3: 4}), "quota: 4 of 4 machines of team vision are in use"),
    (
        replace(TEAM, team_quotas={3: 1}, team_active={3: 1}),
        "quota: the only machine of team vision is in use",
    ),
    (
        replace(TEAM, team_quotas={3: 1}, team_active={3: 2}),
        "quota: the 2 machines of team vision in use are more than the 1 allowed",
    ),
    (
        replace(TEAM, team_quotas={3: 0}),
        "team vision may not use this environment: ask an admin, or move it to another one",
    ),
    (
        replace(WAITS, other_teams_quota=0),
        "this environment is for teams only: ask an admin, or move it to another one",
    ),
    (replace(WAITS, busy=5), "5 of 5 machines are busy"),
    (replace(WAITS, busy=1, maximum_scale=1), "the only machine is busy"),
    (replace(WAITS, busy=5, maximum_scale=3), "5 machines are busy, more than the maximum scale of 3"),
    (WAITS, "2 machines are being started"),
    (replace(WAITS, busy=4), "4 of 5 machines are busy; a machine is being started"),
    (replace(WAITS, starting=starting(3, 4)), "2 machines are starting, the first for 12 s"),
    (
        replace(WAITS, busy=1, starting=starting(3), launchable=0),
        "1 of 5 machines is busy; machine gpu-3 is starting, 12 s so far",
    ),
    (replace(WAITS, starting=starting(3, deadline=NOW)), "machine gpu-3 did not start in its time"),
    (
        replace(WAITS, launch_after=1030, launch_problem="gpu-1: the start command took longer than 2 min"),
        f"gpu-1: the start command took longer than 2 min: it is tried again at {clock_time(1030)}",
    ),
    (
        replace(WAITS, busy=2, launchable=0, launch_problem="no host has a free slot"),
        "2 of 5 machines are busy; no host has a free slot",
    ),
    (replace(WAITS, launchable=0), "there is no room for another machine"),
    (replace(WAITS, busy=3, cordoned=2), "3 of 5 machines are busy; 2 of 5 machines are cordoned"),
    (replace(WAITS, maximum_scale=1, cordoned=1), "the only machine is cordoned"),
]


@pytest.mark.parametrize(("environment", "sentence"), SAID)
def test_a_reason_is_a_sentence_with_figures(environment: Environment, sentence: str) -> None:
    assert said(environment)[0] == sentence


def test_the_list_of_codes_is_closed_and_all_of_it_is_used() -> None:
    codes = {each.code for environment, _ in SAID for each in plan([environment], NOW).reasons}
    assert codes == set(Code) - {Code.SOON}
