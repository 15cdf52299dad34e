"""datum://: a file of the project, by its id or by an alias, which is looked up once: when an execution is created."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.storage.drivers.source import Found

if TYPE_CHECKING:
    from core.projects.service import Project
    from core.session import Session


def resolve(session: Session, project: Project, uri: str) -> list[Found]:
    """Return the file that `uri` names now."""
    file = session.files.get(project, "datum://" + uri.partition("://")[2])
    return [Found(file.uri, full=file.name, suffix=file.name, file_id=file.id, checksums=file.checksums)]
