"""What a started execution waits for: shown as its reason while it is prepared, or its machine does not answer."""

from __future__ import annotations

import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from core.executions import transitions

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.scheduler.engines.engine import Progress
    from core.session import Session

EVERY = 1.0
"""Seconds between two tellings, and before the first: what is quick is not told of."""
MIB = 1024**2


class Detail:
    """Tells how far something is, seldom. `checkpoint` is called each time that it could be told."""

    def __init__(self, session: Session, execution_id: int, checkpoint: Callable[[], None]) -> None:
        self._session = session
        self._execution_id = execution_id
        self._checkpoint = checkpoint
        self._told_at = time.monotonic()

    def progress(self, what: str) -> Progress:
        """Return what tells of bytes that come, after the words `what`."""

        def progress(done: int, total: int) -> None:
            amount = f", {done // MIB} of {-(-total // MIB)} MiB" if total else ""
            self.tell(f"{what}{amount}")

        return progress

    def tell(self, text: str, *, at_once: bool = False) -> None:
        """Tell it, unless something was told a moment ago; `at_once` is for what is known to take long."""
        self._checkpoint()
        now = time.monotonic()
        if now - self._told_at < EVERY and not at_once:
            return
        self._told_at = now
        self._write(text)

    def clear(self) -> None:
        """Say that it waits for nothing any more."""
        self._write("")

    def _write(self, text: str) -> None:
        # Nothing depends on it: a database that is busy goes without.
        with suppress(sqlite3.OperationalError), self._session.write("execution.run") as connection:
            transitions.detail(connection, self._execution_id, text)
