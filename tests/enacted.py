"""Executions that go through their life by the rules alone: what a scheduler and a container do, without either."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import orjson

from core.executions.transitions import Outcome, end, queue, start
from core.projects.manifest import read_manifest
from core.projects.specification import specify
from core.scheduler.log_frames import Line
from core.scheduler.machines import launch, lease, release
from core.scheduler.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from core.executions.execution import Execution, Status
    from core.scheduler.log_frames import Stream
    from core.session import Session
    from core.shoal import Shoal
    from core.storage.files import File

PENGUINS = """
- step:
    name: preprocess
    image: python:3.12
    description: Drop the birds that were not measured.
    command: [python preprocess.py]
    inputs: [{name: penguins, optional: true}]
- step:
    name: train
    image: python:3.12
    description: Train a network of one hidden layer.
    command: ["python train.py {parameters}"]
    inputs: [{name: train, optional: true}]
    parameters:
      - {name: epochs, type: integer, default: 40, min: 1}
      - {name: learning_rate, type: float, default: 0.05}
      - {name: activation, type: string, default: tanh, choices: [tanh, relu]}
- step:
    name: evaluate
    image: python:3.12
    command: [python evaluate.py]
    inputs: [{name: model, optional: true}, {name: test, optional: true}]
"""


class Enacted:
    """A project with one commit, whose executions are moved on by hand."""

    def __init__(self, shoal: Shoal, directory: Path, yaml: str = PENGUINS, project: str = "penguins") -> None:
        self.session: Session = shoal.session()
        self._system: Session = shoal.system_session()
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "valohai.yaml").write_text(yaml)
        self.project = self.session.projects.create(project)
        self.session.projects.link(directory, self.project)
        self.commit = self.session.projects.commit_working_tree(self.project, directory)

    def upload(self, name: str, content: str, *, tags: Sequence[str] = ()) -> File:
        """Bring raw data in."""
        source = self.directory / name
        source.write_text(content)
        return self.session.files.upload(self.project, source, tags=tags)

    def create(
        self,
        step: str,
        *,
        inputs: Mapping[str, Sequence[File]] | None = None,
        title: str | None = None,
        tags: Sequence[str] = (),
        parameters: Mapping[str, object] | None = None,
    ) -> Execution:
        """Create an execution."""
        uris = {name: [file.uri for file in files] for name, files in (inputs or {}).items()}
        specification = specify(read_manifest(self.commit.yaml), step, inputs=uris, parameters=parameters or {})
        return self.session.executions.create(self.project, self.commit, specification, title=title, tags=tags)

    def start(self, execution: Execution) -> Execution:
        """Give it a machine of its own, as if it began to run."""
        with self._system.write("execution.run") as connection:
            queue(connection, execution.id)
            machine = launch(connection, self.session.environments.get(execution.environment).id)
            assert machine is not None
            lease(connection, machine, execution.id)
            assert start(connection, execution.id, machine) is not None
        return self.session.executions.by_id(execution.id)

    def prints(self, execution: Execution, lines: Iterable[bytes], stream: Stream = "stdout") -> None:
        """Let it print lines; those of JSON objects become metadata."""
        reader = self._system.read("execution.run")
        attempt = reader.execute("SELECT id FROM attempts WHERE execution_id = ?", (execution.id,)).fetchone()[0]
        recorder = Recorder(self._system, execution, attempt)
        recorder.lines([Line(stream, time.time(), line) for line in lines], {})
        recorder.close()

    def keeps(self, execution: Execution, name: str, content: str, **properties: Any) -> File:
        """Let it leave a file."""
        source = self.directory / f"output-{execution.id}"
        source.write_text(content)
        return self._system.files.add_output(execution.id, source, name, properties=properties or None)

    def ends(self, execution: Execution, status: Status = "complete", detail: str = "exit code 0") -> Execution:
        """Let it end."""
        with self._system.write("execution.run") as connection:
            assert end(connection, execution.id, Outcome(status, detail, exit_code=0 if status == "complete" else 1))
            row = connection.execute(
                "SELECT machine_id, ended_at FROM executions WHERE id = ?", (execution.id,)
            ).fetchone()
            release(connection, row["machine_id"], row["ended_at"])
        return self.session.executions.by_id(execution.id)

    def all_of(self, step: str, *, outputs: Sequence[str] = (), **given: Any) -> Sequence[File]:
        """Let an execution run from beginning to end; return the files that it leaves."""
        execution = self.start(self.create(step, **given))
        epochs = [
            orjson.dumps({"epoch": epoch, "loss": 1 / (epoch + 1), "accuracy": 1 - 0.5**epoch}) for epoch in range(20)
        ]
        self.prints(execution, [b"reading", *epochs, b"done"])
        files = [self.keeps(execution, name, f"{step} {name}") for name in outputs]
        self.ends(execution)
        return files


def penguins(shoal: Shoal, directory: Path) -> Enacted:
    """Enact the demo: raw data, its two parts, a model, and what was found of it."""
    enacted = Enacted(shoal, directory)
    raw = enacted.upload("penguins.csv", "species,bill_length_mm\nAdelie,39.1\n", tags=["penguins"])
    train, test = enacted.all_of("preprocess", inputs={"penguins": [raw]}, outputs=["train.npz", "test.npz"])
    (model,) = enacted.all_of("train", inputs={"train": [train]}, outputs=["model.npz"], tags=["demo"])
    enacted.all_of("evaluate", inputs={"model": [model], "test": [test]}, outputs=["metrics.json", "confusion.json"])
    return enacted
