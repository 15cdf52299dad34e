"""How far a copy is, from the thread that makes it to the line at the top."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from core.progress import amounts

if TYPE_CHECKING:
    from typing import Self

    from tui.screens.screen import ConsoleScreen

TELL_EVERY = 0.25
"""Seconds between two amounts that are shown; what takes less is not spoken of."""


class Transfer:
    """A progress that is shown on a screen while something lasts; it is called in a thread of its own."""

    def __init__(self, screen: ConsoleScreen, which: str = "") -> None:
        self._screen = screen
        self._which = f"{which} · " if which else ""
        self._loop = asyncio.get_running_loop()
        self._begun = self._told_at = time.monotonic()
        self._is_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._draw("")

    def __call__(self, _what: str, done: int, total: int) -> None:
        """Show the amounts, unless others were shown a moment ago."""
        now = time.monotonic()
        if now - self._told_at < TELL_EVERY:
            return
        self._told_at = now
        # The console may have been left meanwhile: the copy goes on without it.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._show, f"{self._which}{amounts(done, total, now - self._begun)}")

    def _show(self, text: str) -> None:
        if not self._is_over:
            self._draw(text)

    def _draw(self, text: str) -> None:
        if self._screen.progress == text:
            return
        self._screen.progress = text
        if self._screen.is_attached:
            self._screen.crumbs.look_again()
