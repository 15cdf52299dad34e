"""Shoal's own data store: a directory that only Shoal may enter, whose files are never changed or replaced."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import stat
from typing import TYPE_CHECKING

from core.errors import InvalidInputError
from core.storage.checksums import checksum, copy
from core.storage.incoming import Incoming
from core.storage.names import printable_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.storage.checksums import Checksums

_CANNOT_LINK = (errno.EXDEV, errno.EMLINK, errno.EPERM, errno.EACCES)


def output_keys(project_uuid: str, counter: int, name: str) -> Iterator[str]:
    """Yield the keys that an output of execution `counter` may take: the first is its own, the others avoid a clash."""
    prefix = f"{_project_prefix(project_uuid)}/output-{counter}"
    yield f"{prefix}/{printable_name(name)}"
    number = 2
    while True:
        yield f"{prefix}/.{number}/{printable_name(name)}"
        number += 1


def upload_key(project_uuid: str, file_uuid: str, name: str) -> str:
    """Return the key of an uploaded file."""
    return f"{_project_prefix(project_uuid)}/upload/{file_uuid}/{printable_name(name)}"


def _project_prefix(project_uuid: str) -> str:
    return f"data/{project_uuid.replace('-', '')[:5]}/{project_uuid}"


class ManagedStore:
    """The files below `root`, each under its key. Directories have mode 0700, files 0444."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.incoming = Incoming(root / ".incoming")

    def path(self, key: str) -> Path:
        """Return where the file of `key` lies.

        Raises:
            InvalidInputError: the key would lead out of the store.
        """
        parts = key.split("/")
        if not all(parts) or "." in parts or ".." in parts or "\0" in key:
            message = f"{key!r} is no key of a file in the store"
            raise InvalidInputError(message, field="key")
        return self._root.joinpath(*parts)

    def adopt(self, source: Path, key: str) -> Checksums | None:
        """Keep `source` under `key`, durably; called again after a kill, it finds what it did.

        The file is linked where nobody else can change it, and copied where somebody could: a name elsewhere, another
        owner, an open descriptor, another file system. In both cases `source` stays, as a name of the kept file
        where the file system can do that: the caller removes it when the key is recorded.

        Returns:
            None for a link; the checksums of the bytes that were kept for a copy: the source may have been
            changed since its own were taken.

        Raises:
            FileExistsError: the key holds another file.
            NotADirectoryError: a file lies where the key needs a directory.
            InvalidInputError: `source` is no regular file.
        """
        target = self.path(key)
        with _opened(source) as descriptor:
            kept = _status(target)
            if kept is not None:
                return None if _is_same(kept, os.fstat(descriptor)) else _same_content(descriptor, target)
            _make_directories(target.parent, self._root)
            if _is_ours_alone(descriptor) and _link(source, descriptor, target):
                return None
            return self._copy(source, descriptor, target)

    def discard(self, key: str) -> None:
        """Remove what was kept under a key that was never recorded."""
        self.path(key).unlink(missing_ok=True)

    def _copy(self, source: Path, descriptor: int, target: Path) -> Checksums:
        self.incoming.sweep()
        with self.incoming.create() as file:
            checksums = copy(descriptor, file.descriptor)
            os.fchmod(file.descriptor, 0o444)
            os.fsync(file.descriptor)
            os.link(file.path, target)
        _sync_directory(target.parent)
        _replace_by_link(source, target)
        return checksums


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[int]:
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO):
            raise
        raise _not_regular(source) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _not_regular(source)
        yield descriptor
    finally:
        os.close(descriptor)


def _status(target: Path) -> os.stat_result | None:
    try:
        return os.lstat(target)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _is_same(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def _same_content(descriptor: int, target: Path) -> Checksums:
    # An earlier try may have copied and then been killed.
    checksums = checksum(descriptor)
    if target.is_file() and target.stat().st_size == checksums.size and checksum(target) == checksums:
        return checksums
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))


def _not_regular(source: Path) -> InvalidInputError:
    return InvalidInputError(f"{source.name!r} is no regular file: links, sockets and devices are not kept")


def _is_ours_alone(descriptor: int) -> bool:
    status = os.fstat(descriptor)
    return status.st_uid == os.geteuid() and status.st_nlink == 1 and _is_open_nowhere_else(descriptor)


def _is_open_nowhere_else(descriptor: int) -> bool:
    # A write lease is granted only where no other descriptor of the file exists; a container that still holds one
    # could go on writing into a file that was kept. A lease that is broken sends SIGIO, which would end the process.
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError:
        return False
    return True


def _link(source: Path, descriptor: int, target: Path) -> bool:
    os.fchmod(descriptor, 0o444)
    os.fsync(descriptor)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno in _CANNOT_LINK:
            return False
        raise
    _sync_directory(target.parent)
    return True


def _replace_by_link(source: Path, target: Path) -> None:
    # So that a second call after a kill knows the source as the kept file, and not as another of the same name.
    beside = source.with_name(f".{os.getpid()}.kept")
    with contextlib.suppress(OSError):
        os.link(target, beside)
        beside.replace(source)


def _make_directories(directory: Path, root: Path) -> None:
    missing = []
    while directory != root and not directory.is_dir():
        missing.append(directory)
        directory = directory.parent
    for each in reversed(missing):
        with contextlib.suppress(FileExistsError):
            each.mkdir(mode=0o700)
        if not each.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(each))
        _sync_directory(each.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
