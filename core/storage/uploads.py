"""A file of the person's machine becomes a file of the project."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from core.errors import UnavailableError
from core.storage.managed_store import upload_key
from core.storage.transfer import read_in
from data.changes import record
from data.identifiers import new_identifier

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

    from core.projects.service import Project
    from core.session import Session
    from core.storage.checksums import Checksums
    from core.storage.incoming import IncomingFile
    from core.storage.managed_store import ManagedStore


def keep_upload(
    session: Session,
    store: ManagedStore,
    project: Project,
    source: Path,
    name: str,
    progress: Callable[[int, int], None] | None,
) -> int:
    """Copy `source` into the store under a printable `name` and return the file's id.

    A file of the same name and content that the project has already is returned instead of a second one.

    Raises:
        InvalidInputError: `source` is no regular file that can be read.
        UnavailableError: the store cannot be written.
    """
    store.incoming.sweep()
    with store.incoming.create() as incoming:
        checksums = read_in(source, incoming, progress)
        known = _same_file(session.read("file.create"), project, name, checksums)
        return _keep(session, store, project, incoming, name, checksums) if known is None else known


def _keep(
    session: Session, store: ManagedStore, project: Project, written: IncomingFile, name: str, checksums: Checksums
) -> int:
    uuid = new_identifier()
    key = upload_key(project.uuid, uuid, name)
    try:
        store.take_in(written, key)
    except OSError as error:
        message = f"{name!r} could not be brought into the store: {error.strerror}"
        raise UnavailableError(message) from error
    try:
        with session.write("file.create") as connection:
            known = _same_file(connection, project, name, checksums)
            return _insert(session, connection, project, (uuid, key, name), checksums) if known is None else known
    finally:
        # Asked of the database: an interruption may come when the row is committed already.
        if session.read("file.create").execute("SELECT 1 FROM files WHERE uuid = ?", (uuid,)).fetchone() is None:
            store.discard(key)


def _same_file(connection: sqlite3.Connection, project: Project, name: str, checksums: Checksums) -> int | None:
    row = connection.execute(
        "SELECT id FROM files WHERE project_id = ? AND sha256 = ? AND name = ? ORDER BY id DESC LIMIT 1",
        (project.id, checksums.sha256, name),
    ).fetchone()
    return None if row is None else int(row[0])


def _insert(
    session: Session,
    connection: sqlite3.Connection,
    project: Project,
    names: tuple[str, str, str],
    checksums: Checksums,
) -> int:
    actor = session.actor.id
    store = "SELECT coalesce(default_store_id, (SELECT min(id) FROM stores)) FROM projects WHERE id = ?"
    store_id = connection.execute(store, (project.id,)).fetchone()[0]
    content = (checksums.size, checksums.md5, checksums.sha1, checksums.sha256)
    row = connection.execute(
        """
        INSERT INTO files (project_id, store_id, uuid, key, name, size, md5, sha1, sha256, created_by, created_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id
        """,
        (project.id, store_id, *names, *content, actor, time.time()),
    ).fetchone()
    record(connection, actor, "file", row[0], f"uploaded {names[2]}", project_id=project.id)
    return int(row[0])
