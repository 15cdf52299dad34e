"""What the console sends to its terminal: counted where it is written, so that it can be told."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.driver import Driver

WINDOW = 10.0
"""Seconds over which the rate is told."""
_STEP = 0.25
"""Writes that follow each other within this many seconds are kept as one."""


class Wire:
    """Bytes written since the beginning, and of late."""

    def __init__(self) -> None:
        self.bytes = 0
        self._lately: deque[list[float]] = deque()

    def count(self, text: str) -> None:
        """Take note of what is written."""
        written = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
        self.bytes += written
        now = time.monotonic()
        if self._lately and now - self._lately[-1][0] < _STEP:
            self._lately[-1][1] += written
        else:
            self._lately.append([now, written])
        self._forget(now)

    def rate(self) -> float:
        """Return how many bytes were written a second, over the last `WINDOW` seconds."""
        now = time.monotonic()
        self._forget(now)
        return sum(written for _, written in self._lately) / WINDOW

    def _forget(self, now: float) -> None:
        while self._lately and now - self._lately[0][0] > WINDOW:
            self._lately.popleft()


def counted(driver: type[Driver], wire: Wire) -> type[Driver]:
    """Return a driver that counts what it writes."""

    class Counted(driver):  # type: ignore[misc, valid-type]
        def write(self, data: str) -> None:
            wire.count(data)
            super().write(data)

    counting: type[Any] = Counted
    return counting
