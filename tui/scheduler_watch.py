"""Keeps an eye on the scheduler and on alarms: starts one where there is work and none runs, and says so."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from core.alarms import alarms
from core.errors import ShoalError
from core.scheduler.presence import presence
from tui.failures import explained
from tui.lanes import Lane

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.alarms import Alarm
    from core.home import Home
    from core.scheduler.presence import Presence
    from tui.app import Console

LOOK_EVERY = 5.0
"""Seconds between two looks where no execution changes: a scheduler may hang, or a disk fill."""
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0
"""Seconds after which a scheduler that is still missed is started again: twice as long each time."""


class SchedulerWatch:
    """Looks how the scheduler stands; starts one where it is missed and somebody here may create executions."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._is_looking = self._is_starting = self._was_told = self._has_news = False
        self._looked_at = 0.0
        self._pause = FIRST_PAUSE
        self._not_before = 0.0

    def executions_changed(self) -> None:
        """Take note that there may be more or less to do for a scheduler."""
        self._has_news = True

    @property
    def is_due(self) -> bool:
        """Whether it is time for a look: executions changed, or the last look is long ago."""
        return self._has_news or time.monotonic() - self._looked_at >= LOOK_EVERY

    async def look(self) -> None:
        """Look once; a look while one is under way is dropped."""
        if self._is_looking:
            return
        self._is_looking = True
        self._has_news, self._looked_at = False, time.monotonic()
        standing = self._console.standing
        try:
            seen, found = await self._console.lanes.run(Lane.READ, _look, self._console)
        except ShoalError:
            return  # the picture is stale then, which says so already
        finally:
            self._is_looking = False
        standing.presence = seen
        if found != standing.alarms:
            standing.alarms = found
            self._console.alarms_changed()
        self._console.status_changed()
        if not seen.is_missed:
            self._pause, self._not_before = FIRST_PAUSE, 0.0
        elif self._may_start and time.monotonic() >= self._not_before:
            await self.start()

    @property
    def _may_start(self) -> bool:
        return self._console.starts_scheduler and self._console.session.can("execution.create") is None

    async def start(self) -> None:
        """Start a scheduler in the background, and say what becomes of it when the console is left."""
        if self._is_starting:
            return
        self._is_starting = True
        try:
            started = await self._console.lanes.run(Lane.LONG, _ensure, self._console.session.home)
        except Exception as error:  # noqa: BLE001 - it is tried again, and told meanwhile
            self._console.warn(explained(error))
        else:
            self._tell(started)
        finally:
            self._is_starting = False
            self._not_before = time.monotonic() + self._pause
            self._pause = min(LONGEST_PAUSE, self._pause * 2)

    def _tell(self, started: bool) -> None:  # noqa: FBT001 - what the call gave
        if started and not self._was_told:
            self._was_told = True
            self._console.tell(
                "A scheduler was started. Leaving the console does not end it:"
                " it finishes the work, then ends by itself."
            )


def _look(console: Console) -> tuple[Presence, Sequence[Alarm]]:
    return presence(console.session), alarms(console.session)


def _ensure(home: Home) -> bool:
    from core.scheduler.background import ensure_scheduler  # noqa: PLC0415 - needed once a visit at most

    return ensure_scheduler(home)
