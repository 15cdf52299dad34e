"""What has to be done before a container can start: code, inputs, configuration, image, the container itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from core.errors import ShoalError
from core.executions.mounts import real
from core.executions.transitions import Outcome
from core.scheduler import staging
from core.scheduler.container import container_specification
from core.scheduler.detail import Detail
from core.scheduler.engines.engine import ContainerState, ImageMissingError, RefusedError
from core.scheduler.follower import DetachedError
from core.storage.stage import StagingStoppedError

if TYPE_CHECKING:
    from core.environments.environment import Environment
    from core.executions.execution import Execution
    from core.projects.service import Project
    from core.scheduler.attempts import Attempt
    from core.scheduler.engines.engine import ContainerSpecification, Engine
    from core.scheduler.follower import Signals
    from core.scheduler.image_supply import ImageSupply
    from core.scheduler.recorder import Recorder
    from core.scheduler.workplace import Workplace
    from core.session import Session


class FailedError(Exception):
    """The attempt is over before its container ran."""

    def __init__(self, result: Outcome) -> None:
        super().__init__(result.detail)
        self.result = result


class Preparation:
    """Prepares one attempt. All of it may be repeated as long as there is no container."""

    def __init__(
        self,
        session: Session,
        engine: Engine,
        images: ImageSupply,
        execution: Execution,
        attempt: Attempt,
        place: Workplace,
        recorder: Recorder,
        signals: Signals,
    ) -> None:
        self._session = session
        self._engine = engine
        self._images = images
        self._execution = execution
        self._attempt = attempt
        self._place = place
        self._detail = Detail(session, execution.id, self._end_on_stop)
        self._recorder = recorder
        self._signals = signals
        self._project: Project = session.projects.by_id(execution.project_id)
        self._environment: Environment = session.environments.get(execution.environment)

    def prepare(self, name: str, instance: str) -> ContainerState:
        """Stage everything and create the container.

        Raises:
            FailedError: the person who made the execution, or the machine, has to mend something first.
        """
        try:
            return self._prepared(name, instance)
        except StagingStoppedError as error:
            raise FailedError(Outcome("stopped", "stopped")) from error
        except RefusedError as error:
            where = f" on host {self._attempt.host}" if self._attempt.host_id is not None else ""
            message = f"Docker refused to create the container{where}: {error.message}"
            raise FailedError(Outcome("crashed", message)) from error

    def _prepared(self, name: str, instance: str) -> ContainerState:
        commit = self._session.projects.commit_by_id(self._execution.commit_id)
        self._place.create(staging.code_tree(self._session, commit))
        script = staging.full_script(self._execution, self._project)
        self._place.write_command(script)
        staging.stage_inputs(self._session, self._execution, self._place, self._recorder.status, self._is_stopped)
        staging.write_config(self._session, self._execution, self._project, self._environment, self._place)
        self._end_on_stop()
        attempt = self._attempt
        if attempt.mounts and attempt.host_id is None:
            # Asked last: a link may have been put there while the inputs came.
            attempt = replace(attempt, mounts=real(self._environment, attempt.mounts, self._session.home.root))
        specification = container_specification(
            name, instance, self._execution, self._project, self._environment, self._place, attempt, script
        )
        return ContainerState(self._submit(specification), "created")

    def _submit(self, specification: ContainerSpecification) -> str:
        """Create the container; a host is asked for its image first, this machine's engine when creating fails."""
        if self._attempt.host_id is not None:
            self._bring(specification.image)
        sending = self._detail.progress(f"code and inputs are being copied to {self._attempt.host}")
        self._place.send(self._engine, specification.image, sending)
        try:
            return self._engine.submit(specification)
        except ImageMissingError:
            self._bring(specification.image)
        return self._engine.submit(specification)

    def _bring(self, image: str) -> None:
        where = self._attempt.host_id, self._attempt.host
        try:
            self._images.bring(self._engine, *where, image, self._detail, self._recorder.status)
        except RefusedError as error:
            message = f"image {image!r} cannot be had: {error.message}; check its name, or build it here"
            raise FailedError(Outcome("error", message)) from error

    def _end_on_stop(self) -> None:
        if self._is_stopped():
            raise FailedError(Outcome("stopped", "stopped"))

    def _is_stopped(self) -> bool:
        if self._signals.detach.is_set():
            raise DetachedError
        return self._signals.stop.is_set()


def failure(error: Exception) -> Outcome:
    """Say how an attempt ended whose preparation failed."""
    if isinstance(error, FailedError):
        return error.result
    if isinstance(error, ShoalError):
        return Outcome("error", error.message)
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        return Outcome("crashed", f"this machine could not do its part ({reason}): look at its disk, then run it again")
    return Outcome("crashed", "an error in Shoal itself: its log has the details; run it again")
