"""Where the console's slow work is done: threads that it owns, one for each kind, so that none waits for another kind.

Textual's own pool is shared by everything and small: a few log followers would starve every list.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from data.database import Database

Result = TypeVar("Result")


class Lane(StrEnum):
    """`READ` is for short looks at the state, `ACT` for changes, `LONG` for what takes seconds, such as copies."""

    READ = "read"
    ACT = "act"
    LONG = "long"


class Lanes:
    """One thread for each lane; `busy` counts the calls that are not done, for tests to wait for idleness."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._threads = {lane: ThreadPoolExecutor(1, thread_name_prefix=f"console-{lane}") for lane in Lane}
        self._lock = threading.Lock()
        self.busy = 0

    async def run(self, lane: Lane, call: Callable[..., Result], *arguments: object) -> Result:
        """Return what `call` returns, called in the lane's thread; calls of one lane are made one after the other.

        Whoever stops waiting does not stop the call: what comes too late is dropped.
        """
        with self._lock:
            self.busy += 1
        future = self._threads[lane].submit(call, *arguments)
        future.add_done_callback(self._done)  # also where it was dropped before it began
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Let what is being done be finished, drop what waits, and end the threads."""
        for lane in Lane:
            self._threads[lane].submit(self._database.close_reader)
            self._threads[lane].shutdown(wait=lane is Lane.ACT, cancel_futures=lane is not Lane.ACT)

    def _done(self, _: object) -> None:
        with self._lock:
            self.busy -= 1
