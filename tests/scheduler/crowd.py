"""Executions of many people in many environments, written straight into the tables: no code, no files."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from core.executions.transitions import Place, count
from data.changes import record_many
from data.identifiers import new_identifier

if TYPE_CHECKING:
    import sqlite3


class Crowd:
    """Makes people, environments and executions inside somebody's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.project = self._insert(
            connection,
            "INSERT INTO projects (uuid, organization_id, name, created_by, created_at)"
            " SELECT ?, id, 'crowd', 1, 0 FROM organizations RETURNING id",
        )
        self.commit = self._insert(
            connection,
            "INSERT INTO commits (uuid, project_id, identifier, adhoc, archive, yaml, created_by, created_at)"
            " VALUES (?, ?, 'abc', 1, '', '', 1, 0) RETURNING id",
            self.project,
        )
        self._counter = 0

    def _insert(self, connection: sqlite3.Connection, statement: str, *values: object) -> int:
        return int(connection.execute(statement, (new_identifier(), *values)).fetchone()[0])

    def user(self, connection: sqlite3.Connection, name: str) -> int:
        return self._insert(
            connection, "INSERT INTO users (uuid, name, created_at) VALUES (?, ?, 0) RETURNING id", name
        )

    def team(self, connection: sqlite3.Connection, name: str) -> int:
        return self._insert(
            connection,
            "INSERT INTO teams (uuid, organization_id, name, created_at)"
            " SELECT ?, id, ?, 0 FROM organizations RETURNING id",
            name,
        )

    def environment(self, connection: sqlite3.Connection, slug: str) -> int:
        return self._insert(
            connection,
            "INSERT INTO environments (uuid, slug, name, created_at) VALUES (?, ?, ?, 0) RETURNING id",
            slug,
            slug,
        )

    def submit(
        self, connection: sqlite3.Connection, environment: int, user: int, team: int, priority: int = 0, number: int = 1
    ) -> None:
        first = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM executions").fetchone()[0]
        now = time.time()
        connection.executemany(
            "INSERT INTO executions (id, uuid, project_id, counter, commit_id, environment_id, user_id, step,"
            " priority, image, command, store_id, team_id, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'step', ?, 'busybox', 'true', 1, ?, ?)",
            (
                (
                    *(first + i, new_identifier(), self.project, self._counter + i, self.commit, environment, user),
                    *(priority, team, now),
                )
                for i in range(number)
            ),
        )
        self._counter += number
        count(connection, Place(environment, user, team, self.project), None, "created", number)
        record_many(connection, ((user, "execution", first + i, "created", self.project) for i in range(number)))
