"""Follows a running container to its end: reads its log, watches its limits, stops it when asked."""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from core.errors import UnavailableError
from core.executions.transitions import begin_stopping
from core.scheduler.engines.engine import EngineDownError, RefusedError
from data.changes import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.executions.execution import Execution
    from core.scheduler.engines.engine import ContainerState, Engine, Stream
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
ASK_AFTER = 15.0
"""Seconds of silence after which the engine is asked whether the container is still there."""

logger = logging.getLogger(__name__)


class DetachedError(Exception):
    """The runner leaves: the scheduler goes and the next one takes the container over, or its machine is lost."""


@dataclass(slots=True)
class Signals:
    """What others ask of a runner: to stop its execution, or to leave it, to the next scheduler or as lost."""

    stop: threading.Event = field(default_factory=threading.Event)
    detach: threading.Event = field(default_factory=threading.Event)
    lost: str | None = None

    def lose(self, why: str) -> None:
        """Say that the attempt's machine is lost."""
        self.lost = self.lost or why
        self.detach.set()


class Follower:
    """The following of one container. `tasks` is called at every look: live uploads of outputs are made there."""

    def __init__(
        self,
        session: Session,
        engine: Engine,
        execution: Execution,
        name: str,
        recorder: Recorder,
        frames: LogFrames,
        watch: Watch,
        signals: Signals,
    ) -> None:
        self._session = session
        self._engine = engine
        self._execution = execution
        self._name = name
        self._recorder = recorder
        self._frames = frames
        self._watch = watch
        self._signals = signals
        self._grace = float(session.settings.get("stop_grace_period"))
        self._stop_sent_at: float | None = None
        self._killed = False
        self._fault_told = False
        self._reason: str | None = None
        self._heard_at = time.monotonic()
        self.engine_was_down = False

    def follow(
        self, state: ContainerState | None, tasks: Callable[[], None], silence: Callable[[bool], None]
    ) -> ContainerState | None:
        """Return the container's state when it has ended and every line of its log is recorded; None where it vanished.

        `state` is what was just seen of it. `silence` is told while the engine does not answer, and when it does again.

        Raises:
            DetachedError: the scheduler goes.
        """
        while state is not None:
            ended = state.status == "exited"
            try:
                self._read(tasks, wait=not ended)
                self._tell_fault()
                if ended:
                    return state
                if self._frames.fault:
                    self._pause()
                state = self._engine.observe(self._name)
            except (EngineDownError, RefusedError) as error:
                self.engine_was_down |= isinstance(error, EngineDownError)
                state = self._observe(silence)
                if state is not None and state.status == "running":
                    # It outlived that: how it ends later is its own doing.
                    self.engine_was_down = False
        return None

    def _read(self, tasks: Callable[[], None], *, wait: bool) -> None:
        """Read the log to its end.

        The end of a log that is waited for is not to be trusted: Docker may close it before its last lines. So the log
        of a container that has ended is read once more, from shortly before where the reading stands.
        """
        with _Reading(self._engine.follow(self._name, self._frames.since(), wait=wait)) as reading:
            self._frames.reopen()
            self._heard_at = time.monotonic()
            for chunks in reading.batches(self._signals.detach):
                self._record([line for chunk in chunks for line in self._frames.take(chunk)])
                self._enforce()
                tasks()
                if self._has_fallen_silent(heard=bool(chunks)):
                    return
        if not wait:
            self._record(list(self._frames.finish()))

    def _tell_fault(self) -> None:
        """Say once that the engine cannot read the log to its end, which a disk that was full there leaves behind."""
        if not self._frames.fault or self._fault_told:
            return
        with suppress(UnavailableError, sqlite3.OperationalError):
            self._recorder.status(f"the Docker Engine cannot read its log any further: {self._frames.fault:.200}")
            self._fault_told = True

    def _has_fallen_silent(self, *, heard: bool) -> bool:
        """Look now and then whether a container that says nothing is still there: a broken line says nothing either."""
        now = time.monotonic()
        if heard or now - self._heard_at < ASK_AFTER:
            self._heard_at = now if heard else self._heard_at
            return False
        self._heard_at = now
        state = self._engine.observe(self._name)
        return state is None or state.status != "running"

    def _observe(self, silence: Callable[[bool], None]) -> ContainerState | None:
        while True:
            self._pause()
            try:
                state = self._engine.observe(self._name)
            except (EngineDownError, RefusedError):
                self.engine_was_down = True
                silence(True)
            else:
                silence(False)
                return state

    def _record(self, lines: list[Line]) -> None:
        """Record lines, waiting for a disk that is full: the container's own log keeps what is not read meanwhile."""
        while lines:
            try:
                values = self._recorder.lines(lines, self._frames.cursor())
            except (UnavailableError, sqlite3.OperationalError) as error:
                logger.warning("%s: its log waits: %s", self._name, error)
                self._enforce()
                self._pause()
            else:
                self._reason = self._watch.saw_output(values) or self._reason
                return

    def _enforce(self) -> None:
        """Stop the container where it was asked for, or a limit says so."""
        self._reason = self._reason or self._watch.overdue()
        if self._reason is not None and not self._signals.stop.is_set():
            self._signals.stop.set()
        if not self._signals.stop.is_set():
            return
        now = time.monotonic()
        if self._stop_sent_at is None:
            self._write_reason_down()
            self._engine.signal(self._name, "SIGTERM")
            self._stop_sent_at = now
        elif not self._killed and now - self._stop_sent_at >= self._grace:
            self._write_reason_down()
            self._engine.signal(self._name, "SIGKILL")
            self._killed = True

    def _write_reason_down(self) -> None:
        """Note why the execution stops; a database that takes nothing now must not keep it from stopping."""
        if self._reason is None:
            return
        try:
            with self._session.write("execution.run") as connection:
                begin_stopping(connection, self._execution.id, SYSTEM, self._reason)
        except sqlite3.OperationalError as error:
            logger.warning("%s: it stops, its reason is not noted yet: %s", self._name, error)

    @property
    def stop_reason(self) -> str | None:
        """Why a limit or a condition stopped it, if one did."""
        return self._reason

    def _pause(self) -> None:
        if self._signals.detach.wait(RETRY_EVERY):
            raise DetachedError


class _Reading:
    """Reads a stream in a thread of its own, so that limits are looked at while the container is silent.

    The queue is short: a container that prints faster than can be written waits in Docker's log, not in memory.
    """

    def __init__(self, stream: Stream) -> None:
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
        except Exception as error:
            logger.exception("the reading of a log failed")
            end = EngineDownError(f"the reading of its log failed ({error})")
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
