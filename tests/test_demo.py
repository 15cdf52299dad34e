"""The demo as a person sees it: set up twice, run, and traced back to the raw data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.demo import STEPS, Demo, lay_out
from tests.workbench import SchedulerProcess, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.executions.execution import Execution
    from core.session import Session
    from core.shoal import Shoal


@pytest.fixture
def running_session(shoal: Shoal) -> Iterator[Session]:
    """The admin's session of an installation whose scheduler runs."""
    session = shoal.session()
    session.environments.set("local", network="none")
    scheduler = SchedulerProcess(shoal)
    scheduler.start()
    yield session
    scheduler.stop()


def test_lay_out_keeps_what_a_person_changed(tmp_path: Path) -> None:
    lay_out(tmp_path / "demo")
    (tmp_path / "demo" / "train.py").write_text("mine")
    (tmp_path / "demo" / "evaluate.py").unlink()
    lay_out(tmp_path / "demo")
    assert (tmp_path / "demo" / "train.py").read_text() == "mine"
    names = {path.name for path in (tmp_path / "demo").iterdir()}
    assert names == {
        ".vhignore",
        "README.md",
        "evaluate.py",
        "penguins.csv",
        "preprocess.py",
        "train.py",
        "valohai.yaml",
    }


@pytest.mark.docker
def test_demo_runs_twice_with_the_same_outputs(running_session: Session, tmp_path: Path) -> None:
    first, again = (run(running_session, tmp_path / "demo") for _ in range(2))
    assert first == again
    assert set(first) == {"train.npz", "test.npz", "model.npz", "confusion.json", "metrics.json"}


def run(session: Session, directory: Path) -> dict[str, str | None]:
    """Run the demo; return the sha256 of every output."""
    demo = Demo(session, directory)
    demo.set_up(print)
    ended = {step.name: wait(session, demo.start(step)) for step in STEPS}
    assert session.executions.metadata_latest(ended["evaluate"])["accuracy"] > 0.95
    assert session.files.get(demo.project, "datum://penguins-model").uuid == demo.output("train", "model.npz").uuid
    made = [session.files.list(demo.project, execution=execution.id).rows for execution in ended.values()]
    return {file.name: file.sha256 for files in made for file in files}


def wait(session: Session, execution: Execution) -> Execution:
    """Return an execution when it has ended well."""
    until(lambda: session.executions.by_id(execution.id).is_final, execution.step)
    ended = session.executions.by_id(execution.id)
    assert ended.status == "complete", log(session, ended)
    return ended


def log(session: Session, execution: Execution) -> str:
    """Return what an execution printed."""
    lines, _ = session.executions.log(execution)
    return "\n".join(line.text for line in lines)
