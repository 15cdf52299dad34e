"""The commits of projects: a row is never changed, since executions refer to it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import NotFoundError
from data.changes import record
from data.identifiers import new_identifier

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from core.projects.code_archive import PackedCode
    from core.projects.service import Project
    from core.session import Session


@dataclass(frozen=True, slots=True)
class Commit:
    """Code that executions run: a commit of a git repository, or an ad-hoc tree (its identifier starts with `~`)."""

    id: int
    uuid: str
    project_id: int
    identifier: str
    adhoc: bool
    ref: str | None
    description: str
    committed_at: float | None
    archive: Path
    yaml: str
    created_at: float


def commit_by_id(session: Session, id: int) -> Commit:  # noqa: A002
    """Return the commit with this id.

    Raises:
        NotFoundError: there is none, or it is of another organization.
    """
    row = (
        session.read("project.see")
        .execute(
            "SELECT c.* FROM commits c JOIN projects p ON p.id = c.project_id WHERE c.id = ? AND p.organization_id = ?",
            (id, session.actor.organization_id),
        )
        .fetchone()
    )
    if row is None:
        message = f"there is no commit with the id {id}"
        raise NotFoundError(message, field="commit")
    return _commit(session, row)


def latest_commits(session: Session, project: Project, limit: int) -> list[Commit]:
    """Return the commits of a project that were kept last, the newest first."""
    rows = session.read("project.see").execute(
        "SELECT c.* FROM commits c JOIN projects p ON p.id = c.project_id"
        " WHERE c.project_id = ? AND p.organization_id = ? ORDER BY c.id DESC LIMIT ?",
        (project.id, session.actor.organization_id, limit),
    )
    return [_commit(session, row) for row in rows]


def _commit(session: Session, row: sqlite3.Row) -> Commit:
    return Commit(
        row["id"],
        row["uuid"],
        row["project_id"],
        row["identifier"],
        bool(row["adhoc"]),
        row["ref"],
        row["description"],
        row["committed_at"],
        session.home.code / row["archive"],
        row["yaml"],
        row["created_at"],
    )


def keep_commit(session: Session, project: Project, packed: PackedCode) -> Commit:
    """Return the Commit of packed code, a new one unless the project has it.

    One identifier may have several: the same commit of a repository packed from another of its directories, or with
    another yaml_path.
    """
    with session.write("commit.create") as connection:
        known = connection.execute(
            "SELECT id FROM commits WHERE project_id = ? AND identifier = ? AND archive = ? AND yaml = ?",
            (project.id, packed.identifier, packed.archive.name, packed.yaml),
        ).fetchone()
        if known is None:
            commit_id = _insert(connection, project, packed, session.actor.id)
            record(connection, session.actor.id, "commit", commit_id, "created", project_id=project.id)
        else:
            commit_id = int(known["id"])
    return commit_by_id(session, commit_id)


def _insert(connection: sqlite3.Connection, project: Project, packed: PackedCode, actor_id: int) -> int:
    cursor = connection.execute(
        "INSERT INTO commits (uuid, project_id, identifier, adhoc, ref, description, committed_at, archive, yaml,"
        " created_by, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            new_identifier(),
            project.id,
            packed.identifier,
            packed.adhoc,
            packed.ref,
            packed.description,
            packed.committed_at,
            packed.archive.name,
            packed.yaml,
            actor_id,
            time.time(),
        ),
    )
    return int(cursor.lastrowid or 0)
