"""Takes one attempt through: code, inputs, image, container, following, outputs, result.

Every stage can be repeated and sees what was done. The container's existence is the mark that staging was finished,
since it is created after it; its start is the mark that nothing may be staged any more. A runner that dies anywhere is
followed by another that goes on at the right place; the one thing that happens once is the guarded update that ends
the execution. Once a container exists, what was not expected ends the runner, never the execution.

An attempt whose machine is lost is closed, whatever it has done; whether another one follows is not for it to say.
"""

from __future__ import annotations

import errno
import logging
import sqlite3
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from core.errors import UnavailableError
from core.executions import transitions
from core.executions.transitions import Outcome
from core.scheduler import attempts, machines
from core.scheduler.detail import Detail
from core.scheduler.engines.engine import ContainerState, EngineDownError, RefusedError
from core.scheduler.follower import RETRY_EVERY, DetachedError, Follower, Signals
from core.scheduler.found_dead import was_found_dead
from core.scheduler.log_frames import LogFrames
from core.scheduler.outcome import KILLED, loss, not_started, outcome
from core.scheduler.outputs import OutputCollector
from core.scheduler.preparation import FailedError, Preparation, failure
from core.scheduler.recorder import Recorder
from core.scheduler.remote_workplace import RemoteWorkplace
from core.scheduler.watch import Watch
from core.scheduler.workplace import Workplace
from data.changes import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.environments.environment import Environment
    from core.errors import ShoalError
    from core.executions.execution import Execution
    from core.projects.service import Project
    from core.scheduler.engines.engine import Engine, Engines
    from core.scheduler.image_supply import ImageSupply
    from core.session import Session

LIVE_OUTPUTS_EVERY = 1.0
"""Seconds between two looks for outputs that were made read-only."""
LIVE_OUTPUTS_SHARE = 20
"""How many times longer than such a look the pause after it is at least."""
LOSE_TRIES = 10
"""Tries to write down that a machine was lost, before whoever said so has to say it again."""
FULL_RETRY_EVERY = 5.0
"""Seconds between two tries at a disk that is full: what comes from a host comes again from its beginning."""
SETTLE = 0.4
"""Seconds within which a start that was asked for shows."""
ENGINE_GOES_WITHIN = 3
"""Seconds for which an engine that shuts down may go on answering after it killed its containers."""

Result = TypeVar("Result")
logger = logging.getLogger(__name__)


