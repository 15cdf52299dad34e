"""Tags, aliases and the other properties of a file, and what the sidecar of an output may say about them."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.errors import InvalidInputError
from core.labels import checked_label, checked_tag

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from core.storage.files import File

TAGS = 100
"""Tags that a sidecar may give to one file."""

PROPERTIES_BYTES = 1024 * 1024
"""Bytes of JSON that the properties of one file may have."""

TAGS_KEY = "valohai.tags"
ALIAS_KEY = "valohai.alias"


@dataclass(slots=True)
class Labels:
    """What a sidecar asked for, and why parts of it were ignored."""

    tags: list[str] = field(default_factory=list)
    alias: str | None = None
    properties: str = "{}"
    ignored: list[str] = field(default_factory=list)


def check_alias(name: object) -> str:
    """Return an alias's name without surrounding spaces.

    Raises:
        InvalidInputError: it is no label (`core.labels`), or looks like a file's id.
    """
    label = checked_label(name, "alias")
    if is_identifier(label):
        message = f"an alias cannot look like a file's id: {label!r}"
        raise InvalidInputError(message, field="alias")
    return label


def is_identifier(text: str) -> bool:
    """Tell whether `text` is written as the id of a file."""
    return re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text) is not None


def read_labels(properties: object) -> Labels:
    """Take tags and alias out of a sidecar's properties; what cannot be used is left out, with the reason."""
    labels = Labels()
    if not isinstance(properties, dict):
        labels.ignored.append("the properties are no JSON object")
        return labels
    free = {key: value for key, value in properties.items() if key not in (TAGS_KEY, ALIAS_KEY)}
    _read_tags(properties.get(TAGS_KEY, []), labels)
    _read_alias(properties.get(ALIAS_KEY), labels)
    _read_free(free, labels)
    return labels


def _read_tags(value: object, labels: Labels) -> None:
    if not isinstance(value, list):
        labels.ignored.append(f"{TAGS_KEY} is no list")
        return
    if len(value) > TAGS:
        labels.ignored.append(f"{TAGS_KEY}: those after the first {TAGS}")
    for tag in value[:TAGS]:
        try:
            label = checked_tag(tag)
        except InvalidInputError as error:
            labels.ignored.append(f"{TAGS_KEY}: {error.message}")
        else:
            if label not in labels.tags:
                labels.tags.append(label)


def _read_alias(value: object, labels: Labels) -> None:
    if value is None:
        return
    try:
        labels.alias = check_alias(value)
    except InvalidInputError as error:
        labels.ignored.append(f"{ALIAS_KEY}: {error.message}")


def _read_free(free: dict[str, Any], labels: Labels) -> None:
    try:
        text = json.dumps(free, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        labels.ignored.append(f"the properties cannot be written as JSON: {error}")
        return
    if len(text) > PROPERTIES_BYTES:
        labels.ignored.append(f"the properties are larger than {PROPERTIES_BYTES} bytes")
        return
    labels.properties = text


def add_tags(connection: sqlite3.Connection, file_id: int, tags: list[str]) -> bool:
    """Add tags to a file, within the caller's transaction; True when one of them is new."""
    before = connection.total_changes
    connection.executemany("INSERT OR IGNORE INTO file_tags VALUES (?, ?)", ((file_id, tag) for tag in tags))
    return connection.total_changes > before


def relabel(
    connection: sqlite3.Connection, file: File, tags: Iterable[str] | None, aliases: Iterable[str] | None, user_id: int
) -> list[str]:
    """Let a file have exactly these labels, within the caller's transaction; return in words what was changed."""
    done = []
    if tags is not None:
        had = {row[0] for row in connection.execute("SELECT tag FROM file_tags WHERE file_id = ?", (file.id,))}
        wanted = [*tags]
        gone = sorted(had - {*wanted})
        connection.executemany("DELETE FROM file_tags WHERE file_id = ? AND tag = ?", ((file.id, tag) for tag in gone))
        added = [tag for tag in wanted if tag not in had]
        add_tags(connection, file.id, added)
        done += [f"{verb} {', '.join(some)}" for verb, some in (("tags", added), ("tags removed:", gone)) if some]
    if aliases is not None:
        pointing = {row[0] for row in connection.execute("SELECT name FROM aliases WHERE file_id = ?", (file.id,))}
        names = [*aliases]
        gone = sorted(pointing - {*names})
        connection.executemany("DELETE FROM aliases WHERE file_id = ? AND name = ?", ((file.id, name) for name in gone))
        moved = [name for name in names if point_alias(connection, file.project_id, name, file.id, user_id)]
        done += [f"alias {name}" for name in moved] + [f"alias {name} removed" for name in gone]
    return done


def aliased(connection: sqlite3.Connection, project_id: int, name: str) -> tuple[int, str] | None:
    """Return the id and the name of the file that an alias points to, None where there is no such alias."""
    row = connection.execute(
        "SELECT f.id, f.name FROM aliases a JOIN files f ON f.id = a.file_id WHERE a.project_id = ? AND a.name = ?",
        (project_id, name),
    ).fetchone()
    return None if row is None else (row[0], row[1])


def point_alias(connection: sqlite3.Connection, project_id: int, name: str, file_id: int, user_id: int) -> bool:
    """Let an alias point to a file, within the caller's transaction; True when it did not yet."""
    now = time.time()
    moved = connection.execute(
        """
        INSERT INTO aliases VALUES (?, ?, ?, ?) ON CONFLICT (project_id, name)
        DO UPDATE SET file_id = excluded.file_id, updated_at = excluded.updated_at WHERE file_id != excluded.file_id
        """,
        (project_id, name, file_id, now),
    ).rowcount
    if not moved:
        return False
    connection.execute(
        "INSERT INTO alias_changes (project_id, name, file_id, user_id, at) VALUES (?, ?, ?, ?, ?)",
        (project_id, name, file_id, user_id, now),
    )
    return True
