"""What the operator's places say, and where they say it when there is little room."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from textual.binding import Binding

from core.resources.hosts import HOSTS
from core.resources.machines import MACHINES
from core.resources.registry import resource
from core.resources.resource import Query
from tests.queueing import Queueing
from tests.tui.story import story

if TYPE_CHECKING:
    from core.machines.host import Host
    from core.machines.service import Machine
    from core.shoal import Shoal
    from tests.enacted import Enacted


@pytest.fixture
def queueing(shoal: Shoal, enacted: Enacted) -> Queueing:
    """One machine, on which carol runs something; alice and bob wait."""
    queueing = Queueing(shoal, enacted)
    queueing.environment(maximum_scale=1)
    queueing.runs(queueing.waits(queueing.person("carol")), since=600)
    for name in ("alice", "bob"):
        queueing.waits(queueing.person(name))
    queueing.planned()
    return queueing


async def test_why_it_waits_stands_in_full_below_where_the_column_has_no_room(queueing: Queueing) -> None:
    async with story(queueing.admin, size=(80, 24), address="queue") as person:
        await person.on_row("alice").sees("the only machine is busy")
        line = person.screen.splitlines()[-3]
        assert line.strip() == queueing.admin.queue.rows([2])[2].reason_at(time.time())


async def test_keys_that_a_list_has_no_use_for_leave_their_room_to_others(queueing: Queueing) -> None:
    async with story(queueing.admin, size=(80, 24), address="machines") as person:
        await person.sees("X Drain").does_not_see("a Add", "e Edit")
        await person.presses("a").sees("machines are not added by hand")
        await (
            person.presses("question_mark", "slash").types("by hand").sees("× not now: machines are not added by hand")
        )


async def test_a_question_names_the_one_that_is_meant(queueing: Queueing) -> None:
    async with story(queueing.admin, size=(80, 24), address="queue") as person:
        await person.on_row("alice").presses("space").on_row("bob").presses("X").sees("Stop #2 train?").presses("n")
        await person.presses("M").does_not_see("this execution")


async def test_what_cannot_be_done_with_any_of_the_marked_says_of_how_many(queueing: Queueing) -> None:
    async with story(queueing.admin, size=(80, 24), address="queue") as person:
        await person.on_row("alice").presses("space").on_row("bob").presses("space").presses("minus")
        await person.sees("none of the 2 marked rows: its priority is normal already")


async def test_a_page_that_is_returned_to_tells_how_it_is_now(queueing: Queueing) -> None:
    async with story(queueing.admin, size=(100, 24), address="queue") as person:
        await person.sees("1 running, 2 waiting").goes("alarms")
        queueing.enacted.ends(queueing.admin.executions.get(queueing.enacted.project, 1))
        await person.sees("0 running, 2 waiting").presses("escape").sees("PLACE", "0 running, 2 waiting")


async def test_help_goes_on_below_itself(queueing: Queueing) -> None:
    async with story(queueing.admin, size=(80, 24), address="queue") as person:
        await person.presses("question_mark").sees("Mark all rows from the last one")
        lines = person.screen.splitlines()
        number = next(n for n, line in enumerate(lines) if "Mark all rows" in line)
        assert lines[number + 1].index("one.") == lines[number].index("Mark all rows")


async def test_a_toast_leaves_the_keys_in_sight(queueing: Queueing) -> None:
    async with story(queueing.admin, size=(80, 24), address="queue") as person:
        await person.on_row("alice").presses("plus", "y").sees("#2 has a high priority", "? keys")


async def test_another_bill_takes_the_place_of_the_one_before(queueing: Queueing) -> None:
    async with story(queueing.admin, size=(100, 24), address="queue") as person:
        await person.goes("costs").presses("b", "b").sees("queue › costs by=project").presses("w").sees("since=30d")
        await person.presses("escape").sees("PLACE").does_not_see("costs by")


async def test_an_empty_bill_can_be_turned_too(enacted: Enacted) -> None:
    async with story(enacted.session, size=(80, 24), address="costs since=1d") as person:
        await person.sees("Look at a longer one (w)").presses("w").sees("since=7d").presses("b").sees("by=team")


def of_one(queueing: Queueing, **changed: Any) -> Machine:
    ids = next(MACHINES.source.ids(queueing.admin, Query()))
    return next(iter(MACHINES.source.rows(queueing.admin, ids).values()))._replace(**changed)


def test_what_draining_means_is_said_of_each_number(queueing: Queueing) -> None:
    drain = next(each for each in MACHINES.actions if each.id == "drain")
    assert drain.consequence is not None
    busy, idle = of_one(queueing, execution_id=1), of_one(queueing, execution_id=None)
    told = [
        drain.consequence(queueing.admin, rows)
        for rows in ([busy], [idle], [busy, busy], [busy, idle], [busy, busy, idle], [idle, idle])
    ]
    assert [each.detail for each in told if each] == [
        "It finishes what it runs, and then leaves.",
        "It runs nothing, and leaves at once.",
        "2 of them finish what they run, and then leave.",
        "1 of them finishes what it runs, and then leaves; the others leave at once.",
        "2 of them finish what they run, and then leave; the others leave at once.",
        "None of them runs anything: they leave at once.",
    ]


def test_a_machine_that_works_is_used_while_time_passes(queueing: Queueing) -> None:
    now = time.time()
    row = of_one(queueing, execution_id=1, requested_at=now - 10, read_at=now, worked=9.0, gone_at=None, state="leased")
    assert [round(row.utilization(at) or 0, 2) for at in (now, now + 90)] == [0.9, 0.99]
    assert round(row._replace(execution_id=None).utilization(now + 90) or 0, 2) == 0.09


def test_every_told_column_is_one(queueing: Queueing) -> None:
    del queueing
    from core.resources.registry import names

    told = [each for each in map(resource, names()) if each.told]
    assert {each.name for each in told} >= {"queue", "alarms", "hosts"}
    assert all(each.column(each.told) for each in told)


def test_no_key_of_a_resource_is_taken_by_its_list_or_its_page() -> None:
    from core.resources.registry import names
    from tui.app import Console
    from tui.frame import Frame
    from tui.screens.description import Description
    from tui.screens.resource_list import ResourceList
    from tui.widgets.description_view import DescriptionView
    from tui.widgets.live_table import LiveTable

    classes = (Console, Frame, ResourceList, Description, DescriptionView, LiveTable)
    taken = {
        key: each.__name__
        for each in classes
        for binding in Binding.make_bindings(vars(each).get("BINDINGS", ()))
        for key in binding.key.split(",")
    }
    for declared in map(resource, names()):
        own = [action.key for action in declared.actions]
        assert len(own) == len(set(own)), declared.name
        assert not {key: taken[key] for key in own if key in taken}, declared.name


async def test_names_of_what_there_is_complete_an_address(queueing: Queueing) -> None:
    queueing.environment("gpu-large")
    async with story(queueing.admin, size=(80, 24), address="queue") as person:
        await (
            person.presses(":")
            .types("environment ")
            .sees("gpu-large", "local")
            .types("la")
            .does_not_see("local      environment")
        )
        await person.presses("tab").sees(":environment gpu-large").types(" li").sees("its limits")
        await person.presses("tab", "enter").sees("environment gpu-large limits")
        await person.presses(":").types("queue environment=gp").sees("gpu-large").presses("tab", "enter")
        await person.sees("queue environment=gpu-large")


async def test_a_palette_without_an_offer_says_so(queueing: Queueing) -> None:
    async with story(queueing.admin, size=(80, 24), address="queue") as person:
        await person.presses("ctrl+p").types("drain").sees("nothing here is called so").presses("down", "enter")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("alarms level=x", "there is no level 'x': it is one of fail, warn"),
        ("hosts health=sick", "there is no health 'sick'"),
        ("queue environment=nope", "there is no environment 'nope'"),
        ("machines state=asleep", "there is no state 'asleep'"),
        ("queue status=complete", "there is no status 'complete'"),
    ],
)
async def test_a_filter_that_names_nothing_is_refused_where_one_is(queueing: Queueing, address: str, told: str) -> None:
    async with story(queueing.admin, size=(80, 24), address="queue") as person:
        await person.goes(address).sees(told).does_not_see("Nothing here matches")


async def test_a_new_maximum_says_why_nothing_is_foretold(queueing: Queueing) -> None:
    async with story(queueing.admin, size=(80, 24), address="environment local") as person:
        await person.presses("greater_than_sign").sees("Maximum scale of local: 1 → 2?", "There is no forecast")


def test_what_draining_a_host_means_is_said_of_each_number(queueing: Queueing) -> None:
    drain = next(each for each in HOSTS.actions if each.id == "drain")
    assert drain.consequence is not None
    numbers = ((0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (3, 2))
    rows = [SimpleNamespace(name="rack-1", machines=machines, busy=busy) for machines, busy in numbers]
    told = [drain.consequence(queueing.admin, [cast("Host", row)]) for row in rows]
    begin = "It takes no new work, and it stays cordoned. "
    assert [each.detail.removeprefix(begin) for each in told if each] == [
        "No machine is there.",
        "Its machine leaves: nothing runs there.",
        "Its machine finishes what it runs, and then leaves.",
        "2 machines leave: nothing runs there.",
        "Of 2 machines, 1 finishes what it runs first.",
        "Of 3 machines, 2 finish what they run first.",
    ]


async def test_a_form_that_stays_does_not_take_its_own_change_for_somebody_elses(queueing: Queueing) -> None:
    async with story(queueing.admin, size=(80, 24), address="edit environment local") as person:
        await person.types("X")
        queueing.admin.environments.edit("local", {"name": "theirs"})
        await person.sees("somebody else changed it meanwhile, to theirs").presses("f2").sees("was changed: Name")
        await person.presses("down").does_not_see("somebody else")
