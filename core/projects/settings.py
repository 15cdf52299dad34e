"""What can be set of a project."""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from core.errors import InvalidInputError, NotFoundError
from core.projects.manifest import close_match

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from core.projects.service import Project

SETTINGS = ("yaml_path", "command_joiner", "default_environment", "team", "personal")
JOINERS = ("newline", "and")


def change(connection: sqlite3.Connection, project: Project, changes: Mapping[str, str | None]) -> str:
    """Write changes of a project, all or none, and return them in words.

    Raises:
        InvalidInputError: there is no such setting, or the value is not allowed.
        NotFoundError: there is no such environment or team.
    """
    if unknown := set(changes) - {*SETTINGS}:
        message = f"a project has no {min(unknown)!r} to set: {', '.join(SETTINGS)}"
        raise InvalidInputError(message, field=min(unknown))
    columns: dict[str, Any] = {}
    for key, value in changes.items():
        columns |= _column(connection, project, key, value)
    if columns.get("personal", project.personal) and columns.get("team_id", project.team_id) is not None:
        message = f"{project.name!r} cannot be personal and a team's: choose one"
        raise InvalidInputError(message, field="personal" if "personal" in changes else "team")
    assignments = ", ".join(f"{name} = ?" for name in columns)
    if columns:
        connection.execute(
            f"UPDATE projects SET {assignments} WHERE id = ?",  # noqa: S608 - the names are constants
            (*columns.values(), project.id),
        )
    return ", ".join(f"{key} = {value}" for key, value in sorted(changes.items()))


def _column(connection: sqlite3.Connection, project: Project, key: str, value: str | None) -> dict[str, Any]:
    if key == "default_environment":
        return {"default_environment_id": _environment_id(connection, value)}
    if key == "team":
        return {"team_id": _team_id(connection, project, value)}
    if key == "personal":
        return {"personal": checked_personal(value)}
    return {key: checked_yaml_path(value) if key == "yaml_path" else checked_joiner(value)}


def checked_yaml_path(value: str | None) -> str:
    """Return a path below the project's directory, or raise InvalidInputError."""
    path = PurePosixPath(value or "")
    if not value or path.is_absolute() or ".." in path.parts or not value.isprintable() or value.endswith("/"):
        message = f"{value!r} cannot be the yaml_path: give a path below the project's directory, such as valohai.yaml"
        raise InvalidInputError(message, field="yaml_path")
    return os.fspath(path)


def checked_joiner(value: str | None) -> str:
    """Return one of JOINERS, or raise InvalidInputError."""
    if value not in JOINERS:
        message = (
            f"{value!r} cannot be the command_joiner: it is newline (go on after a failed line) or and (stop there)"
        )
        raise InvalidInputError(message, field="command_joiner")
    return value


def checked_personal(value: str | None) -> bool:
    """Return whether a project is personal, or raise InvalidInputError."""
    if value not in ("on", "off"):
        message = f"{value!r} cannot be personal: it is on (its creator's own) or off"
        raise InvalidInputError(message, field="personal")
    return value == "on"


def _environment_id(connection: sqlite3.Connection, slug: str | None) -> int | None:
    if slug is None:
        return None
    found = "SELECT id FROM environments WHERE slug = ? AND deleted_at IS NULL"
    if (row := connection.execute(found, (slug,)).fetchone()) is not None:
        return int(row["id"])
    known = "SELECT slug FROM environments WHERE deleted_at IS NULL ORDER BY slug"
    slugs = [row["slug"] for row in connection.execute(known)]
    message = f"there is no environment {slug!r}{close_match(slug, slugs)}; environments: {_quoted(slugs)}"
    raise NotFoundError(message, field="default_environment")


def _team_id(connection: sqlite3.Connection, project: Project, name: str | None) -> int | None:
    if name is None:
        return None
    organization = project.organization_id
    found = "SELECT id FROM teams WHERE organization_id = ? AND name = ?"
    if (row := connection.execute(found, (organization, name)).fetchone()) is not None:
        return int(row["id"])
    known = "SELECT name FROM teams WHERE organization_id = ? ORDER BY name"
    names = [row["name"] for row in connection.execute(known, (organization,))]
    message = f"there is no team {name!r}{close_match(name, names)}; teams: {_quoted(names)}"
    raise NotFoundError(message, field="team")


def _quoted(names: list[str]) -> str:
    return ", ".join(map(repr, names)) or "none"
