"""Backup and restore of a home, while it is in use.

A backup is a directory: `shoal.db` (a consistent copy), `code/`, `logs/`, `store/` where files were asked for,
`SHA256SUMS` of the code and the logs, which `sha256sum -c` reads, and `manifest.json`. It is written beside its place
under another name and appears whole or not at all. The checksums of the store's files are in the database. The master
key of the secrets is left out: a backup that is stolen opens none of them, and without the key no one does.
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
from data.file_uri import file_uri
from data.migrations import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from core.session import Session

FORMAT = 1
_DATABASE = "shoal.db"
_MANIFEST = "manifest.json"
_SUMS = "SHA256SUMS"
_LARGEST_MANIFEST = 64 * 1024**2
_CHUNK = 1024 * 1024
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup says of itself; `sha256` is the database's, `created_at` in seconds since 1970.

    `missing` are the paths of what the database knew, and the home had not or not whole: a restore cannot ask for it.
    """

    format: int
    schema_version: int
    created_at: float
    home: str
    sha256: str
    sums_sha256: str
    with_files: bool
    missing: list[str]


def back_up(session: Session, destination: Path, *, with_files: bool = False) -> Backup:
    """Write a backup of the session's home to `destination`, which must not exist.

    Files of the store are linked where they lie on the same file system, else copied: they never change.

    Raises:
        ConflictError: something is at `destination` already.
        InvalidInputError: `destination` lies in the home.
        UnavailableError: the copy is damaged, or the disk did not take it.
    """
    session.require("home.backup")
    home = session.home
    destination = destination.absolute()
    if os.path.lexists(destination):
        message = f"{str(destination)!r} exists already: give a new name, backups are never overwritten"
        raise ConflictError(message, field="destination")
    if destination.parent.resolve().is_relative_to(home.root.resolve()):
        message = f"{str(destination)!r} lies in the home that is backed up: give a place outside of {home.root}"
        raise InvalidInputError(message, field="destination")
    with _built(destination) as part:
        _copy_database(session.read("home.backup"), part / _DATABASE)
        version = _verified(part / _DATABASE)
        # Any of these may be a link to another disk, which the person who set the home up made.
        _bring_tree(home.code.resolve(), part / "code", link=True)
        _bring_tree(home.logs.resolve(), part / "logs", link=False)
        if with_files:
            _bring_tree((home.store / "data").resolve(), part / "store" / "data", link=True)
        _write(part / _SUMS, _sums(part, ("code", "logs")))
        made = Backup(
            FORMAT,
            version,
            time.time(),
            str(home.root),
            _sha256(part / _DATABASE),
            _sha256(part / _SUMS),
            with_files,
            [known.path for known in _known(part, with_files=with_files) if known.problem(part, content=False)],
        )
        _write(part / _MANIFEST, json.dumps(asdict(made), indent=2).encode())
    return made


def described(source: Path) -> Backup:
    """Return what the backup at `source` says of itself.

    Raises:
        InvalidInputError: it is no backup.
        NewerDatabaseError: a newer Shoal made it.
    """
    return _read_manifest(source)


def restore(source: Path, home: Home, *, replace: bool = False) -> Path | None:
    """Make `home` what the backup at `source` holds; return where the home that was there before lies now.

    The store's files stay where the backup has none, and so does the master key. What runs in Docker is found again by
    the next scheduler. The code, the logs and every file that the database knows are verified before the home changes.

    Raises:
        ConflictError: a scheduler runs, or the home is in use and `replace` was not given.
        InvalidInputError: it is no backup, was changed since it was made, or holds links; the message says what.
        NewerDatabaseError: a newer Shoal made it.
    """
    backup = _read_manifest(source)
    # A link to the home stays, and what it leads to is replaced.
    home = Home(home.root.resolve())
    root = home.root
    in_use = root.exists() and any(root.iterdir())
    if in_use and not replace:
        message = f"{root} is in use: restore with --replace, which moves what is there aside"
        raise ConflictError(message, field="replace")
    with _no_scheduler(home, exists=in_use), _built(root, replaced=True) as part:
        _take(source, part, backup)
        if not backup.with_files:
            _bring_tree((root / "store" / "data").resolve(), part / "store" / "data", link=True)
        if home.master_key.is_file():
            _bring_file(home.master_key, Home(part).master_key, link=False)
        Home(part).create()
        return _move_aside(root) if in_use else None


