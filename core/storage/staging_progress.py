"""How far the staging of a run's inputs is, and whether it must end."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from core.errors import ShoalError

if TYPE_CHECKING:
    from collections.abc import Callable

INTERVAL = 0.1
"""Seconds between two questions whether the run was stopped, and between two reports of progress."""


class StagingStoppedError(ShoalError):
    """The run was stopped while its inputs were brought."""

    code = "stopped"


class StagingProgress:
    """Adds up what each content has come to, from any thread; every piece asks whether the run was stopped."""

    def __init__(self, progress: Callable[[int, int], None] | None, stopped: Callable[[], bool]) -> None:
        self._progress = progress
        self._stopped = stopped
        self._lock = threading.Lock()
        self._done: dict[str, int] = {}
        self._total: dict[str, int] = {}
        self._sums = (0, 0)
        self._ended = False
        self._was_stopped = False
        self._asked_at = 0.0
        self._told_at = 0.0

    def expect(self, key: str, total: int) -> None:
        """Note the size of a content that is still to come."""
        with self._lock:
            self._note(key, 0, total)

    def advance(self, key: str, done: int, total: int) -> None:
        """Note how far a content is, in bytes.

        Raises:
            StagingStoppedError: the run was stopped, or another of its inputs failed.
        """
        with self._lock:
            self._note(key, done, max(total, done))
            now = time.monotonic()
            if due := done >= total or now - self._told_at >= INTERVAL:
                self._told_at = now
            sums = self._sums
        if due and self._progress is not None:
            self._progress(*sums)
        self.check()

    def _note(self, key: str, done: int, total: int) -> None:
        done_before, total_before = self._done.get(key, 0), self._total.get(key, 0)
        self._sums = (self._sums[0] + done - done_before, self._sums[1] + total - total_before)
        self._done[key], self._total[key] = done, total

    def look(self, _done: int) -> None:
        """Raise StagingStoppedError where reading should end; takes the bytes read, as every reading gives them."""
        self.check()

    def check(self) -> None:
        """Raise StagingStoppedError where the run was stopped or `end` was called."""
        if self._ended or self.was_stopped():
            message = "stopped while its inputs were brought"
            raise StagingStoppedError(message)

    def was_stopped(self) -> bool:
        """Ask whether the run was stopped, but not more often than it makes sense."""
        now = time.monotonic()
        if now - self._asked_at >= INTERVAL:
            self._asked_at = now
            self._was_stopped = self._was_stopped or self._stopped()
        return self._was_stopped

    def end(self) -> None:
        """Let every content that is still coming stop."""
        self._ended = True
