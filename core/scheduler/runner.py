"""Takes one attempt through: code, inputs, image, container, following, outputs, result.

Every stage can be repeated and sees what was done. The container's existence is the mark that staging was finished,
since it is created after it; its start is the mark that nothing may be staged any more. A runner that dies anywhere
is followed by another that goes on at the right place; the one thing that happens once is the guarded update that
ends the execution.
"""

from __future__ import annotations

import errno
import logging
import sqlite3
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from core.errors import ShoalError, UnavailableError
from core.executions import transitions
from core.executions.transitions import Outcome
from core.scheduler import attempts, staging
from core.scheduler.container import container_specification
from core.scheduler.engines.engine import ContainerState, EngineDownError, RefusedError
from core.scheduler.follower import RETRY_EVERY, DetachedError, Follower
from core.scheduler.log_frames import LogFrames
from core.scheduler.outcome import KILLED, outcome
from core.scheduler.outputs import OutputCollector
from core.scheduler.recorder import Recorder
from core.scheduler.watch import Watch
from core.scheduler.workplace import Workplace
from core.storage.stage import StagingStoppedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.environments import Environment
    from core.executions.execution import Execution
    from core.projects.service import Project
    from core.scheduler.engines.engine import Engine
    from core.session import Session

LIVE_OUTPUTS_EVERY = 1.0
"""Seconds between two looks for outputs that were made read-only."""

Result = TypeVar("Result")
ENGINE_GOES_WITHIN = 3
"""Seconds for which an engine that shuts down may go on answering after it killed its containers."""
logger = logging.getLogger(__name__)


class _FailedError(Exception):
    """The attempt is over before its container ran."""

    def __init__(self, result: Outcome) -> None:
        super().__init__(result.detail)
        self.result = result


