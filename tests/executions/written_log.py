"""The log of an execution that no container wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.executions.log_reader import LogReader
from core.executions.logs import LogWriter, log_path, record
from core.projects.manifest import read_manifest
from core.projects.specification import specify

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from core.executions.logs import Stream
    from core.session import Session

YAML = "- step:\n    name: train\n    image: busybox\n    command: train\n"
BEGAN = 1_764_000_000.0


class WrittenLog:
    """An execution whose log grows when a test says so; `reader` reads it as a face does."""

    def __init__(self, session: Session, directory: Path) -> None:
        directory.mkdir()
        (directory / "valohai.yaml").write_text(YAML)
        project = session.projects.create("p")
        commit = session.projects.commit_working_tree(project, directory)
        self.session = session
        self.execution = session.executions.create(project, commit, specify(read_manifest(commit.yaml), "train"))
        self.path = log_path(session.home.logs, self.execution.uuid)
        self.reader = LogReader(session, self.execution)
        self.size = self.lines = 0

    def print(self, *texts: bytes, stream: Stream = "stdout", partial: bool = False) -> None:
        """Let the container print lines, or pieces of one."""
        self.write(record(stream, BEGAN + n, text, partial=partial) for n, text in enumerate(texts, self.lines))

    def write(self, records: Iterable[bytes]) -> None:
        """Append records and commit them."""
        written = [*records]
        with LogWriter(self.path, self.size) as writer:
            writer.append(written)
            self.size = writer.length
        self.lines += len(written)
        with self.session.write("execution.edit") as connection:
            connection.execute(
                "UPDATE executions SET log_bytes = ?, log_lines = ? WHERE id = ?",
                (self.size, self.lines, self.execution.id),
            )

    def print_many(self, count: int) -> None:
        """Let it print `line <number>` many times, every hundredth of them on stderr."""
        letters = [b"e", *[b"o"] * 99]
        self.write(b"%.6f %s line %d\n" % (BEGAN + n / 100, letters[n % 100], n) for n in range(count))
