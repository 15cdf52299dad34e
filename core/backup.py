"""Backup and restore of a home, while it is in use.

A backup is a directory: `shoal.db` (a consistent copy), `code/`, `logs/`, `store/` where files were asked for, and
`manifest.json`. It is written beside its place under another name and appears whole or not at all.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import sqlite3
import stat
import time
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from core.errors import ConflictError, InvalidInputError, NewerDatabaseError, UnavailableError
from core.home import Home
from data.migrations import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.session import Session

FORMAT = 1
_DATABASE = "shoal.db"
_MANIFEST = "manifest.json"
_LARGEST_MANIFEST = 64 * 1024
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup says of itself; `sha256` is the database's, `created_at` in seconds since 1970."""

    format: int
    schema_version: int
    created_at: float
    home: str
    sha256: str
    with_files: bool


def back_up(session: Session, destination: Path, *, with_files: bool = False) -> Backup:
    """Write a backup of the session's home to `destination`, which must not exist.

    Files of the store are linked where they lie on the same file system, else copied: they never change.

    Raises:
        ConflictError: something is at `destination` already.
        UnavailableError: the copy is damaged, or the disk did not take it.
    """
    session.require("home.backup")
    home = session.home
    destination = destination.absolute()
    if os.path.lexists(destination):
        message = f"{str(destination)!r} exists already: give a new name, backups are never overwritten"
        raise ConflictError(message, field="destination")
    with _built(destination) as part:
        _copy_database(session.read("home.backup"), part / _DATABASE)
        version = _verified(part / _DATABASE)
        _bring_tree(home.code, part / "code", link=True)
        _bring_tree(home.logs, part / "logs", link=False)
        if with_files:
            _bring_tree(home.store / "data", part / "store" / "data", link=True)
        made = Backup(FORMAT, version, time.time(), str(home.root), _sha256(part / _DATABASE), with_files)
        _write(part / _MANIFEST, json.dumps(asdict(made), indent=2).encode())
    return made


def restore(source: Path, home: Home, *, replace: bool = False) -> Path | None:
    """Make `home` what the backup at `source` holds; return where the home that was there before lies now.

    The store's files stay where the backup has none. What runs in Docker is found again by the next scheduler.

    Raises:
        ConflictError: a scheduler runs, or the home is in use and `replace` was not given.
        InvalidInputError: it is no backup, or was changed since it was made.
        NewerDatabaseError: a newer Shoal made it.
    """
    backup = _read_manifest(source)
    root = home.root
    in_use = root.exists() and any(root.iterdir())
    if in_use and not replace:
        message = f"{root} is in use: restore with --replace, which moves what is there aside"
        raise ConflictError(message, field="replace")
    with _no_scheduler(home, exists=in_use), _built(root, replaced=True) as part:
        _bring_file(source / _DATABASE, part / _DATABASE, link=False)
        if _sha256(part / _DATABASE) != backup.sha256:
            message = f"{source / _DATABASE} is not what was backed up: its SHA-256 is another one; use another backup"
            raise InvalidInputError(message, field="source")
        _verified(part / _DATABASE)
        _into_wal(part / _DATABASE)
        for name in ("code", "logs"):
            _bring_tree(source / name, part / name, link=False)
        if backup.with_files:
            _bring_tree(source / "store" / "data", part / "store" / "data", link=False)
        else:
            _bring_tree(root / "store" / "data", part / "store" / "data", link=True)
        Home(part).create()
        return _move_aside(root) if in_use else None


def _copy_database(source: sqlite3.Connection, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as copy:
        source.backup(copy)
        # One file that needs no second one beside it.
        copy.execute("PRAGMA journal_mode = DELETE")
    _sync(path)


def _verified(path: Path) -> int:
    """Return the schema version of a copy that is whole.

    Raises:
        UnavailableError: it is not.
        NewerDatabaseError: a newer Shoal wrote it.
    """
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.DatabaseError as error:
        found, version = [str(error)], 0
    if found != ["ok"]:
        message = f"the copy of the database is damaged ({'; '.join(found)}): nothing was kept of it"
        raise UnavailableError(message)
    if version > SCHEMA_VERSION:
        message = (
            f"the backup was made by a newer Shoal (schema {version}, this one knows {SCHEMA_VERSION}): install it"
        )
        raise NewerDatabaseError(message)
    return version


def _into_wal(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def _read_manifest(source: Path) -> Backup:
    try:
        with os.fdopen(os.open(source / _MANIFEST, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            values = json.loads(file.read(_LARGEST_MANIFEST))
        backup = Backup(**{field.name: values[field.name] for field in fields(Backup)})
        known = int(backup.schema_version), str(backup.sha256), bool(backup.with_files)
    except (OSError, ValueError, TypeError, KeyError) as error:
        message = f"{str(source)!r} is no backup of Shoal: it has no {_MANIFEST} that can be read"
        raise InvalidInputError(message, field="source") from error
    if backup.format != FORMAT or known[0] > SCHEMA_VERSION:
        message = f"{str(source)!r} was made by a newer Shoal: install that release to restore it"
        raise NewerDatabaseError(message)
    return backup


@contextmanager
def _built(destination: Path, *, replaced: bool = False) -> Iterator[Path]:
    """Give a directory to fill; it takes its place when the block is through, and is gone when that failed."""
    part = destination.with_name(f".{destination.name}.{secrets.token_hex(6)}.part")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        part.mkdir(mode=0o700)
        yield part
        if not replaced and os.path.lexists(destination):
            message = f"{str(destination)!r} appeared meanwhile: give a new name"
            raise ConflictError(message, field="destination")
        part.rename(destination)
        _sync(destination.parent)
    except (OSError, sqlite3.Error) as error:
        message = f"{str(destination)!r} could not be made ({error}): nothing was left there"
        raise UnavailableError(message) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def _no_scheduler(home: Home, *, exists: bool) -> Iterator[None]:
    """Hold the scheduler's lock, so that none starts meanwhile."""
    if not exists:
        yield
        return
    descriptor = os.open(home.scheduler_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        message = f"a scheduler runs in {home.root}: stop it first (ctrl+c where `shoal up` runs)"
        raise ConflictError(message) from error
    else:
        yield
    finally:
        os.close(descriptor)


def _move_aside(root: Path) -> Path:
    aside = root.with_name(f"{root.name}-before-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(2)}")
    root.rename(aside)
    return aside


def _bring_tree(source: Path, destination: Path, *, link: bool) -> None:
    """Bring regular files, and nothing else: a link in a backup may lead anywhere."""
    destination.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _is_directory(source):
        return
    with os.scandir(source) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _bring_tree(source / entry.name, destination / entry.name, link=link)
            elif entry.is_file(follow_symlinks=False):
                _bring_file(source / entry.name, destination / entry.name, link=link)


def _is_directory(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _bring_file(source: Path, destination: Path, *, link: bool) -> None:
    if link:
        try:
            os.link(source, destination, follow_symlinks=False)
        except OSError:
            pass
        else:
            return
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as reading, destination.open("xb") as writing:
        status = os.fstat(reading.fileno())
        if not stat.S_ISREG(status.st_mode):
            message = f"{str(source)!r} is no regular file"
            raise InvalidInputError(message, field="source")
        shutil.copyfileobj(reading, writing, _CHUNK)
        os.fchmod(writing.fileno(), stat.S_IMODE(status.st_mode) & 0o600)
        writing.flush()
        os.fsync(writing.fileno())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
