"""What an execution leaves behind becomes a file of the project, once, whatever is killed meanwhile."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import NotFoundError, UnavailableError
from core.storage.checksums import checksum
from core.storage.labels import Labels, add_tags, point_alias, read_labels
from core.storage.managed_store import output_keys
from core.storage.names import printable_name
from data.changes import SYSTEM, record
from data.identifiers import new_identifier

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

    from core.session import Session
    from core.storage.checksums import Checksums
    from core.storage.managed_store import ManagedStore


@dataclass(frozen=True, slots=True)
class Output:
    """One output: where it lies, the name that the execution gave it, and what its sidecar says.

    `checksums` tell only which file it became when `source` is gone; those recorded are taken of what was kept.
    `progress` gets the bytes read so far; what it raises ends the call, which may be made again.
    """

    execution_id: int
    source: Path
    name: str
    checksums: Checksums | None
    properties: dict[str, Any] | None
    progress: Callable[[int], None] | None = None


def keep_output(session: Session, store: ManagedStore, output: Output) -> int:
    """Bring an output into the store, then commit one row with its tags and alias; return the file's id.

    `output.source` must lie where no container can reach it any more; it is removed once the row is committed, so
    that a call after a kill knows by it what was done. A second file of the same name becomes a file of its own.
    What is wrong in the reserved keys of the properties is left out and noted among the execution's events.

    Raises:
        NotFoundError: there is no such execution, or neither the source nor a file that was kept of it.
        InvalidInputError: the source is no regular file.
        UnavailableError: the store cannot be written; the source stays.
    """
    execution = _execution(session, output.execution_id)
    for key in output_keys(execution["project_uuid"], execution["counter"], output.name):
        row = _file_of_key(session, execution["store_id"], key)
        if row is not None:
            if not _is_kept_as(store.path(key), row["sha256"], output):
                continue
            file_id = int(row["id"])
        else:
            try:
                checksums = store.adopt(output.source, key, output.progress)
            except (FileExistsError, NotADirectoryError):
                continue
            except FileNotFoundError as error:
                message = f"output {printable_name(output.name)!r} is gone from {output.source}: nothing is kept of it"
                raise NotFoundError(message) from error
            except OSError as error:
                message = (
                    f"output {printable_name(output.name)!r} could not be brought into the store: {error.strerror}"
                )
                raise UnavailableError(message) from error
            file_id = _insert(session, execution, key, output, checksums)
        output.source.unlink(missing_ok=True)
        return file_id
    raise AssertionError  # the keys never end


def _execution(session: Session, execution_id: int) -> sqlite3.Row:
    row: sqlite3.Row | None = (
        session.read("execution.run")
        .execute(
            """
            SELECT e.id, e.counter, e.project_id, e.store_id, e.user_id, p.uuid AS project_uuid
            FROM executions e JOIN projects p ON p.id = e.project_id WHERE e.id = ?
            """,
            (execution_id,),
        )
        .fetchone()
    )
    if row is None:
        message = f"there is no execution with id {execution_id}"
        raise NotFoundError(message)
    return row


def _file_of_key(session: Session, store_id: int, key: str) -> sqlite3.Row | None:
    query = "SELECT id, sha256 FROM files WHERE store_id = ? AND key = ?"
    row: sqlite3.Row | None = session.read("execution.run").execute(query, (store_id, key)).fetchone()
    return row


def _is_kept_as(kept: Path, sha256: str, output: Output) -> bool:
    """Tell whether an earlier call kept this very output as `kept`; the same content given again is another one."""
    if not output.source.exists():
        return output.checksums is not None and sha256 == output.checksums.sha256
    source = output.source.stat()
    target = kept.stat()
    if source.st_dev != target.st_dev:
        return sha256 == checksum(output.source, output.progress).sha256
    return source.st_ino == target.st_ino


def _insert(session: Session, execution: sqlite3.Row, key: str, output: Output, checksums: Checksums) -> int:
    name = printable_name(output.name)
    labels = Labels() if output.properties is None else read_labels(output.properties)
    with session.write("execution.run") as connection:
        row = connection.execute(
            """
            INSERT INTO files (uuid, project_id, store_id, key, name, size, md5, sha1, sha256, properties,
                execution_id, created_by, created_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id
            """,
            (
                new_identifier(),
                execution["project_id"],
                execution["store_id"],
                key,
                name,
                checksums.size,
                checksums.md5,
                checksums.sha1,
                checksums.sha256,
                labels.properties,
                execution["id"],
                execution["user_id"],
                time.time(),
            ),
        ).fetchone()
        file_id = int(row[0])
        _apply(connection, execution, file_id, name, labels)
    return file_id


def _apply(connection: sqlite3.Connection, execution: sqlite3.Row, file_id: int, name: str, labels: Labels) -> None:
    project_id = execution["project_id"]
    add_tags(connection, file_id, labels.tags)
    if labels.alias is not None:
        point_alias(connection, project_id, labels.alias, file_id, execution["user_id"])
    connection.executemany(
        "INSERT INTO execution_events (execution_id, at, kind, message) VALUES (?, ?, 'warning', ?)",
        ((execution["id"], time.time(), f"properties of output {name!r}: {reason}") for reason in labels.ignored),
    )
    record(connection, SYSTEM, "file", file_id, f"output {name}", project_id=project_id)
