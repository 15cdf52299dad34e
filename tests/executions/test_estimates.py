"""When what waits will start: what somebody would compute by hand, and when nothing is said at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.executions.estimates import (
    FARTHEST,
    PLAYED,
    Estimate,
    Histories,
    History,
    Running,
    Situation,
    about,
    end_of,
    estimate_text,
    foresee,
    next_end,
)
from core.scheduler.fair_order import Room, Waiting
from tests.queueing import Queueing, estimate

if TYPE_CHECKING:
    from core.shoal import Shoal
    from tests.enacted import Enacted

MINUTE = History("train", (60.0, 60.0, 60.0))
UNKNOWN = History("new", (5.0, 5.0))
FREE = Room({}, {}, 0, {}, None, {})
ALICE, BOB, CAROL = 1, 2, 3


def seen(
    *lines: tuple[int, int],
    running: tuple[Running, ...] = (),
    free: int = 0,
    room: Room = FREE,
    histories: dict[int, History] | None = None,
) -> dict[int, Estimate]:
    """Foresee lines of (person, how many wait), numbered from 1 on."""
    numbers = iter(range(1, 10_000))
    waiting = [(user, 0, [Waiting(0, next(numbers)) for _ in range(number)]) for user, number in lines]
    known = {each.execution_id: MINUTE for _, _, line in waiting for each in line} | (histories or {})
    return foresee(Situation(room, waiting, known, running, free))


def runs(elapsed: float, user: int = ALICE, history: History = MINUTE, *, returns: bool = True) -> Running:
    return Running(100, user, 0, elapsed, history, returns)


def test_two_machines_take_one_after_the_other() -> None:
    foreseen = seen((ALICE, 4), running=(runs(50.0), runs(20.0)))
    assert {id_: each.median for id_, each in foreseen.items()} == {1: 10.0, 2: 40.0, 3: 70.0, 4: 100.0}
    assert all(each.low == each.median == each.high for each in foreseen.values())


def test_it_goes_round_between_people() -> None:
    room = Room({ALICE: 2}, {}, 0, {}, None, {})
    foreseen = seen((ALICE, 2), (BOB, 2), running=(runs(50.0), runs(20.0)), room=room)
    assert [foreseen[id_].median for id_ in (3, 1, 4, 2)] == [10.0, 40.0, 70.0, 100.0]


def test_with_one_machine_people_take_turns_beginning_with_whoever_was_served_longest_ago() -> None:
    room = Room({BOB: 1}, {}, 0, {}, None, {ALICE: 1, BOB: 2})
    foreseen = seen((BOB, 2), (ALICE, 2), (CAROL, 1), running=(runs(50.0, BOB),), room=room)
    assert [foreseen[id_].median for id_ in (5, 3, 1, 4, 2)] == [10.0, 70.0, 130.0, 190.0, 250.0]


def test_a_quota_keeps_one_until_the_own_run_ends() -> None:
    room = Room({ALICE: 1}, {}, 1, {}, None, {})
    foreseen = seen((ALICE, 1), (BOB, 1), running=(runs(20.0),), free=1, room=room)
    assert (foreseen[1].median, foreseen[2].median) == (40.0, 0.0)


def test_a_machine_that_leaves_takes_nothing_more() -> None:
    foreseen = seen((ALICE, 1), running=(runs(50.0, returns=False), runs(20.0)))
    assert foreseen[1].median == 40.0


def test_machines_that_start_are_waited_for() -> None:
    waiting = [(ALICE, 0, [Waiting(0, 1)])]
    assert foresee(Situation(FREE, waiting, {1: MINUTE}, (), 0, ([30.0, 30.0],)))[1].median == 30.0
    assert foresee(Situation(FREE, waiting, {1: MINUTE}, (), 0, (None,))) == {}


def test_nothing_is_said_where_a_step_that_decides_has_run_too_seldom() -> None:
    assert seen((ALICE, 1), running=(runs(1.0, history=UNKNOWN),)) == {}
    assert [*seen((ALICE, 3), free=1, histories={1: UNKNOWN})] == [1], "what goes first, and nothing after it"
    assert [*seen((ALICE, 3), free=1, histories={3: UNKNOWN})] == [1, 2, 3], "how long it runs itself decides nothing"


def test_what_runs_somewhat_longer_than_ever_is_expected_to_end_soon() -> None:
    estimate_ = seen((ALICE, 1), running=(runs(61.0),))[1]
    assert 0 < estimate_.low <= estimate_.median <= estimate_.high <= 30


def test_nothing_is_said_where_something_runs_much_longer_than_ever_before() -> None:
    assert seen((ALICE, 1), running=(runs(91.0),)) == {}
    assert next_end([runs(91.0), runs(10.0)]) is None


def test_nothing_is_said_where_the_spread_is_absurd() -> None:
    wild = History("train", (1.0, 2.0, 3.0, 4.0, 5_000.0, 9_000.0))
    assert seen((ALICE, 1), running=(runs(0.0, history=wild),)) == {}


def test_the_spread_is_that_of_what_ran_and_always_the_same() -> None:
    history = History("train", tuple(float(60 + 6 * n) for n in range(11)))
    first, again = (seen((ALICE, 1), running=(runs(0.0, history=history),))[1] for _ in range(2))
    assert first == again
    assert 60 <= first.low < first.median < first.high <= 120
    assert (first.runs, first.steps) == (11, ("train",))


def test_what_ran_so_long_already_is_not_expected_to_end_sooner() -> None:
    history = History("train", (10.0, 20.0, 100.0, 100.0))
    assert seen((ALICE, 1), running=(runs(50.0, history=history),))[1].low == 50.0
    assert end_of(runs(50.0, history=history)) == Estimate(50.0, 50.0, 50.0, 4, ("train",))


def test_it_is_not_played_on_for_ever() -> None:
    foreseen = seen((ALICE, 2 * FARTHEST), free=5)
    assert FARTHEST <= len(foreseen) < FARTHEST + 5
    assert PLAYED < FARTHEST


def test_the_runs_most_like_it_count(enacted: Enacted, shoal: Shoal) -> None:
    queueing = Queueing(shoal, enacted)
    queueing.ran(queueing.admin, "train", 10, 20, 30)
    reader = enacted.session.database.reader()
    with queueing.system.write("execution.run") as connection:
        connection.execute("UPDATE executions SET parameters = '{\"epochs\":1}'")
    elsewhere = queueing.environment("gpu")
    queueing.ran(queueing.admin, "train", 40)
    of = Histories(reader).of
    assert of(enacted.project.id, "train", 1, '{"epochs":1}').durations == pytest.approx((10, 20, 30))
    assert of(enacted.project.id, "train", 1, "{}").durations == pytest.approx((10, 20, 30, 40))
    assert of(enacted.project.id, "train", elsewhere, "{}").durations == pytest.approx((10, 20, 30, 40))
    assert not of(enacted.project.id, "evaluate", 1, "{}").is_known


def test_an_estimate_of_an_execution_that_waits_and_of_one_that_runs(enacted: Enacted, shoal: Shoal) -> None:
    queueing = Queueing(shoal, enacted)
    alice = queueing.person("alice")
    queueing.ran(alice, "train", 120, 120, 120)
    queueing.environment(maximum_scale=1)
    running = queueing.runs(queueing.waits(alice), since=30)
    first, second = queueing.waits(alice), queueing.waits(alice)
    queueing.planned()
    for execution, seconds in ((running, 90), (first, 90), (second, 210)):
        found = estimate(alice, execution)
        assert found is not None
        assert found.median == pytest.approx(seconds, abs=20)
    queueing.environment(enabled=0)
    queueing.planned()
    assert estimate(alice, second) is None, "it starts when somebody enables it, and nobody knows when that is"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "< 1 min"), (49, "< 1 min"), (50, "1 min"), (240, "4 min"), (5400, "2 h"), (260_000, "3 d")],
)
def test_a_time_to_come_is_rounded(seconds: float, text: str) -> None:
    assert about(seconds) == text


def test_an_estimate_is_told_with_its_spread_and_where_it_comes_from() -> None:
    assert (
        estimate_text(Estimate(120, 240, 660, 23, ("train",))) == "in about 4 min (2 to 11 min, from 23 runs of train)"
    )
    assert (
        estimate_text(Estimate(10, 240, 7200, 5, ("a", "b"))) == "in about 4 min (at most 2 h, from 5 runs of a and b)"
    )
    assert estimate_text(Estimate(3000, 3600, 7200, 9, ("a", "b", "c"))) == (
        "in about 60 min (50 min to 2 h, from 9 runs of a, b and 1 more)"
    )
    assert estimate_text(Estimate(0, 0, 0)) == "in less than a minute"
