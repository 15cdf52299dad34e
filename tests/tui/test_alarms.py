"""Alarms in the console: the worst one in the line at the bottom, all in their list, and no byte for old news."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from core.alarms import Alarm
from tests.tui.story import story

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.enacted import Enacted

HOST = Alarm("fail", "host", "host gpu-2 does not answer since 14:02 (timed out)", "about")
DISK = Alarm("warn", "disk", "the disk of the home is 98 % full, 20.0 GB are free", "about")
LONG = Alarm(
    "fail", "stuck", "work waits in gpu since 13:10 and nothing begins: " + "host gpu-2 is silent, " * 8, "about"
)


class Found:
    """What is alarming, as the tests will have it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.alarms: Sequence[Alarm] = ()
        self.looks = 0
        self.looked = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        for module in ("tui.scheduler_watch", "core.resources.alarms"):
            monkeypatch.setattr(f"{module}.alarms", self._look)

    def _look(self, *_: object) -> Sequence[Alarm]:
        self.looks += 1
        self._loop.call_soon_threadsafe(self.looked.set)
        return self.alarms


@pytest.fixture
async def found(monkeypatch: pytest.MonkeyPatch) -> Found:
    monkeypatch.setattr("tui.scheduler_watch.LOOK_EVERY", 0.0)
    return Found(monkeypatch)


async def test_the_worst_one_and_how_many_there_are_besides(finished: Enacted, found: Found) -> None:
    async with story(finished.session, project=finished.project) as person:
        await person.sees("live").does_not_see("! ")
        found.alarms = (HOST, DISK, LONG)
        await person.sees(f"! {HOST.sentence[:35]}", "+2 more in :alarms", "live")
        found.alarms = (DISK,)
        await person.sees("! the disk of the home is 98 % full").does_not_see("more in")
        found.alarms = ()
        await person.does_not_see("! ").sees("live")


async def test_one_that_is_too_long_says_where_the_rest_is(finished: Enacted, found: Found) -> None:
    found.alarms = (LONG,)
    async with story(finished.session, project=finished.project) as person:
        await person.sees("! work waits in gpu since 13:10", "… · :alarms")


async def test_the_list_of_them_is_live_and_leads_to_where_to_look(finished: Enacted, found: Found) -> None:
    found.alarms = (HOST,)
    async with story(finished.session, address="alarms") as person:
        await person.sees("▸  fail", "gpu-2 does not answer since 14:02")
        found.alarms = (HOST, DISK)
        await person.sees("warn  disk", "98 % full")
        found.alarms = ()
        await person.sees("Nothing is wrong.")
        found.alarms = (DISK,)
        await person.sees("warn  disk").presses("enter").sees("alarms › about")


async def test_what_stays_as_it_is_sends_nothing(finished: Enacted, found: Found) -> None:
    found.alarms = (HOST, DISK)
    async with story(finished.session, project=finished.project, address="alarms") as person:
        await person.sees("warn  disk", "+1 more")
        before, looks = person.screen, found.looks
        drawn = []
        person.console.screen.status_bar.refresh = lambda *_, **__: drawn.append(1)  # type: ignore[attr-defined]
        while found.looks < looks + 3:
            found.looked.clear()
            await found.looked.wait()
        assert person.screen == before
        assert drawn == []


async def test_hostile_names_stay_text(finished: Enacted, found: Found) -> None:
    found.alarms = (Alarm("fail", "host", "host [bold]x[/]\x1b[2J\n is down", "about"),)
    async with story(finished.session, project=finished.project) as person:
        await person.sees("! host [bold]x[/]", "is down")
