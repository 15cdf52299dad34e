"""A project's executions and files by number, as rows without contents."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.session import Session
    from core.shoal import Shoal


class LineageGraph:
    """Every execution is numbered as it is made."""

    def __init__(self, shoal: Shoal) -> None:
        self.shoal = shoal
        shoal.session().projects.create("penguins")
        with shoal.database.transaction() as connection:
            connection.execute(
                "INSERT INTO commits (id, uuid, project_id, identifier, adhoc, archive, yaml, created_by, created_at)"
                " VALUES (1, 'commit', 1, '0123456789abcdef', 0, 'x', '', 1, 0)"
            )

    def execution(
        self, inputs: Iterable[int | str], outputs: Iterable[int] = (), *, status: str = "complete", step: str = "train"
    ) -> int:
        """Add one; inputs are files' ids, or URIs of sources."""
        with self.shoal.database.transaction() as connection:
            id_ = int(connection.execute("SELECT coalesce(max(id), 0) + 1 FROM executions").fetchone()[0])
            connection.execute(
                "INSERT INTO executions (id, uuid, project_id, counter, commit_id, environment_id, user_id, step,"
                " image, command, parameters, store_id, created_at, status)"
                " VALUES (?, ?, 1, ?, 1, 1, 1, ?, 'python', '[]', ?, 1, 0, ?)",
                (id_, f"execution-{id_}", id_, step, json.dumps({"epochs": 5}), status),
            )
            connection.executemany(
                "INSERT INTO execution_inputs"
                " (execution_id, name, position, requested, uri, path, file_id, size, sha256)"
                " VALUES (?, 'data', ?, '', ?, ?, ?, 7, 'abcdef')",
                (
                    (id_, position, str(each), str(position), each if isinstance(each, int) else None)
                    for position, each in enumerate(inputs)
                ),
            )
        for file in outputs:
            self.file(file, id_)
        return id_

    def file(self, id_: int, execution: int | None = None, name: str = "") -> None:
        """Add a file with this id."""
        self.files([(id_, name or f"{id_}.npz")], execution)

    def files(self, files: Iterable[tuple[int, str]], execution: int | None = None) -> None:
        """Add files, each an id and a name, in one transaction."""
        with self.shoal.database.transaction() as connection:
            connection.executemany(
                "INSERT INTO files (id, uuid, project_id, store_id, key, name, size, md5, sha1, sha256, execution_id,"
                " created_by, created_at) VALUES (?1, 'file-' || ?1, 1, 1, ?1, ?2, 1, '', '', 'fedcba', ?3, 1, 0)",
                ((id_, name, execution) for id_, name in files),
            )

    def users(self, file: int, number: int) -> None:
        """Add many executions that use one file."""
        with self.shoal.database.transaction() as connection:
            first = int(connection.execute("SELECT coalesce(max(id), 0) + 1 FROM executions").fetchone()[0])
            ids = [(first + each, file) for each in range(number)]
            connection.executemany(
                "INSERT INTO executions (id, uuid, project_id, counter, commit_id, environment_id, user_id, step,"
                " image, command, store_id, created_at, status)"
                " VALUES (?1, 'execution-' || ?1, 1, ?1, 1, 1, 1, 'use', 'python', '[]', 1, 0, 'complete')",
                ((id_,) for id_, _ in ids),
            )
            connection.executemany(
                "INSERT INTO execution_inputs (execution_id, name, position, requested, uri, path, file_id)"
                " VALUES (?, 'data', 0, '', '', '', ?)",
                ids,
            )

    @property
    def session(self) -> Session:
        """The session of the admin."""
        return self.shoal.session()


def diamond(shoal: Shoal) -> LineageGraph:
    """Return raw 1 → #1 → 2, 3; 2 → #2 → 4; 3 → #3 → 5; 4, 5 and a source → #4 → 6; 6 → #5, which made nothing."""
    graph = LineageGraph(shoal)
    graph.file(1, name="raw.csv")
    graph.execution([1], [2, 3])
    graph.execution([2], [4])
    graph.execution([3], [5])
    graph.execution([4, 5, "https://example.org/x.csv"], [6])
    graph.execution([6], status="started", step="evaluate")
    return graph