class LostError(Exception):
    """The attempt's machine ended it; `why` says how."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Runner:
    """Runs one attempt in the thread that calls `run()`; `signals` may be given from another one."""

    _engine: Engine

    def __init__(
        self, session: Session, engines: Engines, images: ImageSupply, attempt_id: int, instance: str, *, is_new: bool
    ) -> None:
        self._session = session
        self._engines = engines
        self._images = images
        self._instance = instance
        self._is_new = is_new
        self.signals = Signals()
        self._attempt = attempts.load(session.read("execution.run"), attempt_id)
        self._execution: Execution = session.executions.by_id(self._attempt.execution_id)
        self._project: Project = session.projects.by_id(self._execution.project_id)
        self._environment: Environment = session.environments.get(self._execution.environment)
        self.name = attempts.container_name(instance, self._execution.uuid, self._attempt.number)
        if self._attempt.lost is not None:
            # Written down when an earlier scheduler gave the machine up, but not what it ran.
            self.signals.lose(self._attempt.lost or "it is gone")
        kind = Workplace if self._attempt.host_id is None else RemoteWorkplace
        self._place = kind(session.home.attempts / self.name, {"shoal.instance": instance})
        self._detail = Detail(session, self._execution.id, lambda: None)
        self._may_have_container = False
        self._start_tried = False
        self._next_look = 0.0

    def run(self) -> None:
        """Take the attempt to its end, or as far as `signals.detach` lets it.

        What it raises was not expected: the attempt is as it was, and may be taken up again.
        """
        logger.info("%s #%s %s: started", self._project.name, self._execution.counter, self._execution.step)
        self._take(self._result)

    def give_up(self) -> None:
        """End an execution whose runner failed again and again, keeping of its outputs what can be kept."""
        self._take(self._given_up)

    def _take(self, result: Callable[[Recorder], Outcome]) -> None:
        """End the attempt with a result, unless it is lost or left before."""
        recorder = Recorder(self._session, self._execution, self._attempt.id)
        try:
            with self._opened():
                try:
                    self._end(recorder, result(recorder))
                except LostError as error:
                    self._lose(recorder, error.why)
        except DetachedError:
            if self.signals.lost is not None:
                self._lose(recorder, self.signals.lost)
            else:
                logger.info("%s: left to the next scheduler", self.name)
        finally:
            recorder.close()

    def _given_up(self, recorder: Recorder) -> Outcome:
        with suppress(Exception):
            self._collector(recorder).collect_all()
        return Outcome("crashed", "errors in Shoal itself: its log has the details; run it again")

    @contextmanager
    def _opened(self) -> Iterator[None]:
        """Have the engine of the attempt's machine open, once it can be reached."""
        self._engine = self._insist(lambda: self._engines.open(self._attempt.host_id))
        try:
            yield
        finally:
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
            preparation = Preparation(
                self._session,
                self._engine,
                self._images,
                self._execution,
                self._attempt,
                self._place,
                recorder,
                self.signals,
            )
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
            message = not_started(error.message, self._attempt.host)
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
            state = follower.follow(state, lambda: self._collect_live(collector), self._tell_silence)
            if follower.stop_reason is not None:
                self._insist(lambda: self._note_stop(follower.stop_reason or ""))
            engine_was_down = follower.engine_was_down or self._is_engine_going(state) or self._was_found_dead(state)
        self._end_if_lost(state, engine_was_down=engine_was_down)
        self._insist(lambda: self._fetch(recorder))
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

    def _was_found_dead(self, state: ContainerState | None) -> bool:
        return state is not None and was_found_dead(self._session.read("execution.run"), self._attempt, state)

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
        name = self._execution.image
        image = self._engine.image(name)
        digest = self._images.digest(image, self._attempt.host_id, name) if image is not None else None
        with self._session.write("execution.run") as connection:
            attempts.note_running(connection, self._attempt.id, container_id)
            transitions.detail(connection, self._execution.id, "")
            if digest is not None:
                connection.execute("UPDATE executions SET image_digest = ? WHERE id = ?", (digest, self._execution.id))

    def _note_stop(self, reason: str) -> None:
        with self._session.write("execution.run") as connection:
            transitions.begin_stopping(connection, self._execution.id, SYSTEM, reason)

    def _tell_silence(self, is_silent: bool) -> None:  # noqa: FBT001
        if is_silent:
            who = "the Docker Engine" if self._attempt.host_id is None else f"host {self._attempt.host}"
            self._detail.tell(f"{who} does not answer as it should; what runs there is found again when it does")
        else:
            self._detail.clear()

    def _collect_live(self, collector: OutputCollector) -> None:
        begin = time.monotonic()
        if begin < self._next_look or not self._place.shows_outputs:
            return
        with suppress(UnavailableError, OSError, sqlite3.OperationalError):
            collector.collect_finished()
        end = time.monotonic()
        self._next_look = end + max(LIVE_OUTPUTS_EVERY, LIVE_OUTPUTS_SHARE * (end - begin))

    def _fetch(self, recorder: Recorder) -> None:
        try:
            self._place.fetch(self._engine, self._execution.image, self._leave_on_detach, self._quietly(recorder))
        except RefusedError as error:
            logger.warning("%s: its outputs may not all be had: %s", self.name, error)

    def _end_if_lost(self, state: ContainerState | None, *, engine_was_down: bool) -> None:
        """Leave the attempt where its machine ended it and another may follow; where none may, outputs are kept."""
        why = loss(state, stop_reason=self._stop_reason(), engine_was_down=engine_was_down)
        if why is not None and transitions.may_start_again(self._session.read("execution.run"), self._execution.id):
            raise LostError(why)

    def _lose(self, recorder: Recorder, why: str) -> None:
        """Record that the machine was lost, once, and leave here nothing behind: the host is swept when it is back."""

        def lose(connection: sqlite3.Connection) -> None:
            if attempts.is_open(connection, self._attempt.id):
                transitions.lose(connection, self._execution.id, why)
                self._release(connection)

        for _ in range(LOSE_TRIES):
            try:
                recorder.status(f"machine {self._attempt.machine} was lost: {why}", lose)
            except (UnavailableError, sqlite3.OperationalError) as error:
                logger.warning("%s: trying again: %s", self.name, error)
                time.sleep(RETRY_EVERY)
            else:
                break
        else:
            return
        logger.warning("%s: lost: %s", self.name, why)
        self._place.remove()
        if self.signals.lost is None:
            self._forget()

    def _end(self, recorder: Recorder, result: Outcome) -> None:
        """Record the result, once, and leave nothing behind."""
        text = f"{result.status}{f': {result.detail}' if result.detail else ''}"

        def end(connection: sqlite3.Connection) -> None:
            if attempts.is_open(connection, self._attempt.id):
                transitions.end(connection, self._execution.id, result)
                self._release(connection)

        self._insist(lambda: recorder.status(text, end), or_for=UnavailableError)
        logger.info("%s #%s %s: %s", self._project.name, self._execution.counter, self._execution.step, text)
        if self._forget():
            self._place.remove()

    def _release(self, connection: sqlite3.Connection) -> None:
        """Give the machine back, used until the execution ended: its cost and the machine's account are to agree."""
        query = "SELECT ended_at FROM executions WHERE id = ?"
        ended_at = connection.execute(query, (self._execution.id,)).fetchone()[0]
        machines.release(connection, self._attempt.machine_id, ended_at)

    def _forget(self) -> bool:
        """Remove the container and what goes with it; False where that is left to the next sweep."""
        try:
            self._engine.forget(self.name)
            self._place.clear(self._engine)
        except (EngineDownError, RefusedError) as error:
            logger.warning("%s: its container is left for the next sweep: %s", self.name, error)
            return False
        return True

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
            pause = RETRY_EVERY
            try:
                return action()
            except (EngineDownError, or_for, sqlite3.OperationalError) as error:
                logger.warning("%s: trying again: %s", self.name, error)
                if isinstance(error, EngineDownError):
                    self._tell_silence(is_silent=True)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                logger.warning("%s: trying again: %s", self.name, error)
                pause = FULL_RETRY_EVERY
            self._wait(pause)

    def _wait(self, seconds: float) -> None:
        if self.signals.detach.wait(seconds):
            raise DetachedError

    def _leave_on_detach(self) -> None:
        if self.signals.detach.is_set():
            raise DetachedError
