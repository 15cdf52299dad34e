"""Follows a running container to its end: reads its log, watches its limits, stops it when asked."""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Self

from core.errors import UnavailableError
from core.executions.transitions import begin_stopping
from core.scheduler.engines.engine import EngineDownError, RefusedError
from data.changes import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.executions.execution import Execution
    from core.scheduler.engines.engine import ContainerState, Engine, LogStream
    from core.scheduler.log_frames import Line, LogFrames
    from core.scheduler.recorder import Recorder
    from core.scheduler.watch import Watch
    from core.session import Session

LOOK_EVERY = 0.25
"""Seconds between two looks at the limits while the container says nothing."""
GATHER = 0.03
"""Seconds for which lines are gathered into one commit."""
GATHER_BYTES = 1024 * 1024
RETRY_EVERY = 1.0
"""Seconds between two tries at an engine that does not answer, or a disk that is full."""


class DetachedError(Exception):
    """The scheduler goes; the container stays and the next scheduler takes it over."""


class Follower:
    """The following of one container. `tasks` is called at every look: live uploads of outputs are made there."""

    def __init__(
        self, session: Session, engine: Engine, name: str, recorder: Recorder, frames: LogFrames, watch: Watch
    ) -> None:
        self._session = session
        self._engine = engine
        self._name = name
        self._recorder = recorder
        self._frames = frames
        self._watch = watch
        self._stop_sent_at: float | None = None
        self._killed = False
        self.engine_was_down = False

    def follow(
        self,
        execution: Execution,
        state: ContainerState | None,
        stop: threading.Event,
        detach: threading.Event,
        tasks: Callable[[], None],
    ) -> ContainerState | None:
        """Return the container's state when it has ended and every line of its log is recorded; None where it vanished.

        `state` is what was just seen of it.

        Raises:
            DetachedError: `detach` was set.
        """
        grace = float(self._session.settings.get("stop_grace_period"))
        while state is not None:
            ended = state.status == "exited"
            try:
                self._read(execution, stop, detach, grace, tasks, wait=not ended)
                if ended:
                    return state
                state = self._engine.observe(self._name)
            except (EngineDownError, RefusedError) as error:
                self.engine_was_down |= isinstance(error, EngineDownError)
                state = self._observe(detach)
        return None

    def _read(
        self,
        execution: Execution,
        stop: threading.Event,
        detach: threading.Event,
        grace: float,
        tasks: Callable[[], None],
        *,
        wait: bool,
    ) -> None:
        """Read the log to its end.

        The end of a log that is waited for is not to be trusted: Docker may close it before its last lines. So the log
        of a container that has ended is read once more, from shortly before where the reading stands.
        """
        with _Reading(self._engine.follow(self._name, self._frames.since(), wait=wait)) as reading:
            self._frames.reopen()
            for chunks in reading.batches(detach):
                self._take(execution, chunks)
                self._enforce(execution, stop, grace)
                tasks()
        if not wait:
            self._record(execution, list(self._frames.finish()))

    def _observe(self, detach: threading.Event) -> ContainerState | None:
        while True:
            self._pause(detach)
            try:
                return self._engine.observe(self._name)
            except EngineDownError:
                self.engine_was_down = True

    def _take(self, execution: Execution, chunks: list[bytes]) -> None:
        lines = [line for chunk in chunks for line in self._frames.take(chunk)]
        if lines:
            self._record(execution, lines)

    def _record(self, execution: Execution, lines: list[Line]) -> None:
        if not lines:
            return
        values = self._insist(lines)
        if reason := self._watch.saw_output(time.time(), values):
            self._begin_stopping(execution, reason)

    def _insist(self, lines: list[Line]) -> dict[str, object]:
        """Record lines, waiting for a disk that is full: the container's own log keeps what is not read meanwhile."""
        while True:
            try:
                return self._recorder.lines(lines, self._frames.cursor()) if lines else {}
            except (UnavailableError, sqlite3.OperationalError):
                time.sleep(RETRY_EVERY)

    def _enforce(self, execution: Execution, stop: threading.Event, grace: float) -> None:
        now = time.time()
        if reason := self._watch.overdue(now):
            self._begin_stopping(execution, reason)
            stop.set()
        if not stop.is_set():
            return
        if self._stop_sent_at is None:
            self._engine.signal(self._name, "SIGTERM")
            self._stop_sent_at = now
        elif not self._killed and now - self._stop_sent_at >= grace:
            self._engine.signal(self._name, "SIGKILL")
            self._killed = True

    def _begin_stopping(self, execution: Execution, reason: str) -> None:
        with self._session.write("execution.run") as connection:
            begin_stopping(connection, execution.id, SYSTEM, reason)

    def _pause(self, detach: threading.Event) -> None:
        if detach.wait(RETRY_EVERY):
            raise DetachedError


class _Reading:
    """Reads a stream in a thread of its own, so that limits are looked at while the container is silent.

    The queue is short: a container that prints faster than can be written waits in Docker's log, not in memory.
    """

    def __init__(self, stream: LogStream) -> None:
        self._stream = stream
        self._chunks: queue.Queue[bytes | EngineDownError | None] = queue.Queue(maxsize=64)
        self._closed = False
        self._thread = threading.Thread(target=self._read, daemon=True, name="log-reader")
        self._thread.start()

    def batches(self, detach: threading.Event) -> Iterator[list[bytes]]:
        """Yield what came since the last batch, at least every LOOK_EVERY seconds, until the stream ends."""
        ended = False
        while not ended:
            if detach.is_set():
                raise DetachedError
            batch, ended = self._gather()
            yield batch

    def _gather(self) -> tuple[list[bytes], bool]:
        batch: list[bytes] = []
        size, wait, until = 0, LOOK_EVERY, 0.0
        while size < GATHER_BYTES:
            try:
                chunk = self._chunks.get(timeout=wait)
            except queue.Empty:
                break
            if chunk is None:
                return batch, True
            if isinstance(chunk, EngineDownError):
                raise chunk
            until = until or time.monotonic() + GATHER
            batch.append(chunk)
            size += len(chunk)
            wait = max(until - time.monotonic(), 0.0001)
        return batch, False

    def _read(self) -> None:
        end: EngineDownError | None = None
        try:
            for chunk in self._stream.chunks():
                self._put(chunk)
        except EngineDownError as error:
            end = error
        self._put(end)

    def _put(self, item: bytes | EngineDownError | None) -> None:
        while not self._closed:
            try:
                self._chunks.put(item, timeout=1)
            except queue.Full:
                continue
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._stream.close()
