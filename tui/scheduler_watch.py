"""Keeps an eye on the scheduler: starts one where there is work and none runs, and says so."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from core.errors import ShoalError
from core.scheduler.presence import presence
from tui.failures import explained
from tui.lanes import Lane

if TYPE_CHECKING:
    from core.home import Home
    from core.scheduler.presence import Presence
    from tui.app import Console

ALARM_AT = 0.97
"""The part of the disk that is taken at which an alarm is shown."""


async def watch_scheduler(console: Console) -> None:
    """Look how the scheduler stands; start one where it is missed and somebody here may create executions."""
    try:
        seen, console.standing.disk_full = await console.lanes.run(Lane.READ, _look, console)
    except ShoalError:
        return  # the picture is stale then, which says so already
    console.standing.presence = seen
    if seen.is_missed and console.starts_scheduler and console.session.can("execution.create") is None:
        await start_scheduler(console)
    console.status_changed()


async def start_scheduler(console: Console) -> None:
    """Start a scheduler in the background, and say what becomes of it when the console is left."""
    try:
        started = await console.lanes.run(Lane.ACT, _ensure, console.session.home)
    except ShoalError as error:
        console.warn(explained(error))
        return
    if started:
        console.tell(
            "A scheduler was started. Leaving the console does not end it: it finishes the work, then ends by itself."
        )


def _look(console: Console) -> tuple[Presence, float | None]:
    disk = shutil.disk_usage(console.session.home.root)
    part = 1 - disk.free / disk.total
    return presence(console.session), part if part >= ALARM_AT else None


def _ensure(home: Home) -> bool:
    from core.scheduler.background import ensure_scheduler  # noqa: PLC0415 - needed once a visit at most

    return ensure_scheduler(home)
