"""Where the console's slow work is done: threads that it owns, some for each kind, so that none waits for another kind.

Textual's own pool is shared by everything and small: a few log followers would starve every list. The threads are not
waited for when the process ends, as those of the standard library's pools are: whoever leaves gets the prompt back.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from concurrent.futures import Future
from enum import StrEnum
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from data.database import Database

Result = TypeVar("Result")

CLOSING = 10.0
"""Seconds for which changes that were begun are waited for when the console is left."""


class Lane(StrEnum):
    """`READ` is for short looks at the state, `LIST` for lists that may have to be sorted first, `ACT` for changes,
    `LONG` for what takes seconds, such as copies.
    """

    READ = "read"
    LIST = "list"
    ACT = "act"
    LONG = "long"


_THREADS = {Lane.LONG: 4}
"""How many calls of a lane are made at once, where it is more than one: a copy must not hold up a page of code."""


class Lanes:
    """The threads of each lane; `busy` counts the calls that are not done, for tests to wait for idleness."""

    def __init__(self, database: Database) -> None:
        self._lanes = {lane: _Threads(lane, _THREADS.get(lane, 1), database.close_reader) for lane in Lane}
        self._lock = threading.Lock()
        self.busy = 0

    async def run(self, lane: Lane, call: Callable[..., Result], *arguments: object) -> Result:
        """Return what `call` returns, called in a thread of the lane, after those that were asked for before it.

        Whoever stops waiting does not stop a call that has begun, and what it gives is dropped; one that waits for its
        turn is never made.
        """
        with self._lock:
            self.busy += 1
        future: Future[Result] = Future()
        future.add_done_callback(self._done)  # also where it was dropped before it began
        self._lanes[lane].take(future, call, arguments)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Finish the changes that were asked for, drop what else waits, and end the threads that are at rest."""
        deadline = time.monotonic() + CLOSING
        for lane in Lane:
            self._lanes[lane].close(drop=lane is not Lane.ACT)
        self._lanes[Lane.ACT].join(deadline)

    def _done(self, _: object) -> None:
        with self._lock:
            self.busy -= 1


class _Threads:
    """Some threads that take calls from one queue; each ends with `ended`, called in it."""

    def __init__(self, name: str, most: int, ended: Callable[[], object]) -> None:
        self._name = name
        self._most = most
        self._ended = ended
        self._queue: SimpleQueue[tuple[Future[Any], Callable[..., Any], tuple[object, ...]] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._open = 0
        self._is_closed = False

    def take(self, future: Future[Any], call: Callable[..., Any], arguments: tuple[object, ...]) -> None:
        """Have a call made, by a new thread if all are at work and there may be more."""
        if self._is_closed:
            future.cancel()
            return
        with self._lock:
            self._open += 1
            if self._open > len(self._threads) < self._most:
                name = f"console-{self._name}-{len(self._threads)}"
                self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
                self._threads[-1].start()
        self._queue.put((future, call, arguments))

    def close(self, *, drop: bool) -> None:
        """Let each thread end when it has done what waits, or, with `drop`, what it does now."""
        self._is_closed = True
        with contextlib.suppress(Empty):
            while drop and (waiting := self._queue.get_nowait()) is not None:
                waiting[0].cancel()
        for _ in self._threads:
            self._queue.put(None)

    def join(self, deadline: float) -> None:
        """Wait until the threads have ended, at most until a moment of the monotonic clock."""
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        while (taken := self._queue.get()) is not None:
            _make(*taken)
            del taken  # what it gave is not to be kept until the next call
            with self._lock:
                self._open -= 1
        self._ended()


def _make(future: Future[Any], call: Callable[..., Any], arguments: tuple[object, ...]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call(*arguments)
    except BaseException as error:  # noqa: BLE001 - whatever it is belongs to who waits
        future.set_exception(error)
    else:
        future.set_result(result)
