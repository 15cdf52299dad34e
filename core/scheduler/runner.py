"""Takes one attempt through: code, inputs, image, container, following, outputs, result.

Every stage can be repeated and sees what was done. The container's existence is the mark that staging was finished,
since it is created after it; its start is the mark that nothing may be staged any more. A runner that dies anywhere is
followed by another that goes on at the right place; the one thing that happens once is the guarded update that ends
the execution. Once a container exists, what was not expected ends the runner, never the execution.
"""

from __future__ import annotations

import errno
import logging
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from core.errors import UnavailableError
from core.executions import transitions
from core.executions.transitions import Outcome
from core.scheduler import attempts, machines
from core.scheduler.engines.engine import ContainerState, EngineDownError, RefusedError
from core.scheduler.follower import RETRY_EVERY, DetachedError, Follower, Signals
from core.scheduler.log_frames import LogFrames
from core.scheduler.outcome import KILLED, outcome
from core.scheduler.outputs import OutputCollector
from core.scheduler.preparation import FailedError, Preparation, failure
from core.scheduler.recorder import Recorder
from core.scheduler.watch import Watch
from core.scheduler.workplace import Workplace
from data.changes import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.environments import Environment
    from core.errors import ShoalError
    from core.executions.execution import Execution
    from core.projects.service import Project
    from core.scheduler.engines.engine import Engine
    from core.session import Session

LIVE_OUTPUTS_EVERY = 1.0
"""Seconds between two looks for outputs that were made read-only."""
LIVE_OUTPUTS_SHARE = 20
"""How many times longer than such a look the pause after it is at least."""
SETTLE = 0.4
"""Seconds within which a start that was asked for shows."""
ENGINE_GOES_WITHIN = 3
"""Seconds for which an engine that shuts down may go on answering after it killed its containers."""

Result = TypeVar("Result")
logger = logging.getLogger(__name__)


