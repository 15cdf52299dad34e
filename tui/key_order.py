"""Keys are dealt with one after the other: what `:` or `/` opens gets the keys that follow, however fast they come.

A slow line delivers several keys at once. Textual hands them all to the widget that has the focus at that moment, so
that the letters of a filter would be taken for commands of the list.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import App
    from textual.events import Key
    from textual.message_pump import MessagePump
    from textual.timer import Timer

PATIENCE = 0.5
"""Seconds after which a key counts as dealt with, should the widget that got it be gone."""
TRIPS = 3
"""How often a key is followed: to what it does, to the message that this sends, and to the one that follows from it."""
LONGEST = 5.0
"""Seconds that keys wait for what a key opens; then they are dropped, for nobody remembers what they were meant for."""
MOST = 10_000
"""Keys that wait at most: more come of a paste into a terminal that does not announce it, and are dropped."""
_AGAIN = 0.01


class Handled(Message, bubble=True):
    """Follows a key on its way up; when it arrives, the key was dealt with."""


class KeyOrder:
    """Holds keys back while one is under way, and gives them out in their order."""

    def __init__(
        self, app: App[int], give: Callable[[Key], Awaitable[None]], is_opening: Callable[[], bool] = lambda: False
    ) -> None:
        self._app = app
        self._give = give
        self._is_opening = is_opening
        self._opening_since: float | None = None
        self._target: MessagePump | None = None
        self._trips = 0
        self._waiting: deque[Key] = deque()
        self._patience: Timer | None = None
        self.is_under_way = False

    def holds(self, key: Key) -> bool:
        """Take a key that comes too early; tell whether it did."""
        if self.is_under_way and len(self._waiting) < MOST:
            self._waiting.append(key)
        return self.is_under_way

    def follow(self, target: MessagePump) -> None:
        """Note that a target was given a key, and have the next wait until it is done with it."""
        self.is_under_way = True
        self._target, self._trips = target, TRIPS
        self._patience = self._app.set_timer(PATIENCE, self._give_up)
        self.arrived()

    def arrived(self) -> None:
        """Follow again, or give out the next key, after whatever the last one still asked for."""
        if not self.is_under_way:
            return
        self._trips -= 1
        if self._target is None or self._trips < 0 or not self._target.post_message(Handled()):
            self._give_up()

    def _give_up(self) -> None:
        self._target = None
        if self._patience is not None:
            self._patience.stop()
            self._patience = None
        if self.is_under_way:
            self._app.call_later(self._next)

    @property
    def is_waiting(self) -> bool:
        """Whether there are keys that were not given out."""
        return bool(self._waiting)

    async def _next(self) -> None:
        if not self._is_opening():
            self._opening_since = None
        elif self._waiting and self._waits():
            return
        self.is_under_way = False
        while self._waiting and not self.is_under_way:
            await self._give(self._waiting.popleft())

    def _waits(self) -> bool:
        """Let a place or a dialog come first: the keys that follow are meant for it, not for what it will cover."""
        now = time.monotonic()
        if self._opening_since is None:
            self._opening_since = now
        if now - self._opening_since > LONGEST:
            if self._opening_since:
                self._waiting.clear()
            self._opening_since = 0.0  # what comes from now on goes where one is
            return False
        self._app.set_timer(_AGAIN, self._next)
        return True
