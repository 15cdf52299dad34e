"""A project with a scheduler that really runs, for tests that need a Docker Engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from core.projects.manifest import read_manifest
from core.projects.specification import specify
from core.scheduler.lease import is_held

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from core.executions.execution import Execution
    from core.executions.logs import LogLine
    from core.session import Session
    from core.shoal import Shoal
    from core.storage.files import File

_SCHEDULER = """
import logging, sys
from pathlib import Path
from core.home import Home
from core.scheduler.service import run_scheduler
logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
run_scheduler(Home(Path(sys.argv[1])))
"""
PATIENCE = 90.0
"""Seconds after which a wait has failed; nothing is asserted about how long it takes."""


def until(condition: Callable[[], Any], what: str = "it") -> Any:
    """Wait for a condition to be true and return its value."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    message = f"{what} did not come true within {PATIENCE} s"
    raise AssertionError(message)


class SchedulerProcess:
    """A scheduler in a process of its own, as `shoal up` runs it."""

    def __init__(self, shoal: Shoal) -> None:
        self._shoal = shoal
        self._process: subprocess.Popen[bytes] | None = None
        self.environment: dict[str, str] = {}

    def start(self) -> None:
        with (self._shoal.home.root / "scheduler.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _SCHEDULER, str(self._shoal.home.root)],
                stdout=log,
                stderr=log,
                env=os.environ | self.environment,
            )
        until(lambda: is_held(self._shoal.home), "the scheduler's start")

    def kill(self) -> None:
        """Kill it as the machine would: without a chance to do anything."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=30)
            self._process = None


class Workbench:
    """One project whose steps are run for real."""

    def __init__(self, shoal: Shoal, directory: Path) -> None:
        self.shoal = shoal
        self.session: Session = shoal.session()
        self.directory = directory
        directory.mkdir()
        self.project = self.session.projects.create("tests")
        self.scheduler = SchedulerProcess(shoal)

    def create(
        self,
        yaml: str,
        step: str = "step",
        *,
        parameters: Mapping[str, object] | None = None,
        inputs: Mapping[str, Sequence[str]] | None = None,
        environment: str | None = None,
        title: str | None = None,
    ) -> Execution:
        """Write `yaml` as the project's valohai.yaml and create an execution of a step of it."""
        (self.directory / "valohai.yaml").write_text(yaml)
        commit = self.session.projects.commit_working_tree(self.project, self.directory)
        specification = specify(
            read_manifest(commit.yaml), step, parameters=parameters or {}, inputs=inputs or {}, environment=environment
        )
        return self.session.executions.create(self.project, commit, specification, title=title)

    def run(self, yaml: str, step: str = "step", **given: Any) -> Execution:
        """Create an execution and wait for its end."""
        return self.ended(self.create(yaml, step, **given))

    def now(self, execution: Execution) -> Execution:
        """Return how the execution stands."""
        return self.session.executions.by_id(execution.id)

    def ended(self, execution: Execution) -> Execution:
        """Wait for the end of an execution."""
        until(lambda: self.now(execution).is_final, f"the end of #{execution.counter}")
        return self.now(execution)

    def log(self, execution: Execution) -> list[LogLine]:
        """Return the whole log."""
        lines: list[LogLine] = []
        offset = 0
        while True:
            more, offset = self.session.executions.log(execution, offset)
            if not more:
                return lines
            lines.extend(more)

    def printed(self, execution: Execution, stream: str = "stdout") -> list[str]:
        """Return the lines that the container printed."""
        return [line.text for line in self.log(execution) if line.stream == stream]

    def outputs(self, execution: Execution) -> list[File]:
        """Return the files that the execution made, in the order of their names, then of their making."""
        files = self.session.files.list(self.project, execution=execution.id, limit=1000).rows
        return sorted(files, key=lambda file: (file.name, file.id))

    def content(self, file: File) -> bytes:
        """Return what a file holds."""
        return self.session.files.path(file).read_bytes()


def manifest(image: str, *commands: str, extra: str = "") -> str:
    """Return a valohai.yaml with one step named `step`; `extra` holds more of its keys, unindented."""
    lines = "".join(f"      - {json.dumps(line)}\n" for line in commands)
    more = "".join(f"    {line}\n" for line in extra.strip().splitlines()) if extra.strip() else ""
    return f"- step:\n    name: step\n    image: {image}\n    command:\n{lines}{more}"
