"""Watches the state for the console: what was committed reaches the screen that is shown."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from core.feed import Feed, changes_since, newest_change
from data.changes import SYSTEM, Change
from tui.failures import explained
from tui.screens.screen import ConsoleScreen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.app import Console


class Watcher:
    """Looks whether anything moved, which costs a few microseconds, and reads the feed only then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._feed = Feed(console.session)
        self._seq = 0
        self.is_looking = False
        self._is_behind = False

    async def begin(self) -> None:
        """Take the state as it is for known."""
        self._feed.moved()
        self._seq = await self._console.read(newest_change, self._console.session)

    async def look(self) -> None:
        """Pass on what moved since the last look; a look while one is under way is dropped."""
        if self.is_looking:
            return
        standing = self._console.standing
        trouble = standing.trouble
        self.is_looking = True
        try:
            # What could not be read is still to be passed on, although nothing moves any more.
            self._is_behind = self._feed.moved() or self._is_behind
            if self._is_behind:
                await self._pass_on()
                self._is_behind = False
            standing.looked_at, standing.trouble = time.monotonic(), ""
        except Exception as error:  # noqa: BLE001 - a state that cannot be read makes the picture old, not the console end
            standing.trouble = explained(error)
        finally:
            self.is_looking = False
        if standing.trouble != trouble:  # what moves with the clock alone is drawn each second
            self._console.status_changed()

    def freeze(self) -> None:
        """Hold the picture and count what changes; or go on, and show how it is now."""
        standing = self._console.standing
        standing.frozen = 0 if standing.frozen is None else None
        if standing.frozen is None:
            self._tell(None)
        self._console.status_changed()

    def tell_alarms(self) -> None:
        """Pass on that there are other alarms now, as a change of the kind `alarm`."""
        if self._console.standing.frozen is None:
            self._tell([Change(self._seq, time.time(), SYSTEM, "alarm", 0, "changed", None)])

    async def _pass_on(self) -> None:
        changes = await self._console.read(changes_since, self._console.session, self._seq)
        newest = changes[-1].seq if changes else self._seq
        if changes is None:
            newest = await self._console.read(newest_change, self._console.session)
        number, self._seq = newest - self._seq, newest
        if changes is None or any(change.kind == "execution" for change in changes):
            self._console.scheduler.executions_changed()
        if self._console.standing.frozen is not None:
            self._console.standing.frozen += number
        else:
            self._tell(changes)

    def _tell(self, changes: Sequence[Change] | None) -> None:
        shown = self._console.shown_screen
        for screen in self._console.screen_stack:
            if isinstance(screen, ConsoleScreen) and screen is not shown:
                screen.missed = True
        if shown is not None:
            shown.on_commit()
            if changes is None or changes:
                shown.on_changes(changes)
