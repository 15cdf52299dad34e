"""Keys are dealt with one after the other: what `:` or `/` opens gets the keys that follow, however fast they come.

A slow line delivers several keys at once. Textual hands them all to the widget that has the focus at that moment, so
that the letters of a filter would be taken for commands of the list.
"""

from __future__ import annotations

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


class Handled(Message, bubble=True):
    """Follows a key on its way up; when it arrives, the key was dealt with."""


class KeyOrder:
    """Holds keys back while one is under way, and gives them out in their order."""

    def __init__(self, app: App[int], give: Callable[[Key], Awaitable[None]]) -> None:
        self._app = app
        self._give = give
        self._waiting: deque[Key] = deque()
        self._patience: Timer | None = None
        self.is_under_way = False

    def holds(self, key: Key) -> bool:
        """Take a key that comes too early; tell whether it did."""
        if self.is_under_way:
            self._waiting.append(key)
        return self.is_under_way

    def follow(self, target: MessagePump) -> None:
        """Note that a target was given a key, and have the next wait until it is done with it."""
        self.is_under_way = True
        target.post_message(Handled())
        self._patience = self._app.set_timer(PATIENCE, self.arrived)

    def arrived(self) -> None:
        """Give out the next key, after whatever the last one still asked for."""
        if self._patience is not None:
            self._patience.stop()
            self._patience = None
        if self.is_under_way:
            self._app.call_later(self._next)

    async def _next(self) -> None:
        self.is_under_way = False
        while self._waiting and not self.is_under_way:
            await self._give(self._waiting.popleft())
