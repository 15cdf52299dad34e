"""The directories of one attempt whose container runs on a host that shares no file system with this machine.

They are prepared here as for a container of this machine, then sent into volumes of the host's engine. A container
that is made for it and never started takes them in. The attempt's own container is made after that, so that its
existence says here too that nothing is to be staged any more. Outputs come back from the ended container.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from core.scheduler.archive import archive, size
from core.scheduler.engines.engine import ContainerSpecification, Mount, RefusedError
from core.scheduler.received_outputs import receive
from core.scheduler.workplace import Workplace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from core.scheduler.engines.engine import Engine, Progress
    from core.scheduler.workplace import Checkpoint, Report

VOLUMES = {"repository": False, "inputs": True, "outputs": False, "config": True}
"""Whether each directory is read-only for the container."""
TOP = "valohai"

logger = logging.getLogger(__name__)


class RemoteWorkplace(Workplace):
    """Where one attempt works on a host. Outputs are seen here only when it has ended."""

    __slots__ = ()

    # A volume shows directories only: the script lies in one that is there anyway.
    script = "/valohai/config/command"
    shows_outputs = False

    def mounts(self) -> list[Mount]:
        """Return what the container sees of this."""
        return self._mounts(VOLUMES)

    def send(self, engine: Engine, image: str, progress: Progress) -> None:
        """Bring what was prepared into volumes of the engine; what an earlier try left there is removed first."""
        self.clear(engine)
        for volume in VOLUMES:
            engine.create_volume(self._volume(volume), dict(self.labels))
        engine.submit(
            ContainerSpecification(
                name=self._stage,
                labels=dict(self.labels),
                image=image,
                command=["none"],
                environment={},
                mounts=self._mounts(dict.fromkeys(VOLUMES, False)),
                working_directory="/",
                network="none",
                strict=False,
            )
        )
        engine.put_archive(self._stage, "/", self._sent(progress))
        engine.forget(self._stage)

    def fetch(self, engine: Engine, image: str, checkpoint: Checkpoint, report: Report) -> None:
        """Bring the ended container's outputs into `outputs`: all of them, before any is taken on from there."""
        del image
        if self._fetched.exists():
            return
        stream = engine.get_archive(self.root.name, "/valohai/outputs")
        if stream is None:
            return
        try:
            receive(stream.chunks(), self.outputs, checkpoint, report)
        finally:
            stream.close()
        # After a power failure the mark must not be there without what it speaks of.
        os.sync()
        self._fetched.touch()

    def clear(self, engine: Engine) -> None:
        """Remove the volumes of the engine; those that are used still are left for the next sweep."""
        engine.forget(self._stage)
        for volume in VOLUMES:
            try:
                engine.remove_volume(self._volume(volume))
            except RefusedError as error:
                logger.warning("%s is left for the next sweep: %s", self._volume(volume), error)

    @property
    def _fetched(self) -> Path:
        """Is there when all outputs are: what is gone from them then was taken on."""
        return self.root / "fetched"

    @property
    def _stage(self) -> str:
        """The container that takes in what is sent, where a sending is under way or was cut."""
        return f"{self.root.name}-stage"

    def _volume(self, directory: str) -> str:
        return f"{self.root.name}-{directory}"

    def _mounts(self, read_only: Mapping[str, bool]) -> list[Mount]:
        return [
            Mount(self._volume(directory), f"/{TOP}/{directory}", read_only=read_only[directory], is_volume=True)
            for directory in VOLUMES
        ]

    def _sent(self, progress: Progress) -> Iterator[bytes]:
        """Yield the archive of everything, telling how far it is."""
        members = [(self.root / directory, f"{TOP}/{directory}") for directory in VOLUMES]
        members.append((self.command, self.script.lstrip("/")))
        total, done = size(members), 0
        for chunk in archive(members):
            yield chunk
            done += len(chunk)
            progress(min(done, total), total)
