"""Projects, the directories linked to them, and their commits."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.projects.commits import Commit, commit_by_id, keep_commit
from core.projects.manifest import close_match
from data.changes import record
from data.identifiers import new_identifier

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from core.session import Session

__all__ = ["Commit", "Project", "Projects"]

MAXIMUM_NAME = 80


@dataclass(frozen=True, slots=True)
class Project:
    """One project of the organization. Its `command_joiner` says how the lines of a command become one script.

    What runs in it counts for the team `team_id`. A `personal` one is its creator's own.
    """

    id: int
    uuid: str
    name: str
    organization_id: int
    yaml_path: str
    command_joiner: Literal["newline", "and"]
    default_environment_id: int | None
    default_store_id: int | None
    created_at: float
    team_id: int | None = None
    personal: bool = False
    creator_id: int = 0


class Projects:
    """The projects that the actor's organization has."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def create(self, name: str, *, personal: bool = False) -> Project:
        """Create a project; a `personal` one is the actor's own, which some environments do not take.

        Raises:
            InvalidInputError: the name is empty, longer than 80 characters, or not printable.
            ConflictError: the organization has a project of that name.
        """
        name = checked_name(name)
        actor = self._session.actor
        with self._session.write("project.create") as connection:
            taken = "SELECT 1 FROM projects WHERE organization_id = ? AND name = ?"
            if connection.execute(taken, (actor.organization_id, name)).fetchone():
                message = f"there is a project called {name!r} already: choose another name, or link it to a directory"
                raise ConflictError(message, field="name")
            cursor = connection.execute(
                "INSERT INTO projects (uuid, organization_id, name, created_by, created_at, personal)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (new_identifier(), actor.organization_id, name, actor.id, time.time(), personal),
            )
            project_id = int(cursor.lastrowid or 0)
            record(connection, actor.id, "project", project_id, "created", project_id=project_id)
        return self.by_id(project_id)

    def get(self, name_or_uuid: str) -> Project:
        """Return the project of that name or uuid.

        Raises:
            NotFoundError: there is none.
        """
        asked = _text(name_or_uuid)
        row = (
            self._session.read("project.see")
            .execute(
                "SELECT * FROM projects WHERE organization_id = ? AND (name = ? OR uuid = ?)"
                " ORDER BY name != ? LIMIT 1",
                (self._session.actor.organization_id, asked, asked, asked),
            )
            .fetchone()
        )
        if row is None:
            names = [project.name for project in self.list()]
            known = ", ".join(map(repr, names[:10])) or "none yet: `shoal init` makes one"
            message = f"there is no project {name_or_uuid!r}{close_match(name_or_uuid, names)}; projects: {known}"
            raise NotFoundError(message, field="project")
        return _project(row)

    def by_id(self, id: int) -> Project:  # noqa: A002 - the word of every service
        """Return the project with this id."""
        row = (
            self._session.read("project.see")
            .execute(
                "SELECT * FROM projects WHERE id = ? AND organization_id = ?",
                (id, self._session.actor.organization_id),
            )
            .fetchone()
        )
        if row is None:
            message = f"there is no project with the id {id}"
            raise NotFoundError(message, field="project")
        return _project(row)

    def list(self) -> list[Project]:
        """Return every project, by name."""
        rows = self._session.read("project.see").execute(
            "SELECT * FROM projects WHERE organization_id = ? ORDER BY name", (self._session.actor.organization_id,)
        )
        return [_project(row) for row in rows]

    def link(self, directory: Path, project: Project) -> None:
        """Make `directory`, and what lies below it, belong to `project`; an earlier link of it is replaced.

        Raises:
            InvalidInputError: it is not a directory, or its name is not text.
        """
        path = str(directory.resolve())
        if not directory.is_dir() or _text(path) != path:
            message = f"{path!r} cannot be linked: it is not a directory whose name is text"
            raise InvalidInputError(message, field="directory")
        self.by_id(project.id)
        with self._session.write("project.link") as connection:
            connection.execute("INSERT OR REPLACE INTO project_directories VALUES (?, ?)", (path, project.id))
            actor = self._session.actor.id
            record(connection, actor, "project", project.id, f"linked to {path}", project_id=project.id)

    def linked(self, directory: Path) -> Project:
        """Return the project that `directory`, or the nearest directory above it, is linked to.

        Raises:
            NotFoundError: none is; the message says how to link one.
        """
        return self.by_id(self._link(directory)[1])

    def linked_directory(self, directory: Path) -> Path:
        """Return `directory` or the nearest directory above it that is linked to a project."""
        return self._link(directory)[0]

    def directories(self, project_id: int) -> Sequence[Path]:
        """Return the directories that are linked to the project with this id and still exist."""
        rows = self._session.read("project.see").execute(
            "SELECT d.directory FROM project_directories d JOIN projects p ON p.id = d.project_id"
            " WHERE p.id = ? AND p.organization_id = ? ORDER BY d.directory",
            (project_id, self._session.actor.organization_id),
        )
        return [path for row in rows if (path := Path(row["directory"])).is_dir()]

    def set(self, project: Project, **changes: str | None) -> Project:
        """Change what SETTINGS names; the default environment is a slug, the team a name, None for none of its own.

        Raises:
            InvalidInputError: there is no such setting, or the value is not allowed.
            NotFoundError: there is no such environment or team.
        """
        from core.projects.settings import change  # noqa: PLC0415 - a list changes nothing

        self.by_id(project.id)
        with self._session.write("project.edit") as connection:
            what = change(connection, project, changes)
            record(connection, self._session.actor.id, "project", project.id, what, project_id=project.id)
        return self.by_id(project.id)

    def commit(self, project: Project, directory: Path, revision: str = "HEAD") -> Commit:
        """Keep a commit of the git repository in `directory`; the same one again is the same Commit."""
        from core.projects.code import pack_commit  # noqa: PLC0415

        self._session.require("commit.create")
        project = self.by_id(project.id)
        packed = pack_commit(directory, self._session.home.code, revision, yaml_path=project.yaml_path)
        return keep_commit(self._session, project, packed)

    def commit_working_tree(
        self, project: Project, directory: Path, progress: Callable[[int, int], None] | None = None
    ) -> Commit:
        """Keep the working tree of `directory` as it is now, ad hoc; the same content again is the same Commit."""
        from core.projects.code import pack_working_tree  # noqa: PLC0415

        self._session.require("commit.create")
        project = self.by_id(project.id)
        packed = pack_working_tree(directory, self._session.home.code, yaml_path=project.yaml_path, progress=progress)
        return keep_commit(self._session, project, packed)

    def commit_by_id(self, id: int) -> Commit:  # noqa: A002
        """Return the commit with this id."""
        return commit_by_id(self._session, id)

    def _link(self, directory: Path) -> tuple[Path, int]:
        path = directory.resolve()
        candidates = json.dumps([_text(str(candidate)) for candidate in (path, *path.parents)])
        row = (
            self._session.read("project.see")
            .execute(
                "SELECT d.directory, d.project_id FROM project_directories d JOIN projects p ON p.id = d.project_id"
                " WHERE d.directory IN (SELECT value FROM json_each(?)) AND p.organization_id = ?"
                " ORDER BY length(d.directory) DESC LIMIT 1",
                (candidates, self._session.actor.organization_id),
            )
            .fetchone()
        )
        if row is None:
            message = f"{path} is not linked to a project: run `shoal init` in the project's directory"
            raise NotFoundError(message, field="directory")
        return Path(row["directory"]), int(row["project_id"])


def _project(row: sqlite3.Row) -> Project:
    return Project(
        row["id"],
        row["uuid"],
        row["name"],
        row["organization_id"],
        row["yaml_path"],
        row["command_joiner"],
        row["default_environment_id"],
        row["default_store_id"],
        row["created_at"],
        row["team_id"],
        bool(row["personal"]),
        row["created_by"],
    )


def _text(value: str) -> str:
    """Return `value` as text that the database can hold: what was not text in a file's name becomes `?`."""
    return value.encode("utf-8", "replace").decode()


def checked_name(name: str) -> str:
    """Return a project's name without surrounding spaces, or raise InvalidInputError."""
    name = name.strip()
    if not 1 <= len(name) <= MAXIMUM_NAME or not name.isprintable():
        message = f"{name[:MAXIMUM_NAME]!r} cannot be a project's name: give 1 to {MAXIMUM_NAME} printable characters"
        raise InvalidInputError(message, field="name")
    return name
