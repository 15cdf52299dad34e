"""The demo: a small project whose three steps show what Shoal does, from raw data to a trace."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import data
from core.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from core.executions.execution import Execution
    from core.projects.service import Commit, Project
    from core.session import Session
    from core.storage.files import File

PROJECT = "penguins"
DATA_FILE = "penguins.csv"
_SOURCE = Path(data.__file__).parent / "demo"


@dataclass(frozen=True, slots=True)
class DemoStep:
    """One step of the demo; `inputs` says which output of which earlier step goes in under which name."""

    name: str
    inputs: Mapping[str, tuple[str, str]] = field(default_factory=dict)


STEPS = (
    DemoStep("preprocess"),
    DemoStep("train", {"train": ("preprocess", "train.npz")}),
    DemoStep("evaluate", {"model": ("train", "model.npz"), "test": ("preprocess", "test.npz")}),
)


class Demo:
    """Sets the demo's project up and starts its steps, one when the one before is complete."""

    def __init__(self, session: Session, directory: Path) -> None:
        self._session = session
        self.directory = directory
        self._executions: dict[str, Execution] = {}
        self.project: Project
        self._commit: Commit
        self._data: File

    def set_up(self, report: Callable[[str], None]) -> None:
        """Lay out the project's files, link them to the project, upload the data and make the image.

        Done again, it keeps what is there: files that a person changed since are theirs.

        Raises:
            UnavailableError: Docker does not answer, or the image cannot be made.
        """
        from core.demo_image import ensure_demo_image  # noqa: PLC0415

        ensure_demo_image(report)
        report(f"laying out the project in {self.directory}")
        lay_out(self.directory)
        self.project = self._own_project()
        self._session.projects.link(self.directory, self.project)
        self._data = self._session.files.upload(self.project, _SOURCE / DATA_FILE, tags=["penguins"])
        self._session.files.set_alias(self.project, PROJECT, self._data)
        self._commit = self._session.projects.commit_working_tree(self.project, self.directory)

    def start(self, step: DemoStep) -> Execution:
        """Create the execution of a step; those before it must be complete."""
        from core.projects.manifest import read_manifest  # noqa: PLC0415
        from core.projects.specification import specify  # noqa: PLC0415

        inputs = {name: [self.output(*made).uri] for name, made in step.inputs.items()}
        if not inputs:
            inputs = {PROJECT: [self._data.uri]}
        specification = specify(read_manifest(self._commit.yaml), step.name, inputs=inputs)
        execution = self._session.executions.create(self.project, self._commit, specification, tags=["demo"])
        self._executions[step.name] = execution
        return execution

    def output(self, step: str, name: str) -> File:
        """Return the output of that name which a step of this run made.

        Raises:
            NotFoundError: it made none.
        """
        execution = self._executions[step]
        files = self._session.files.list(self.project, execution=execution.id, name=name).rows
        if not files:
            message = f"#{execution.counter} ({step}) made no {name}: see `shoal executions logs {execution.counter}`"
            raise NotFoundError(message)
        return files[0]

    def _own_project(self) -> Project:
        try:
            return self._session.projects.get(PROJECT)
        except NotFoundError:
            return self._session.projects.create(PROJECT)


def lay_out(directory: Path) -> None:
    """Copy the demo's files into a directory; a file that is there already is left as it is."""
    directory.mkdir(parents=True, exist_ok=True)
    for source in sorted(_SOURCE.iterdir()):
        destination = directory / source.name
        if source.is_file() and not destination.exists():
            shutil.copyfile(source, destination)