class Runner:
    """Runs one attempt in the thread that calls `run()`; `stop` and `detach` may be set from another one."""

    def __init__(self, session: Session, engine: Engine, attempt_id: int, instance: str, *, is_new: bool) -> None:
        self._session = session
        self._engine = engine
        self._instance = instance
        self._is_new = is_new
        self.stop = threading.Event()
        self.detach = threading.Event()
        connection = session.read("execution.run")
        self._attempt = attempts.load(connection, attempt_id)
        self._execution: Execution = session.executions.by_id(self._attempt.execution_id)
        self._project: Project = session.projects.by_id(self._execution.project_id)
        self._environment: Environment = session.environments.get(self._execution.environment)
        self.name = attempts.container_name(instance, self._execution.id, self._attempt.number)
        self._place = Workplace(session.home.attempts / self.name)
        self._last_look = 0.0
        self._digest: str | None = None

    @property
    def execution_id(self) -> int:
        """The execution that this runs."""
        return self._execution.id

    def run(self) -> None:
        """Take the attempt to its end, or as far as `detach` lets it."""
        recorder = Recorder(self._session, self._execution, self._attempt.id)
        try:
            self._run(recorder)
        except DetachedError:
            logger.info("%s: left to the next scheduler", self.name)
        finally:
            recorder.close()
            self._engine.close()

    def _run(self, recorder: Recorder) -> None:
        collector = OutputCollector(
            self._session, self._execution.id, self._place.outputs, self._place.collected, self._quietly(recorder)
        )
        try:
            result = self._outcome(recorder, collector)
        except _FailedError as failure:
            result = failure.result
        except StagingStoppedError:
            result = Outcome("stopped", self._stop_reason() or "stopped")
        except (DetachedError, EngineDownError):
            raise
        except ShoalError as error:
            result = Outcome("error", error.message)
        except OSError as error:
            detail = (
                f"this machine could not do its part ({error.strerror or error}): look at its disk, then run it again"
            )
            logger.warning("%s: %s", self.name, detail, exc_info=True)
            result = Outcome("crashed", detail)
        except Exception:
            logger.exception("%s: unexpected error", self.name)
            result = Outcome("crashed", "an error in Shoal itself: its log has the details; run it again")
        self._insist(lambda: self._end(recorder, result))
        self._clean()

    def _outcome(self, recorder: Recorder, collector: OutputCollector) -> Outcome:
        # Nothing carries the name of an attempt that was made a moment ago.
        state = None if self._is_new else self._insist(lambda: self._engine.observe(self.name))
        if state is None and self._attempt.state == "preparing":
            state = self._insist(lambda: self._prepare(recorder))
        follower = None
        if state is not None:
            follower = self._follower(recorder, state)
            state = self._follow(follower, state, collector)
            follower.engine_was_down |= self._is_engine_going(state)
        self._insist(self._reclaim)
        self._insist(collector.collect_all)
        return outcome(
            state,
            stop_reason=self._stop_reason(),
            engine_was_down=follower is not None and follower.engine_was_down,
            memory=self._environment.memory,
        )

    def _reclaim(self) -> None:
        try:
            self._place.reclaim(self._engine, self.name, self._execution.image)
        except RefusedError as error:
            logger.warning("%s: some of its files may stay another user's: %s", self.name, error)

    def _prepare(self, recorder: Recorder) -> ContainerState:
        """Stage everything and create the container."""
        commit = self._session.projects.commit_by_id(self._execution.commit_id)
        self._place.create(staging.code_tree(self._session, commit))
        script = staging.full_script(self._execution, self._project)
        self._place.write_command(script)
        staging.stage_inputs(self._session, self._execution, self._place, recorder.status, self._must_not_start)
        staging.write_config(self._session, self._execution, self._project, self._environment, self._place)
        self._digest = self._image(recorder)
        if self._must_not_start():
            raise _FailedError(Outcome("stopped", self._stop_reason() or "stopped"))
        specification = container_specification(
            self.name, self._instance, self._execution, self._project, self._environment, self._place, script
        )
        try:
            return ContainerState(self._engine.submit(specification), "created")
        except RefusedError as error:
            message = f"Docker refused to create the container: {error.message}"
            raise _FailedError(Outcome("crashed", message)) from error

    def _image(self, recorder: Recorder) -> str:
        """Return the digest of the image, which is pulled where the engine does not have it."""
        image = self._engine.image(self._execution.image)
        if image is None:
            recorder.status(f"pulling image {self._execution.image}")
            try:
                image = self._engine.pull(self._execution.image, self._end_pull_on_stop)
            except RefusedError as error:
                message = (
                    f"image {self._execution.image!r} cannot be had: {error.message}; check its name, or build it here"
                )
                raise _FailedError(Outcome("error", message)) from error
        return image.digest

    def _end_pull_on_stop(self, _progress: str) -> None:
        if self._must_not_start():
            raise _FailedError(Outcome("stopped", self._stop_reason() or "stopped"))

    def _follower(self, recorder: Recorder, state: ContainerState) -> Follower:
        newest = self._session.executions.metadata_latest(self._execution) if self._execution.stop_condition else {}
        timeout = float(self._session.settings.get("no_output_timeout"))
        watch = Watch.of(self._execution, state.started_at or time.time(), timeout, newest)
        return Follower(self._session, self._engine, self.name, recorder, LogFrames(self._attempt.cursor), watch)

    def _follow(self, follower: Follower, state: ContainerState, collector: OutputCollector) -> ContainerState | None:
        if state.status == "created":
            state = self._insist(lambda: self._start(state.id))
        if self._attempt.state == "preparing":
            self._insist(lambda: self._note_running(state.id))
        collector.resume()
        return follower.follow(self._execution, state, self.stop, self.detach, lambda: self._collect_live(collector))

    def _is_engine_going(self, state: ContainerState | None) -> bool:
        """Tell whether a container that was killed was so because its engine shuts down: it answers for a while yet."""
        if state is None or state.exit_code not in KILLED or state.out_of_memory or self._stop_reason() is not None:
            return False
        try:
            for _ in range(ENGINE_GOES_WITHIN):
                self._engine.ping()
                if self.detach.wait(1):
                    raise DetachedError
        except EngineDownError:
            return True
        return False

    def _note_running(self, container_id: str) -> None:
        with self._session.write("execution.run") as connection:
            attempts.note_running(connection, self._attempt.id, container_id)
            if self._digest is not None:
                connection.execute(
                    "UPDATE executions SET image_digest = ? WHERE id = ?", (self._digest, self._execution.id)
                )

    def _start(self, container_id: str) -> ContainerState:
        """Start the container; where the answer was lost, whether it started is looked up, never tried again."""
        try:
            self._engine.start(self.name)
        except RefusedError as error:
            message = f"Docker could not start the container: {error.message}"
            raise _FailedError(Outcome("crashed", message)) from error
        return ContainerState(container_id, "running", started_at=time.time())

    def _collect_live(self, collector: OutputCollector) -> None:
        now = time.monotonic()
        if now - self._last_look >= LIVE_OUTPUTS_EVERY:
            self._last_look = now
            with suppress(UnavailableError, OSError, sqlite3.OperationalError):
                collector.collect_finished()

    def _end(self, recorder: Recorder, result: Outcome) -> None:
        text = f"{result.status}{f': {result.detail}' if result.detail else ''}"
        recorder.status(text, lambda connection: transitions.end(connection, self._execution.id, result))

    def _clean(self) -> None:
        """Leave nothing behind; what fails here is swept at the next start."""
        try:
            self._engine.forget(self.name)
        except (EngineDownError, RefusedError) as error:
            logger.warning("%s: its container is left for the next sweep: %s", self.name, error)
            return
        self._place.remove()

    def _must_not_start(self) -> bool:
        if self.detach.is_set():
            raise DetachedError
        return self.stop.is_set()

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

    def _insist(self, action: Callable[[], Result]) -> Result:
        """Do it, waiting for an engine that does not answer and for a disk that is full."""
        while True:
            try:
                return action()
            except (EngineDownError, sqlite3.OperationalError) as error:
                logger.warning("%s: trying again: %s", self.name, error)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                logger.warning("%s: trying again: %s", self.name, error)
            if self.detach.wait(RETRY_EVERY):
                raise DetachedError
