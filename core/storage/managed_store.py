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
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from core.storage.checksums import Checksums
    from core.storage.incoming import IncomingFile

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

    def adopt(self, source: Path, key: str, progress: Callable[[int], None] | None = None) -> Checksums:
        """Keep `source` under `key`, durably; called again after a kill, it finds what it did.

        The file is linked where nobody else can change it, and copied where somebody could: a name elsewhere, another
        owner, an open descriptor, another file system. In both cases `source` stays, as a name of the kept file
        where the file system can do that: the caller removes it when the key is recorded. `progress` gets the bytes
        read so far; what it raises ends the call, which may be made again.

        Returns:
            The checksums of what was kept, taken when nobody could change it any more: those that were taken of the
            source before may be of what it held then.

        Raises:
            FileExistsError: the key holds another file.
            NotADirectoryError: a file lies where the key needs a directory.
            InvalidInputError: `source` is no regular file.
        """
        target = self.path(key)
        with _opened(source) as descriptor:
            kept = _status(target)
            if kept is not None:
                is_same = _is_same(kept, os.fstat(descriptor))
                return checksum(descriptor, progress) if is_same else _same_content(descriptor, target, progress)
            _make_directories(target.parent, self._root)
            if _is_ours_alone(descriptor) and _link(source, descriptor, target):
                return checksum(descriptor, progress)
            return self._copy(source, descriptor, key, progress)

    def discard(self, key: str) -> None:
        """Remove what was kept under a key that was never recorded."""
        self.path(key).unlink(missing_ok=True)

    def take_in(self, written: IncomingFile, key: str) -> None:
        """Keep a file that was completely written to `incoming` under `key`, durably.

        Raises:
            FileExistsError: the key holds a file.
            NotADirectoryError: a file lies where the key needs a directory.
        """
        target = self.path(key)
        _make_directories(target.parent, self._root)
        os.fchmod(written.descriptor, 0o444)
        os.fsync(written.descriptor)
        os.link(written.path, target)
        _sync_directory(target.parent)

    def _copy(self, source: Path, descriptor: int, key: str, progress: Callable[[int], None] | None) -> Checksums:
        self.incoming.sweep()
        with self.incoming.create() as file:
            checksums = copy(descriptor, file.descriptor, progress)
            self.take_in(file, key)
        self._replace_by_link(source, self.path(key))
        return checksums

    def _replace_by_link(self, source: Path, target: Path) -> None:
        # So that a second call after a kill knows the source as the kept file, and not as another of the same name.
        with contextlib.suppress(OSError), self.incoming.link(target) as link:
            link.replace(source)


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


def _same_content(descriptor: int, target: Path, progress: Callable[[int], None] | None) -> Checksums:
    # An earlier try may have copied and then been killed.
    checksums = checksum(descriptor, progress)
    if target.is_file() and target.stat().st_size == checksums.size and checksum(target, progress) == checksums:
        return checksums
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))


def _not_regular(source: Path) -> InvalidInputError:
    return InvalidInputError(f"{source.name!r} is no regular file: links, sockets and devices are not kept")


def _is_ours_alone(descriptor: int) -> bool:
    # A write lease is granted only where no other descriptor of the file exists; a container that still holds one
    # could go on writing into a file that was kept. While it is held, whoever opens another name of the file waits and
    # is seen. A lease that is broken sends SIGIO, which would end the process.
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        status = os.fstat(descriptor)
        is_undisturbed = fcntl.fcntl(descriptor, fcntl.F_GETLEASE) == fcntl.F_WRLCK
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError:
        return False
    return is_undisturbed and status.st_uid == os.geteuid() and status.st_nlink == 1


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
