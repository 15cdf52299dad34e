"""Unpacks code into a directory that appears whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sys
import zlib
from typing import TYPE_CHECKING

from core.errors import InvalidInputError, UnavailableError
from core.projects.code_archive import disk_error
from core.projects.members import Members

if sys.version_info >= (3, 12):
    import tarfile
else:
    from backports import tarfile  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SYNCED_ONE_BY_ONE = 100


def unpack(archive: Path, destination: Path) -> None:
    """Unpack `archive` into the new directory `destination`; one that exists is taken as done.

    It may be called by many at once, and again after a kill: one does the work, in a directory beside the
    destination that is renamed at the end.

    Raises:
        InvalidInputError: a member leads outside, or is neither a file, a directory nor a link; nothing is left.
        UnavailableError: the archive is missing or damaged, or the disk is full.
    """
    if destination.is_dir():
        return
    try:
        destination.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _claimed(destination) as partial:
            if partial is not None:
                _extract(archive, partial)
                _make_durable(partial)
                partial.rename(destination)
    except OSError as error:
        raise disk_error(error, destination.parent) from error


@contextlib.contextmanager
def _claimed(destination: Path) -> Iterator[Path | None]:
    """Yield an empty directory that no other process works in, None once the destination is there.

    The directory itself is the lock: whoever dies lets go of it, whoever waited sees whether it is still the same.
    """
    partial = destination.with_name(f".{destination.name}.partial")
    while not destination.is_dir():
        partial.mkdir(mode=0o755, exist_ok=True)
        try:
            descriptor = os.open(partial, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not _is_same(descriptor, partial):
                continue
            _empty(partial)
            if destination.is_dir():
                # It was finished between our look and our making of the directory.
                partial.rmdir()
                continue
            try:
                yield partial
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
            return
        finally:
            os.close(descriptor)
    yield None


def _is_same(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _empty(directory: Path) -> None:
    for entry in list(directory.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _extract(archive: Path, directory: Path) -> None:
    members = Members()
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                _check(member, members)
                tar.extract(member, directory, filter="data")
    except FileNotFoundError as error:
        message = f"the code archive {archive} is missing: restore it from a backup, or commit and run again"
        raise UnavailableError(message) from error
    except tarfile.FilterError as error:
        raise InvalidInputError(f"{archive.name}: {error}", field="archive") from error
    except (tarfile.TarError, EOFError, zlib.error) as error:
        message = (
            f"the code archive {archive} is damaged ({error}): restore it from a backup, or delete it and run again"
        )
        raise UnavailableError(message) from error


def _check(member: tarfile.TarInfo, members: Members) -> None:
    name = member.name.removeprefix("./")
    if member.isdir():
        if name != ".":
            members.add_directory(name)
    elif member.issym():
        members.add_link(name, member.linkname)
    elif member.islnk():
        if not members.has_file(member.linkname.removeprefix("./")):
            message = f"the hard link {member.name!r} leads to {member.linkname!r}, which is no file of the archive"
            raise InvalidInputError(message, field="archive")
        members.add_file(name)
    elif member.isreg() and not member.issparse():
        members.add_file(name)
    else:
        message = f"{member.name!r} is neither a file, a directory nor a link: code holds nothing else"
        raise InvalidInputError(message, field="archive")


def _make_durable(directory: Path) -> None:
    """Give every directory its mode whatever the umask, and bring everything to the disk before it gets its name."""
    files: list[str] = []
    for root, _directories, names in os.walk(directory):
        os.chmod(root, 0o755)  # noqa: PTH101, S103 - code is read by whatever user the container has
        files += [os.path.join(root, name) for name in names]  # noqa: PTH118 - one of ten thousand
    if len(files) > _SYNCED_ONE_BY_ONE:
        os.sync()
        return
    for file in files:
        if not os.path.islink(file):  # noqa: PTH114
            descriptor = os.open(file, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