class Runner:
    """Runs one attempt in the thread that calls `run()`; `signals` may be given from another one."""

    def __init__(self, session: Session, engine: Engine, attempt_id: int, instance: str, *, is_new: bool) -> None:
        self._session = session
        self._engine = engine
        self._instance = instance
        self._is_new = is_new
        self.signals = Signals()
        self._attempt = attempts.load(session.read("execution.run"), attempt_id)
        self._execution: Execution = session.executions.by_id(self._attempt.execution_id)
        self._project: Project = session.projects.by_id(self._execution.project_id)
        self._environment: Environment = session.environments.get(self._execution.environment)
        self.name = attempts.container_name(instance, self._execution.uuid, self._attempt.number)
        self._place = Workplace(session.home.attempts / self.name)
        self._may_have_container = False
        self._start_tried = False
        self._next_look = 0.0

    def run(self) -> None:
        """Take the attempt to its end, or as far as `signals.detach` lets it.

        What it raises was not expected: the attempt is as it was, and may be taken up again.
        """
        logger.info("%s #%s %s: started", self._project.name, self._execution.counter, self._execution.step)
        recorder = Recorder(self._session, self._execution, self._attempt.id)
        try:
            self._end(recorder, self._result(recorder))
        except DetachedError:
            logger.info("%s: left to the next scheduler", self.name)
        finally:
            recorder.close()
            self._engine.close()

    def give_up(self) -> None:
        """End an execution whose runner failed again and again, keeping of its outputs what can be kept."""
        recorder = Recorder(self._session, self._execution, self._attempt.id)
        try:
            with suppress(Exception):
                self._collector(recorder).collect_all()
            self._end(recorder, Outcome("crashed", "errors in Shoal itself: its log has the details; run it again"))
        finally:
            recorder.close()
            self._engine.close()

    def _result(self, recorder: Recorder) -> Outcome:
        try:
            state = self._container(recorder)
        except DetachedError:
            raise
        except Exception as error:
            if not isinstance(error, FailedError):
                if self._may_have_container:
                    raise
                logger.warning("%s: not prepared", self.name, exc_info=True)
            return self._told(failure(error))
        return self._followed(recorder, state)

    def _container(self, recorder: Recorder) -> ContainerState | None:
        """Return the container, started; it is made unless it is there, or was and has vanished."""
        # Nothing carries the name of an attempt that was made a moment ago; of any other it is not known yet.
        self._may_have_container = not self._is_new
        state = None if self._is_new else self._insist(lambda: self._engine.observe(self.name))
        if state is not None and state.status == "created":
            # A start that an earlier scheduler asked for may be under way; a second one could come after its end.
            self._wait(SETTLE)
            state = self._insist(lambda: self._engine.observe(self.name))
        self._may_have_container = state is not None
        if state is None and self._attempt.state == "preparing":
            preparation = Preparation(self._session, self._engine, self._execution, self._place, recorder, self.signals)
            state = self._insist(lambda: preparation.prepare(self.name, self._instance))
            self._may_have_container = True
        if state is not None and state.status == "created":
            created = state
            state = self._insist(lambda: self._started(created))
        return state

    def _started(self, created: ContainerState) -> ContainerState:
        """Start the container; where an answer was lost, whether it started is looked up, not tried again."""
        state = self._engine.observe(self.name) if self._start_tried else created
        self._start_tried = True
        if state is None or state.status != "created":
            return state or created
        try:
            self._engine.start(self.name)
        except RefusedError as error:
            message = f"Docker could not start the container: {error.message}"
            raise FailedError(Outcome("crashed", message)) from error
        return ContainerState(created.id, "running", started_at=time.time())

    def _followed(self, recorder: Recorder, state: ContainerState | None) -> Outcome:
        collector = self._collector(recorder)
        engine_was_down = False
        if state is not None:
            running = state
            if self._attempt.state == "preparing":
                self._insist(lambda: self._note_running(running.id))
            self._insist(collector.resume, or_for=UnavailableError)
            follower = self._follower(recorder, state)
            state = follower.follow(state, lambda: self._collect_live(collector))
            if follower.stop_reason is not None:
                self._insist(lambda: self._note_stop(follower.stop_reason or ""))
            engine_was_down = follower.engine_was_down or self._is_engine_going(state)
        self._insist(self._reclaim)
        self._insist(collector.collect_all, or_for=UnavailableError)
        return outcome(
            state,
            stop_reason=self._stop_reason(),
            engine_was_down=engine_was_down,
            memory=self._environment.memory,
        )

    def _collector(self, recorder: Recorder) -> OutputCollector:
        return OutputCollector(
            self._session,
            self._execution.id,
            self._place.outputs,
            self._place.collected,
            report=self._quietly(recorder),
            look_up=self._leave_on_detach,
        )

    def _follower(self, recorder: Recorder, state: ContainerState) -> Follower:
        newest = self._session.executions.metadata_latest(self._execution) if self._execution.stop_condition else {}
        timeout = float(self._session.settings.get("no_output_timeout"))
        watch = Watch.of(self._execution, state.started_at or time.time(), timeout, newest)
        frames = LogFrames(self._attempt.cursor)
        return Follower(self._session, self._engine, self._execution, self.name, recorder, frames, watch, self.signals)

    def _is_engine_going(self, state: ContainerState | None) -> bool:
        """Tell whether a container that was killed was so because its engine shuts down: it answers for a while yet."""
        if state is None or state.exit_code not in KILLED or state.out_of_memory or self._stop_reason() is not None:
            return False
        try:
            for _ in range(ENGINE_GOES_WITHIN):
                self._engine.ping()
                self._wait(1)
        except EngineDownError:
            return True
        return False

    def _note_running(self, container_id: str) -> None:
        """Write down that it runs, and of which image: while it does, so that nobody waits for that."""
        image = self._engine.image(self._execution.image)
        with self._session.write("execution.run") as connection:
            attempts.note_running(connection, self._attempt.id, container_id)
            if image is not None:
                connection.execute(
                    "UPDATE executions SET image_digest = ? WHERE id = ?", (image.digest, self._execution.id)
                )

    def _note_stop(self, reason: str) -> None:
        with self._session.write("execution.run") as connection:
            transitions.begin_stopping(connection, self._execution.id, SYSTEM, reason)

    def _collect_live(self, collector: OutputCollector) -> None:
        begin = time.monotonic()
        if begin < self._next_look:
            return
        with suppress(UnavailableError, OSError, sqlite3.OperationalError):
            collector.collect_finished()
        end = time.monotonic()
        self._next_look = end + max(LIVE_OUTPUTS_EVERY, LIVE_OUTPUTS_SHARE * (end - begin))

    def _reclaim(self) -> None:
        try:
            self._place.reclaim(self._engine, self.name, self._execution.image)
        except RefusedError as error:
            logger.warning("%s: some of its files may stay another user's: %s", self.name, error)

    def _end(self, recorder: Recorder, result: Outcome) -> None:
        """Record the result, once, and leave nothing behind."""
        text = f"{result.status}{f': {result.detail}' if result.detail else ''}"

        def end(connection: sqlite3.Connection) -> None:
            if transitions.end(connection, self._execution.id, result):
                machines.release_unused(connection)

        self._insist(lambda: recorder.status(text, end), or_for=UnavailableError)
        logger.info("%s #%s %s: %s", self._project.name, self._execution.counter, self._execution.step, text)
        try:
            self._engine.forget(self.name)
        except (EngineDownError, RefusedError) as error:
            logger.warning("%s: its container is left for the next sweep: %s", self.name, error)
            return
        self._place.remove()

    def _told(self, result: Outcome) -> Outcome:
        """Let a stop tell its reason."""
        return Outcome("stopped", self._stop_reason() or "stopped") if result.status == "stopped" else result

    def _stop_reason(self) -> str | None:
        row = (
            self._session.read("execution.run")
            .execute("SELECT stop_reason FROM executions WHERE id = ?", (self._execution.id,))
            .fetchone()
        )
        return row["stop_reason"] if row else None

    def _quietly(self, recorder: Recorder) -> Callable[[str], None]:
        """A line about an output is worth less than the output: a full disk must not end the collecting."""

        def report(text: str) -> None:
            with suppress(UnavailableError, sqlite3.OperationalError):
                recorder.status(text)

        return report

    def _insist(self, action: Callable[[], Result], or_for: type[ShoalError] = EngineDownError) -> Result:
        """Do it, waiting for an engine that does not answer, a disk that is full, and what `or_for` tells."""
        while True:
            try:
                return action()
            except (EngineDownError, or_for, sqlite3.OperationalError) as error:
                logger.warning("%s: trying again: %s", self.name, error)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                logger.warning("%s: trying again: %s", self.name, error)
            self._wait(RETRY_EVERY)

    def _wait(self, seconds: float) -> None:
        if self.signals.detach.wait(seconds):
            raise DetachedError

    def _leave_on_detach(self) -> None:
        if self.signals.detach.is_set():
            raise DetachedError
