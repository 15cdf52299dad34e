"""Files (datums): list, find, upload, download, tags and aliases, and the outputs of executions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import InvalidInputError, NotFoundError, UnavailableError
from core.labels import checked_tag
from core.storage.checksums import Checksums
from core.storage.labels import add_tags, check_alias, point_alias, relabel
from core.storage.managed_store import ManagedStore
from core.storage.names import printable_name
from data.changes import record
from data.paging import Page, page_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from core.projects.service import Project
    from core.session import Session

DATUM = "datum://"

_COLUMNS = """
    SELECT f.id, f.uuid, f.project_id, f.key, f.name, f.size, f.md5, f.sha1, f.sha256, f.created_at, f.execution_id,
        f.properties, e.counter AS execution_counter
"""
_JOINS = "JOIN projects p ON p.id = f.project_id LEFT JOIN executions e ON e.id = f.execution_id"
_FILES = f"{_COLUMNS} FROM files f {_JOINS} WHERE p.organization_id = :organization"
# The join's order is fixed: a tag's files are read from its index, newest first.
_TAGGED_FILES = f"""
    {_COLUMNS} FROM file_tags t CROSS JOIN files f ON f.id = t.file_id {_JOINS}
    WHERE p.organization_id = :organization AND t.tag = :tag
"""
# Names are matched in an index that holds nothing else: ten times faster than in the rows.
_NEWEST_NAMED = """
    f.id IN (SELECT id FROM files INDEXED BY files_name WHERE project_id = :project AND name GLOB :name AND id < :after
        ORDER BY id DESC LIMIT :limit)
