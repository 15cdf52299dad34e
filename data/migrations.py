"""Bring a database file to the schema this release knows."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from data.file_uri import file_uri

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlite_utils import Database as UtilsDatabase

SCHEMA_VERSION = 3
"""The number of the newest file in `data/schema/`; kept in `PRAGMA user_version`."""


class NewerSchemaError(Exception):
    """The file was written by a newer release, whose tables this one does not know."""


def schema_version(path: Path) -> int:
    """Return the schema version of the file at `path`, 0 for a file without one."""
    connection = sqlite3.connect(file_uri(path, "ro"), uri=True)
    try:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    finally:
        connection.close()


def migrate(path: Path) -> None:
    """Create the file at `path` (mode 0600), or bring it up to date; does nothing to one that already is.

    Raises:
        NewerSchemaError: the file's schema version is above `SCHEMA_VERSION`.
    """
    version = schema_version(path) if path.exists() else 0
    if version > SCHEMA_VERSION:
        message = f"schema {version} is newer than {SCHEMA_VERSION}"
        raise NewerSchemaError(message)
    if version < SCHEMA_VERSION:
        _apply_pending(path)


def _apply_pending(path: Path) -> None:
    # Imported here: it costs 150 ms, and a database that is up to date never needs it.
    from sqlite_utils import Database, Migrations  # noqa: PLC0415

    path.touch(mode=0o600)
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        database = Database(connection)
        migrations = Migrations("shoal")
        for number in range(1, SCHEMA_VERSION + 1):
            migrations(name=f"{number:04}")(_step(number))
        migrations.apply(database)
        connection.execute("COMMIT")
    finally:
        connection.close()


def _step(number: int):  # type: ignore[no-untyped-def]  # noqa: ANN202
    def run(database: UtilsDatabase) -> None:
        from importlib import resources  # noqa: PLC0415 - like the library, for a database that is behind only

        script = (resources.files("data") / "schema" / f"{number:04}.sql").read_text()
        for statement in _statements(script):
            database.conn.execute(statement)
        database.conn.execute(f"PRAGMA user_version = {number}")

    return run


def _statements(script: str) -> Iterator[str]:
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