def _take(source: Path, part: Path, backup: Backup) -> None:
    """Copy what a backup holds into a new home, and verify the copies."""
    _bring_file(source / _DATABASE, part / _DATABASE, link=False)
    _bring_file(source / _SUMS, part / _SUMS, link=False)
    for name, expected in ((_DATABASE, backup.sha256), (_SUMS, backup.sums_sha256)):
        if _sha256(part / name) != expected:
            message = f"{source / name} is not what was backed up: its SHA-256 is another one; use another backup"
            raise InvalidInputError(message, field="source")
    _verified(part / _DATABASE)
    for name in ("code", "logs"):
        _bring_tree(source / name, part / name, link=False, only_files=True)
    if backup.with_files:
        _refuse_other_than_directory(source / "store")
        _bring_tree(source / "store" / "data", part / "store" / "data", link=False, only_files=True)
    _refuse_what_differs(source, part, backup)
    (part / _SUMS).unlink()
    _into_wal(part / _DATABASE)


def _refuse_what_differs(source: Path, part: Path, backup: Backup) -> None:
    summed = [_Known(path, None, sha256) for sha256, _, path in _lines_of(part / _SUMS)]
    excused = {*backup.missing, *(known.path for known in summed)}
    others = (known for known in _known(part, with_files=backup.with_files) if known.path not in excused)
    problems = [
        f"{known.path} is {problem}"
        for known in (*summed, *others)
        if (problem := known.problem(part, content=True)) is not None
    ]
    if problems:
        more = f", and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        message = f"the backup {str(source)!r} is not whole: {'; '.join(problems[:_SHOWN])}{more}; nothing was restored"
        raise InvalidInputError(message, field="source")


def _lines_of(sums: Path) -> Iterator[tuple[str, str, str]]:
    for line in sums.read_text(errors="surrogateescape").splitlines():
        yield line.partition("  ")


def _sums(part: Path, names: Iterable[str]) -> bytes:
    paths = sorted(path for name in names for path in (part / name).rglob("*") if path.is_file())
    return b"".join(os.fsencode(f"{_sha256(path)}  {path.relative_to(part)}\n") for path in paths)


@dataclass(frozen=True, slots=True)
class _Known:
    """A file that the database knows, by its path in a backup; size and checksum where they are known too."""

    path: str
    size: int | None = None
    sha256: str | None = None

    def problem(self, root: Path, *, content: bool) -> str | None:
        """Return what is wrong with it below `root`, None where nothing is; with `content` it is read whole."""
        try:
            status = (root / self.path).lstat()
        except (OSError, ValueError):
            return "missing"
        if not stat.S_ISREG(status.st_mode) or (self.size is not None and status.st_size != self.size):
            return "damaged"
        return "damaged" if content and self.sha256 and _sha256(root / self.path) != self.sha256 else None


def _known(part: Path, *, with_files: bool) -> Iterator[_Known]:
    """Yield the code archives of the database in `part`, and the files of the store where they are backed up."""
    with closing(sqlite3.connect(f"{file_uri(part / _DATABASE, 'ro')}&immutable=1", uri=True)) as connection:
        for (archive,) in connection.execute("SELECT DISTINCT archive FROM commits ORDER BY archive"):
            yield _Known(f"code/{archive}")
        if with_files:
            for key, size, sha256 in connection.execute("SELECT key, size, sha256 FROM files ORDER BY id"):
                yield _Known(f"store/{key}", size, sha256)


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
        with closing(sqlite3.connect(f"{file_uri(path, 'ro')}&immutable=1", uri=True)) as connection:
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
        schema = int(backup.schema_version)
        frozenset(backup.missing)
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        message = f"{str(source)!r} is no backup of Shoal: it has no {_MANIFEST} that can be read"
        raise InvalidInputError(message, field="source") from error
    if backup.format != FORMAT or schema > SCHEMA_VERSION:
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


def _bring_tree(source: Path, destination: Path, *, link: bool, only_files: bool = False) -> None:
    """Bring directories and regular files, and nothing else: a link may lead anywhere.

    With `only_files` there may be nothing else.
    """
    destination.mkdir(mode=0o700, parents=True, exist_ok=True)
    if only_files:
        _refuse_other_than_directory(source)
    if not source.is_dir():
        return
    with os.scandir(source) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _bring_tree(source / entry.name, destination / entry.name, link=link, only_files=only_files)
            elif entry.is_file(follow_symlinks=False):
                _bring_file(source / entry.name, destination / entry.name, link=link)
            elif only_files:
                raise _neither(source / entry.name)


def _refuse_other_than_directory(path: Path) -> None:
    if os.path.lexists(path) and not stat.S_ISDIR(path.lstat().st_mode):
        raise _neither(path)


def _neither(path: Path) -> InvalidInputError:
    message = f"{str(path)!r} is a link or the like, and a backup has only files: it was changed; use another backup"
    return InvalidInputError(message, field="source")


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
