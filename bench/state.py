"""Enqueuing, metadata and sorting, each beside the bare SQLite that it stands on.

Run: python -m bench.state
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.report import line, spread
from core.executions.metadata import MetadataWriter, parse
from core.home import Home
from core.projects.manifest import read_manifest
from core.projects.specification import specify
from core.shoal import Shoal

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.projects.service import Commit, Project
    from core.session import Session

ROUNDS = 5
YAML = "- step: {name: step, image: busybox, command: train, parameters: [{name: n, type: integer, default: 1}]}"


def timed(action: Callable[[], object]) -> float:
    """Return how many seconds an action takes."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def bare(path: Path) -> sqlite3.Connection:
    """Open a file with the durability that Shoal has, and one table of three columns."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(
        "CREATE TABLE rows (a INTEGER, b INTEGER, c INTEGER, d REAL, e ANY, PRIMARY KEY (a, b, c)) WITHOUT ROWID"
    )
    return connection


def project_of(session: Session, root: Path) -> tuple[Project, Commit]:
    """Make a project with one commit."""
    directory = root / "project"
    directory.mkdir()
    (directory / "valohai.yaml").write_text(YAML)
    project = session.projects.create("bench")
    return project, session.projects.commit_working_tree(project, directory)


def enqueue(
    session: Session, project: Project, commit: Commit, floor: sqlite3.Connection, number: int = 10_000
) -> None:
    """Create executions in bulk, durably; the floor writes as many bare rows as Shoal writes rows in all."""
    manifest = read_manifest(commit.yaml)
    specifications = [specify(manifest, "step", parameters={"n": n}) for n in range(number)]
    ours, bares = [], []
    for round_ in range(ROUNDS):
        rows = [(1, round_, n, 0.0, n) for n in range(3 * number)]
        bares.append(number / timed(lambda rows=rows: _insert(floor, rows)))  # type: ignore[misc]
        ours.append(number / timed(lambda: session.executions.create_many(project, commit, specifications)))
    line(f"enqueue {number} in one call, durable", f"{statistics.median(ours):,.0f} /s", "aim >= 20,000 /s")
    line("  floor: three bare rows each", f"{statistics.median(bares):,.0f} /s")
    line("  ratio", f"{statistics.median(ours) / statistics.median(bares):.2f}")


def _insert(connection: sqlite3.Connection, rows: list[tuple[int, int, int, float, Any]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT OR IGNORE INTO rows VALUES (?, ?, ?, ?, ?)", rows)
    connection.execute("COMMIT")


def metadata(session: Session, project: Project, floor: sqlite3.Connection, number: int = 200_000) -> None:
    """Take in lines with four keys: parse, store, commit in groups; the floor stores the same narrow rows unparsed."""
    lines = [
        b'{"epoch": %d, "loss": %f, "accuracy": %f, "lr": 0.001}' % (i, 1 / (i + 1), i / 2e5) for i in range(number)
    ]
    ours, bares = [], []
    for round_ in range(3):
        bares.append(number / _cpu(lambda r=round_: _bare_metadata(floor, r, number)))  # type: ignore[misc]
        writer = MetadataWriter(10_000_000 + round_, project.id)
        ours.append(number / _cpu(lambda w=writer: _take_in(session, w, lines)))  # type: ignore[misc]
    line(
        "metadata lines of 4 keys, durable, a second of CPU", f"{statistics.median(ours):,.0f} /s", "aim >= 100,000 /s"
    )
    line("  floor: the same rows, nothing parsed", f"{statistics.median(bares):,.0f} /s")
    line("  ratio", f"{statistics.median(ours) / statistics.median(bares):.2f}")


def _cpu(action: Callable[[], object]) -> float:
    begin = time.process_time()
    action()
    return time.process_time() - begin


def _take_in(session: Session, writer: MetadataWriter, lines: list[bytes], group: int = 5000) -> None:
    for begin in range(0, len(lines), group):
        parsed = [(begin + i, 1.5, v) for i, text in enumerate(lines[begin : begin + group]) if (v := parse(text))]
        with session.database.transaction() as connection:
            writer.write(connection, parsed)


def _bare_metadata(floor: sqlite3.Connection, round_: int, number: int, group: int = 5000) -> None:
    for begin in range(0, number, group):
        floor.execute("BEGIN IMMEDIATE")
        for key in range(4):
            rows = [(1000 + round_, key, begin + i, 1.5, 0.5) for i in range(group)]
            floor.executemany("INSERT OR IGNORE INTO rows VALUES (?, ?, ?, ?, ?)", rows)
        floor.execute("COMMIT")


def sorting(session: Session, project: Project, number: int = 10_000) -> None:
    """Sort executions by the latest value of a metadata key; the floor reads a bare sorted index."""
    with session.database.transaction() as connection:
        for id_ in range(1, number + 1):
            MetadataWriter(id_, project.id).write(connection, [(1, 0.0, {"accuracy": (id_ * 7919 % number) / number})])
    session.database.optimize()
    reader = session.database.reader()
    query = "SELECT execution_id FROM metadata_latest WHERE project_id = ? ORDER BY execution_id LIMIT ?"
    ours, bares = [], []
    for _ in range(20):
        bares.append(timed(lambda: [row[0] for row in reader.execute(query, (project.id, number))]))
        ours.append(timed(lambda: session.executions.ids_by_metadata(project, "accuracy", limit=number)))
    assert len(session.executions.ids_by_metadata(project, "accuracy", limit=number)) == number
    line(f"sort {number:,} executions by a metadata key", spread(ours), "aim <= 20 ms")
    line("  floor: read as many ids off an index", spread(bares))


def main() -> None:
    """Run and print."""
    with tempfile.TemporaryDirectory(prefix="shoal-bench-") as directory:
        root = Path(directory)
        shoal = Shoal.create(Home(root / "home"))
        session = shoal.session()
        project, commit = project_of(session, root)
        floor = bare(root / "bare.db")
        enqueue(session, project, commit, floor)
        enqueue(session, project, commit, floor)
        metadata(session, project, floor)
        sorting(session, project)


if __name__ == "__main__":
    main()
