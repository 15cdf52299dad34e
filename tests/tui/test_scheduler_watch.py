"""Starting a scheduler where one is missed."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from core.errors import UnavailableError
from core.scheduler.presence import Presence
from tui.scheduler_watch import LONGEST_PAUSE, SchedulerWatch

if TYPE_CHECKING:
    from collections.abc import Callable

MISSED = Presence(runs=False, name="", silent=0, waiting=1, running=0)
THERE = MISSED._replace(runs=True)


class Watched:
    """As much of a console as the watch needs; `started` is what the call that starts a scheduler does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.presence = MISSED
        self.calls = 0
        self.gate: asyncio.Event | None = None
        self.started: Callable[[], bool] = lambda: True
        self.told: list[str] = []
        self.warned: list[str] = []
        console: Any = SimpleNamespace(
            lanes=self,
            standing=SimpleNamespace(presence=None, alarms=()),
            session=SimpleNamespace(can=lambda _: None, home=None),
            starts_scheduler=True,
            status_changed=lambda: None,
            alarms_changed=lambda: None,
            tell=self.told.append,
            warn=self.warned.append,
        )
        self.watch = SchedulerWatch(console)
        monkeypatch.setattr("tui.scheduler_watch.time.monotonic", lambda: self.now)

    async def run(self, lane: str, *_: object) -> object:
        if lane == "read":
            return self.presence, ()
        assert lane == "long"
        self.calls += 1
        if self.gate is not None:
            await self.gate.wait()
        return self.started()


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


def _refuse() -> bool:
    message = "the disk is full"
    raise UnavailableError(message)


async def test_one_that_is_being_started_is_not_started_again(watched: Watched) -> None:
    watched.gate = asyncio.Event()
    first = asyncio.create_task(watched.watch.look())
    await asyncio.sleep(0)
    for _ in range(5):
        watched.now += 2
        await watched.watch.look()
    assert watched.calls == 1
    watched.gate.set()
    await first
    assert len(watched.told) == 1


async def test_after_a_failure_it_is_tried_again_less_and_less_often(watched: Watched) -> None:
    watched.started = _refuse
    tried = []
    for _ in range(200):
        before = watched.calls
        await watched.watch.look()
        if watched.calls > before:
            tried.append(watched.now)
        watched.now += 2
    pauses = [after - before for before, after in pairwise(tried)]
    assert pauses[:6] == [2, 4, 8, 16, 32, LONGEST_PAUSE]
    assert set(pauses[6:]) == {LONGEST_PAUSE}
    assert len(watched.warned) == len(tried)


async def test_that_one_was_started_is_said_once_a_visit(watched: Watched) -> None:
    for presence in (MISSED, THERE, MISSED, THERE):
        watched.presence = presence
        await watched.watch.look()
        watched.now += 10
    assert watched.calls == 2
    assert len(watched.told) == 1
