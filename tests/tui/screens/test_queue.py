"""The queue: what an operator sees and does there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.queueing import Queueing
from tests.tui.story import story

if TYPE_CHECKING:
    from core.session import Session
    from core.shoal import Shoal
    from tests.enacted import Enacted


@pytest.fixture
def queueing(shoal: Shoal, enacted: Enacted) -> Queueing:
    """One machine, on which carol runs something; alice, bob and alice again wait."""
    queueing = Queueing(shoal, enacted)
    alice, bob, carol = (queueing.person(name) for name in ("alice", "bob", "carol"))
    queueing.ran(carol, "train", 1200, 1200, 1200)
    queueing.environment(maximum_scale=1)
    queueing.runs(queueing.waits(carol), since=600)
    for person in (alice, bob, alice):
        queueing.waits(person)
    queueing.planned()
    return queueing


def admin(queueing: Queueing) -> Session:
    return queueing.admin


async def test_what_runs_comes_first_then_what_waits_in_order_with_why_and_when(queueing: Queueing) -> None:
    async with story(admin(queueing), size=(120, 40), address="queue") as person:
        await person.sees("local: ▶ 1 running  ○ 3 waiting, oldest since", "WHY / WHERE", "STARTS IN")
        lines = [line for line in person.screen.splitlines() if "train" in line]
        assert ["runs" in lines[0], "alice" in lines[1], "bob" in lines[2], "alice" in lines[3]] == [True] * 4
        assert "10 min left" in lines[0]
        assert [line.split("train")[0].split()[-2:] for line in lines[1:]] == [["1", "#5"], ["2", "#6"], ["3", "#7"]]
        for line, starts in zip(lines[1:], ("10 min", "30 min", "50 min"), strict=True):
            assert starts in line
            assert "only machine is busy" in line


async def test_everything_that_matters_fits_eighty_columns(queueing: Queueing) -> None:
    async with story(admin(queueing), size=(80, 24), address="queue") as person:
        await person.sees("PLACE", "WHY / WHERE", "STARTS IN", "the only machine", "50 min", "+ Raise")


async def test_a_priority_is_raised_after_its_consequence_was_said(queueing: Queueing) -> None:
    async with story(admin(queueing), size=(120, 40), address="queue") as person:
        await person.on_row("#7").presses("plus").sees("Raise the priority of #7?", "It goes before 1 of")
        await person.presses("y").sees("#7 has a high priority", "! the only machine is busy", "1      #7", "2      #6")
        await person.on_row("#7").presses("minus").sees("behind everything of high priority").presses("n")
        await person.presses("plus").sees("its priority is high already")


async def test_marked_ones_are_moved_and_who_cannot_is_told_before(queueing: Queueing) -> None:
    queueing.environment("gpu", access="teams", teams={"vision": 1})
    queueing.person("alice", teams=("vision",))
    async with story(admin(queueing), size=(120, 40), address="queue") as person:
        await person.on_row("#5").presses("space").on_row("#6")
        await person.presses("space").presses("M").sees("Move to", "gpu")
        await person.presses("1").sees("Move 2 executions to gpu?", "1 cannot run there")
        await person.presses("y").sees("(Move: 1 of 2 done)")
    moved = {n: queueing.admin.executions.get(queueing.enacted.project, n).environment for n in (5, 6)}
    assert moved == {5: "gpu", 6: "local"}


async def test_what_is_somebody_elses_is_not_steered_by_a_member(queueing: Queueing) -> None:
    async with story(queueing.person("alice"), size=(120, 40), address="queue") as person:
        await person.on_row("#6").presses("plus").sees("it is somebody else's: they or an admin may do that")
        await person.on_row("#4").presses("M").sees("it does not wait any more: it is started")


async def test_it_is_grouped_by_a_column_and_counted_so(queueing: Queueing) -> None:
    async with story(admin(queueing), size=(120, 40), address="queue sort=user") as person:
        await person.sees("alice: ○ 2 waiting", "bob: ○ 1 waiting", "carol: ▶ 1 running")
        lines = [line for line in person.screen.splitlines() if "train" in line]
        assert [name for line in lines for name in ("alice", "bob", "carol") if name in line] == [
            "alice",
            "alice",
            "bob",
            "carol",
        ]


async def test_it_is_filtered_by_address(queueing: Queueing) -> None:
    async with story(admin(queueing), size=(120, 40), address="queue user=bob") as person:
        await person.sees("#6", "local: ○ 1 waiting").does_not_see("#5")
    async with story(admin(queueing), size=(120, 40), address="queue colour=red") as person:
        await person.sees("no filter 'colour'")


async def test_what_ends_leaves_and_what_comes_is_there(queueing: Queueing) -> None:
    async with story(admin(queueing), size=(120, 40), address="queue") as person:
        await person.sees("#4")
        queueing.enacted.ends(queueing.admin.executions.get(queueing.enacted.project, 4))
        await person.does_not_see("#4")
        queueing.waits(queueing.person("bob"))
        await person.sees("#8")


async def test_an_execution_s_page_tells_its_place_and_when(queueing: Queueing) -> None:
    async with story(admin(queueing), size=(120, 40), address="queue") as person:
        await person.on_row("#7").presses("enter")
        await person.sees(
            "It is number 3 in the queue: 1 of alice's, 1 of bob's go first",
            "It starts in about 50 min (from 3 runs of train)",
            "raise its priority if it cannot wait (+)",
        )
        queueing.admin.executions.stop(queueing.admin.executions.get(queueing.enacted.project, 5))
        await person.sees("It is number 2 in the queue")


async def test_an_empty_queue_says_what_to_do(enacted: Enacted) -> None:
    async with story(enacted.session, address="queue") as person:
        await person.sees("Nothing waits and nothing runs.")
