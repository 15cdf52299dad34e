"""A linked project and the command on it."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from cli.main import main
from core.projects.manifest import read_manifest
from core.projects.specification import specify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from core.executions.execution import Execution
    from core.home import Home
    from core.session import Session

MANIFEST = """\
- step:
    name: train
    image: busybox
    command: train {parameters}
    parameters:
      - {name: learning_rate, type: float, default: 0.1, max: 1, description: How fast}
      - {name: layers, type: integer, multiple: repeat, default: [1]}
      - {name: verbose, type: flag, default: false}
      - {name: note, optional: true}
    inputs:
      - {name: dataset, optional: true}
- step:
    name: test
    image: busybox
    command: test
"""


@dataclass
class Ran:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def directory(tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a valohai.yaml, in which the command is called."""
    monkeypatch.setenv("SHOAL_HOME", str(home.root))
    for name in ("SHOAL_DEBUG", "SHOAL_PROJECT", "COLUMNS", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    directory = tmp_path / "penguins"
    directory.mkdir()
    (directory / "valohai.yaml").write_text(MANIFEST)
    monkeypatch.chdir(directory)
    return directory


@pytest.fixture
def run(directory: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str], Ran]:  # noqa: ARG001
    """Call the command with a line as a shell would split it."""

    def run(line: str) -> Ran:
        capsys.readouterr()
        code = main(shlex.split(line))
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return run


@pytest.fixture
def linked(directory: Path, session: Session) -> Session:
    """The session of an installation whose project `penguins` is linked to the directory."""
    session.projects.link(directory, session.projects.create("penguins"))
    return session


@pytest.fixture
def execution(linked: Session, directory: Path) -> Callable[..., Execution]:
    """Make an execution of a step; nothing runs it."""
    project = linked.projects.linked(directory)
    commit = linked.projects.commit_working_tree(project, directory)

    def make(step: str = "train", **given: Any) -> Execution:
        return linked.executions.create(project, commit, specify(read_manifest(commit.yaml), step), **given)

    return make
