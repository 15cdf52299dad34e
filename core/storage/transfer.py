"""Copies between the store and the files of the person who asks, hashed while they are made."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from typing import TYPE_CHECKING

from core.errors import ConflictError, InvalidInputError, UnavailableError
from core.storage.checksums import copy
from core.storage.names import base_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from core.storage.checksums import Checksums
    from core.storage.files import File
    from core.storage.incoming import IncomingFile


_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)


def read_in(source: Path, incoming: IncomingFile, progress: Callable[[int, int], None] | None) -> Checksums:
    """Copy a person's file to an incoming one and return the checksums of what was copied.

    Raises:
        InvalidInputError: `source` is no regular file that can be read.
        UnavailableError: reading or writing failed in the middle.
    """
    with _opened(source) as descriptor:
        size = os.fstat(descriptor).st_size
        try:
            return copy(descriptor, incoming.descriptor, _towards(size, progress))
        except OSError as error:
            message = f"{str(source)!r} could not be copied into the store: {error.strerror}"
            raise UnavailableError(message) from error


def write_out(
    source: Path,
    file: File,
    destination: Path,
    progress: Callable[[int, int], None] | None,
    *,
    overwrite: bool,
) -> Path:
    """Copy a stored file to `destination`, which appears only when it is whole and verified; return its path."""
    target = destination / base_name(file.name) if destination.is_dir() else destination
    if target.is_dir() or (os.path.lexists(target) and not overwrite):
        raise _exists(target)
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        _copy_verified(source, file, part, progress)
        if overwrite:
            part.replace(target)
        else:
            _name_new(part, target)
    except FileExistsError as error:
        raise _exists(target) from error
    except OSError as error:
        message = f"{str(target)!r} cannot be written: {error.strerror}"
        raise UnavailableError(message, field="destination") from error
    finally:
        part.unlink(missing_ok=True)
    return target


def _name_new(part: Path, target: Path) -> None:
    try:
        os.link(part, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        part.rename(target)  # on a file system without links, where nothing lay there a moment ago


def _copy_verified(source: Path, file: File, part: Path, progress: Callable[[int, int], None] | None) -> None:
    reading = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        writing = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            checksums = copy(reading, writing, _towards(file.size, progress))
        finally:
            os.close(writing)
    finally:
        os.close(reading)
    if checksums != file.checksums:
        message = (
            f"file {file.name!r} ({file.uuid}) is damaged in the store at {source}:"
            f" its sha256 is {checksums.sha256} instead of {file.sha256}; restore it from a backup"
        )
        raise UnavailableError(message)


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[int]:
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        message = f"{str(source)!r} cannot be read: {reason}"
        raise InvalidInputError(message, field="source") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            message = f"{str(source)!r} is no regular file: give one file, or pack the directory first"
            raise InvalidInputError(message, field="source")
        yield descriptor
    finally:
        os.close(descriptor)


def _towards(total: int, progress: Callable[[int, int], None] | None) -> Callable[[int], None] | None:
    if progress is None:
        return None
    return lambda done: progress(done, max(done, total))


def _exists(target: Path) -> ConflictError:
    message = f"{str(target)!r} exists already: move it away, or give another destination"
    return ConflictError(message, field="destination")
