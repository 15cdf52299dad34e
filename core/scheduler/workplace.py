"""The directories of one attempt on this machine, which the container sees below /valohai."""

from __future__ import annotations

import logging
import os
import shutil
import stat
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.scheduler.engines.engine import ContainerSpecification, Mount, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from core.scheduler.engines.engine import Engine, Progress

    Checkpoint = Callable[[], None]
    """Called now and then in long work; what it raises ends the work."""
    Report = Callable[[str], None]

RECLAIM = "chown -R $0 outputs repository && chmod -R u+rwX outputs repository"
"""Gives everything to the owner named as the shell's $0, and lets them read it, enter it and remove it."""
RECLAIM_WITHIN = 600.0
"""Seconds that giving a container's files to Shoal may take."""
STRICT_USER = 65534
"""The user `nobody`, as whom a strict container runs where Shoal itself is root."""


logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where one attempt works. `collected` is outside of what the container sees: outputs are taken in there.

    The container of this one sees the directories themselves. What others do differently is said by the methods that
    get an engine.
    """

    root: Path
    labels: Mapping[str, str]

    script = "/valohai/command"
    """Where the container finds what it runs."""
    shows_outputs = True
    """Whether outputs can be seen here while the container runs."""

    @property
    def repository(self) -> Path:
        """The code, writable: the working directory."""
        return self.root / "repository"

    @property
    def inputs(self) -> Path:
        """Input files, read-only in the container."""
        return self.root / "inputs"

    @property
    def outputs(self) -> Path:
        """What the container leaves here is kept."""
        return self.root / "outputs"

    @property
    def config(self) -> Path:
        """The configuration files, read-only in the container."""
        return self.root / "config"

    @property
    def command(self) -> Path:
        """The script that is run."""
        return self.root / "command"

    @property
    def collected(self) -> Path:
        """Outputs on their way into the store."""
        return self.root / "collected"

    def create(self, code: Path) -> None:
        """Make the directories, empty but for a copy of the code; what an earlier try left is removed first.

        Only `collected` is kept: what is in there is on its way to the store.
        """
        for directory in (self.repository, self.inputs, self.outputs, self.config):
            shutil.rmtree(directory, ignore_errors=True)
        for directory in (self.root, self.inputs, self.outputs, self.config, self.collected):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copytree(code, self.repository, symlinks=True)
        # Open to whatever user the image runs as; `root` (0700) keeps everyone else on the host out.
        self.outputs.chmod(0o777)
        self.inputs.chmod(0o755)
        self.config.chmod(0o755)
        _make_writable(self.repository)

    def write_command(self, script: str) -> None:
        """Write the script that the container runs."""
        self.command.write_text(script if script.endswith("\n") else script + "\n")
        self.command.chmod(0o755)

    def mounts(self) -> list[Mount]:
        """Return what the container sees of this."""
        return [
            Mount(self.repository, "/valohai/repository", read_only=False),
            Mount(self.inputs, "/valohai/inputs", read_only=True),
            Mount(self.outputs, "/valohai/outputs", read_only=False),
            Mount(self.config, "/valohai/config", read_only=True),
            Mount(self.command, "/valohai/command", read_only=True),
        ]

    def send(self, engine: Engine, image: str, progress: Progress) -> None:
        """Bring what was prepared to the engine: its containers see it already."""

    def fetch(self, engine: Engine, image: str, checkpoint: Checkpoint, report: Report) -> None:
        """Make what the ended container left in `outputs` ours; it may be called again, until it was done.

        `report` is told of what cannot be had.

        Raises:
            RefusedError: some of it may stay another user's.
        """
        del checkpoint, report
        self._reclaim(engine, image)

    def clear(self, engine: Engine) -> None:
        """Remove what the engine keeps of this besides the container, which is gone: nothing."""

    def _reclaim(self, engine: Engine, image: str) -> None:
        """Make what a container wrote as root ours, where Shoal is not root: a short container of its image does it."""
        if os.geteuid() == 0 or not self.outputs.exists():
            return
        owner = f"{os.geteuid()}:{os.getegid()}"
        specification = ContainerSpecification(
            name=f"{self.root.name}-reclaim",
            labels=dict(self.labels),
            image=image,
            command=["/bin/sh", "-c", f"cd /valohai && {RECLAIM}", owner],
            environment={},
            mounts=[
                Mount(self.outputs, "/valohai/outputs", read_only=False),
                Mount(self.repository, "/valohai/repository", read_only=False),
            ],
            working_directory="/",
            network="none",
            strict=False,
            user="0",
        )
        code = engine.run_to_end(specification, RECLAIM_WITHIN)
        if code != 0:
            message = f"its files could not all be given to Shoal (chown or chmod ended with {code})"
            raise RefusedError(message)

    def remove(self) -> None:
        """Remove everything; what cannot be removed is left for the next sweep.

        `rm` goes down trees of any depth, which a container may have made; Python's own way does not.
        """
        result = subprocess.run(["rm", "-rf", "--", str(self.root)], check=False, capture_output=True, text=True)
        if result.returncode != 0:
            logger.warning("%s cannot be removed: %s", self.root, result.stderr.strip().partition("\n")[0])


def _make_writable(root: Path) -> None:
    for directory, _, files in os.walk(root):
        os.chmod(directory, 0o777)  # noqa: PTH101, S103 - below a directory that only Shoal can enter
        for name in files:
            path = os.path.join(directory, name)  # noqa: PTH118 - thousands of files: strings are cheaper
            mode = os.lstat(path).st_mode
            if stat.S_ISREG(mode):
                os.chmod(path, stat.S_IMODE(mode) | 0o666)  # noqa: PTH101, S103
