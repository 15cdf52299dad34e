"""Making a directory a project's: the project, its link and a first valohai.yaml, each where it is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from core.errors import NotFoundError
from core.projects.first_manifest import write_first_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from core.projects.service import Project
    from core.session import Session


class Linked(NamedTuple):
    """The project that a directory is linked to, whether it was made now, and the manifest where that was."""

    project: Project
    is_new: bool
    manifest: Path | None


def link_directory(session: Session, directory: Path, name: str | None = None) -> Linked:
    """Link a directory to the project of this name; without one to that which it is linked to, or is called like.

    Raises:
        InvalidInputError: the directory cannot be linked, or its name cannot be a project's.
        UnavailableError: the manifest cannot be written; then nothing was created.
    """
    directory = directory.resolve()
    name, found = _project(session, directory, name)
    # The file comes first: where it cannot be written, nothing is created.
    written = write_first_manifest(directory, *([found.yaml_path] if found else []))
    project = found or session.projects.create(name)
    session.projects.link(directory, project)
    return Linked(project, found is None, written)


def _project(session: Session, directory: Path, name: str | None) -> tuple[str, Project | None]:
    if name is None:
        try:
            linked = session.projects.linked(directory)
        except NotFoundError:
            name = directory.name or "project"
        else:
            return linked.name, linked
    try:
        return name, session.projects.get(name)
    except NotFoundError:
        return name, None
