"""A log and its database agree, whatever fails."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from core.executions.metadata import MetadataWriter
from core.projects.manifest import read_manifest
from core.projects.specification import specify
from core.scheduler.log_frames import Line
from core.scheduler.recorder import Recorder

if TYPE_CHECKING:
    from pathlib import Path

    from core.executions.execution import Execution
    from core.session import Session


@pytest.fixture
def execution(session: Session, tmp_path: Path) -> Execution:
    (tmp_path / "valohai.yaml").write_text("- step: {name: s, image: i, command: c}")
    project = session.projects.create("p")
    commit = session.projects.commit_working_tree(project, tmp_path)
    return session.executions.create(project, commit, specify(read_manifest(commit.yaml), "s"))


def test_a_transaction_that_fails_leaves_the_log_and_the_keys_as_they_were(
    session: Session, system: Session, execution: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(system, execution, attempt_id=1)
    lines = [Line("stdout", 1.0, b"one"), Line("stdout", 2.0, b'{"loss": 1}')]
    real = MetadataWriter.write

    def failing(writer: MetadataWriter, connection: sqlite3.Connection, points: Any) -> Any:
        real(writer, connection, points)
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(MetadataWriter, "write", failing)
    with pytest.raises(sqlite3.OperationalError):
        recorder.lines(lines, {})
    monkeypatch.setattr(MetadataWriter, "write", real)
    with session.database.transaction() as connection:
        MetadataWriter(99, execution.project_id).write(connection, [(1, 0.0, {"accuracy": 0.5})])
    recorder.lines(lines, {})
    recorder.close()
    assert [line.text for line in session.executions.log(execution)[0]] == ["one", '{"loss": 1}']
    assert session.executions.by_id(execution.id).log_lines == 2
    assert session.executions.metadata_latest(execution) == {"loss": 1}