"""
_LAST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class File:
    """One file. `size` in bytes, `created_at` in seconds since 1970, `key` its place in the store; `execution_id` and
    `execution_counter` are those of the execution that made it, None for an upload.
    """

    id: int
    uuid: str
    project_id: int
    name: str
    size: int
    md5: str
    sha1: str
    sha256: str
    created_at: float
    execution_id: int | None
    execution_counter: int | None
    tags: tuple[str, ...]
    aliases: tuple[str, ...]
    properties: dict[str, Any]
    key: str

    @property
    def uri(self) -> str:
        """How the file is named as an input."""
        return f"{DATUM}{self.uuid}"

    @property
    def checksums(self) -> Checksums:
        """What the content must be."""
        return Checksums(self.size, self.md5, self.sha1, self.sha256)


class Files:
    """The files of the projects that the session's actor may see."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._store = ManagedStore(session.home.store)

    def list(
        self,
        project: Project,
        *,
        after: int | None = None,
        limit: int = 100,
        tag: str | None = None,
        name: str | None = None,
        execution: int | None = None,
    ) -> Page[File]:
        """Return files of a project, newest first; `after` is the `next` of the page before.

        Only those with `tag`, with that `name` (wildcards `*`, `?`, `[…]`), made by the execution with id `execution`.
        """
        connection = self._session.read("file.see")
        name = None if name is None else _shown(name)
        key = "f.id" if tag is None else "t.file_id"
        conditions = {
            "f.project_id = :project": True,
            f"{key} < :after": True,
            "f.name = :name": name is not None and not _has_wildcard(name),
            "+f.name GLOB :name": name is not None and _has_wildcard(name),
            _NEWEST_NAMED: name is not None and _has_wildcard(name) and tag is None and execution is None,
            "f.execution_id = :execution": execution is not None,
        }
        wanted = " AND ".join(condition for condition, used in conditions.items() if used)
        rows = connection.execute(
            f"{_FILES if tag is None else _TAGGED_FILES} AND {wanted} ORDER BY {key} DESC LIMIT :limit",
            {
                "organization": self._session.actor.organization_id,
                "project": project.id,
                "after": _LAST_ID if after is None else after,
                "tag": tag,
                "name": name,
                "execution": execution,
                "limit": limit + 1,
            },
        ).fetchall()
        return page_of(_files(connection, rows), [row["id"] for row in rows], limit)

    def get(self, project: Project, reference: str) -> File:
        """Return the file that `reference` names: an id, `datum://…`, an alias or an exact name (then the newest).

        Raises:
            NotFoundError: nothing in the project has that id, alias or name.
        """
        value = _shown(reference.removeprefix(DATUM))
        file = self._one("f.project_id = :project AND f.uuid = :value", value.lower(), project) or self._one(
            "f.id = (SELECT file_id FROM aliases WHERE project_id = :project AND name = :value)", value, project
        )
        if file is None and not reference.startswith(DATUM):
            file = self._one("f.project_id = :project AND f.name = :value ORDER BY f.id DESC LIMIT 1", value, project)
        if file is None:
            message = (
                f"no file of project {project.name!r} has the id, alias or name {value!r}: `shoal files ls` lists them"
            )
            raise NotFoundError(message, field="file")
        return file

    def by_id(self, id: int) -> File:  # noqa: A002 - the plainest name of what it takes
        """Return the file with that id.

        Raises:
            NotFoundError: there is none, or the actor may not know of it.
        """
        file = self._one("f.id = :value", id)
        if file is None:
            message = f"there is no file with id {id}"
            raise NotFoundError(message)
        return file

    def by_ids(self, ids: Sequence[int]) -> dict[int, File]:
        """Return the files with these ids; those that are gone, or that the actor may not know of, are left out."""
        connection = self._session.read("file.see")
        rows = connection.execute(
            f"{_FILES} AND f.id IN (SELECT value FROM json_each(:ids))",  # noqa: S608 - made of constants
            {"organization": self._session.actor.organization_id, "ids": json.dumps([*ids])},
        ).fetchall()
        return {file.id: file for file in _files(connection, rows)}

    def path(self, file: File) -> Path:
        """Return where the file's content can be read; its size is checked, its checksums are for the reader to check.

        Raises:
            UnavailableError: it is not there, or not of the size that it had.
        """
        self._session.require("file.see")
        path = self._store.path(file.key)
        try:
            size = path.stat().st_size
        except OSError as error:
            message = f"file {file.name!r} ({file.uuid}) is missing from the store at {path}: restore it from a backup"
            raise UnavailableError(message) from error
        if size != file.size:
            message = (
                f"file {file.name!r} ({file.uuid}) is damaged in the store at {path}:"
                f" {size} bytes instead of {file.size}; restore it from a backup"
            )
            raise UnavailableError(message)
        return path

    def upload(
        self,
        project: Project,
        source: Path,
        *,
        name: str | None = None,
        tags: Sequence[str] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> File:
        """Copy a file of this machine into the store; `progress` gets the bytes done and the bytes in all.

        A file of the same name and content that the project has already is returned instead of a second one.

        Raises:
            InvalidInputError: `source` is no regular file that can be read, or a tag is no tag.
            UnavailableError: the store cannot be written.
        """
        from core.storage.uploads import keep_upload  # noqa: PLC0415 - a list needs no uploads

        self._session.require("file.create")
        labels = [checked_tag(tag) for tag in tags]
        shown = printable_name(source.name if name is None else name)
        file = self.by_id(keep_upload(self._session, self._store, project, source, shown, progress))
        self.add_tags(file, labels)
        return self.by_id(file.id) if labels else file

    def download(
        self,
        file: File,
        destination: Path,
        progress: Callable[[int, int], None] | None = None,
        *,
        overwrite: bool = False,
    ) -> Path:
        """Copy a file to `destination` (into it, where that is a directory), verified; return where it lies.

        Raises:
            ConflictError: something lies there, and `overwrite` was not given.
            UnavailableError: the content is missing or damaged, or the destination cannot be written.
        """
        from core.storage.transfer import write_out  # noqa: PLC0415 - a list needs no transfers

        return write_out(self.path(file), file, destination, progress, overwrite=overwrite)

    def set_alias(self, project: Project, name: str, file: File) -> None:
        """Let an alias of the project point to `file`; it is created, or moved and its history kept."""
        label = check_alias(name)
        if file.project_id != project.id:
            message = f"file {file.name!r} ({file.uuid}) belongs to another project"
            raise InvalidInputError(message, field="file")
        actor = self._session.actor.id
        with self._session.write("file.edit") as connection:
            if point_alias(connection, project.id, label, file.id, actor):
                record(connection, actor, "file", file.id, f"alias {label}", project_id=project.id)

    def add_tags(self, file: File, tags: Iterable[str]) -> None:
        """Add tags to a file; those it has already change nothing."""
        labels = [checked_tag(tag) for tag in tags]
        if not labels:
            return
        with self._session.write("file.edit") as connection:
            if add_tags(connection, file.id, labels):
                what = f"tags {', '.join(labels)}"
                record(connection, self._session.actor.id, "file", file.id, what, project_id=file.project_id)

    def label(self, file: File, *, tags: Iterable[str] | None = None, aliases: Iterable[str] | None = None) -> File:
        """Let a file have exactly these tags and these aliases; what is None stays as it is.

        An alias that points to another file is moved here.

        Raises:
            InvalidInputError: one is no label; nothing was changed.
            NotFoundError: there is no such file any more, or the actor may not know of it.
        """
        file = self.by_id(file.id)
        wanted_tags = None if tags is None else {checked_tag(tag): None for tag in tags}
        wanted_aliases = None if aliases is None else {check_alias(name): None for name in aliases}
        actor = self._session.actor.id
        with self._session.write("file.edit") as connection:
            done = relabel(connection, file, wanted_tags, wanted_aliases, actor)
            if done:
                record(connection, actor, "file", file.id, ", ".join(done), project_id=file.project_id)
        return self.by_id(file.id)

    def add_output(
        self,
        execution_id: int,
        source: Path,
        name: str,
        checksums: Checksums | None = None,
        *,
        properties: dict[str, Any] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> File:
        """Keep `source` as an output of an execution; see `core.storage.outputs.keep_output`."""
        from core.storage.outputs import Output, keep_output  # noqa: PLC0415 - the runner's business only

        output = Output(execution_id, source, name, checksums, properties, progress)
        return self.by_id(keep_output(self._session, self._store, output))

    def _one(self, where: str, value: str | int, project: Project | None = None) -> File | None:
        connection = self._session.read("file.see")
        row = connection.execute(
            f"{_FILES} AND {where}",
            {
                "organization": self._session.actor.organization_id,
                "project": project and project.id,
                "value": value,
            },
        ).fetchone()
        return None if row is None else _files(connection, [row])[0]


def _shown(name: str) -> str:
    # What cannot be shown is never in the database as it is, and may even be no Unicode.
    return name if name.isprintable() else printable_name(name)


def _has_wildcard(name: str) -> bool:
    return any(char in name for char in "*?[")


def _files(connection: sqlite3.Connection, rows: list[sqlite3.Row]) -> list[File]:
    ids = json.dumps([row["id"] for row in rows])
    tags = _grouped(
        connection, "SELECT file_id, tag FROM file_tags WHERE file_id IN (SELECT value FROM json_each(?))", ids
    )
    aliases = _grouped(
        connection,
        "SELECT file_id, name FROM aliases WHERE file_id IN (SELECT value FROM json_each(?)) ORDER BY name",
        ids,
    )
    return [_file(row, tags.get(row["id"], ()), aliases.get(row["id"], ())) for row in rows]


def _grouped(connection: sqlite3.Connection, query: str, ids: str) -> dict[int, tuple[str, ...]]:
    grouped: dict[int, tuple[str, ...]] = {}
    for file_id, label in connection.execute(query, (ids,)):
        grouped[file_id] = (*grouped.get(file_id, ()), label)
    return grouped


def _file(row: sqlite3.Row, tags: tuple[str, ...], aliases: tuple[str, ...]) -> File:
    return File(
        id=row["id"],
        uuid=row["uuid"],
        project_id=row["project_id"],
        name=row["name"],
        size=row["size"],
        md5=row["md5"],
        sha1=row["sha1"],
        sha256=row["sha256"],
        created_at=row["created_at"],
        execution_id=row["execution_id"],
        execution_counter=row["execution_counter"],
        tags=tags,
        aliases=aliases,
        properties=json.loads(row["properties"]),
        key=row["key"],
    )
