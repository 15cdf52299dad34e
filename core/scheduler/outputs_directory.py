"""Reads and empties the directory that a container writes its outputs to, without trusting anything in it.

The container may swap names under our hands: directories are opened one by one without following links, files are
moved by directory descriptor, and a file is opened only after its kind was seen on the very thing that is opened
(opening a device can already do harm).
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEPEST = 64
"""Directories within one another beyond which nothing is looked for."""


@dataclass(frozen=True, slots=True)
class Found:
    """A name that is no directory; `path` is relative to the outputs directory."""

    path: str
    status: os.stat_result

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.status.st_mode)


class OutputsDirectory:
    """The outputs directory of one attempt."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def files(self) -> Iterator[Found]:
        """Yield every name below that is no directory, and directories that lie too deep to be looked into."""
        pending: list[tuple[str, ...]] = [()]
        while pending:
            parts = pending.pop()
            try:
                descriptor = self._open(parts)
            except OSError:
                continue
            try:
                for name in sorted(os.listdir(descriptor)):  # noqa: PTH208 - pathlib lists no descriptors
                    found = _status(name, descriptor)
                    if found is None:
                        continue
                    if not stat.S_ISDIR(found.st_mode) or len(parts) + 1 >= DEEPEST:
                        yield Found("/".join((*parts, name)), found)
                    else:
                        pending.append((*parts, name))
            finally:
                os.close(descriptor)

    def move(self, path: str, target: Path) -> None:
        """Move a file out of the container's reach.

        Raises:
            OSError: it is gone, or its directory is another user's.
        """
        *parts, name = path.split("/")
        descriptor = self._open(tuple(parts))
        try:
            os.rename(name, target, src_dir_fd=descriptor)
        finally:
            os.close(descriptor)

    def version(self, path: str) -> tuple[int, int] | None:
        """Return what changes when a file is written to: its time of modification (ns) and its size."""
        *parts, name = path.split("/")
        try:
            directory = self._open(tuple(parts))
        except OSError:
            return None
        try:
            status = _status(name, directory)
            return None if status is None else (status.st_mtime_ns, status.st_size)
        finally:
            os.close(directory)

    def read(self, path: str, largest: int) -> bytes | None:
        """Return what a regular file holds, None where there is none, or one of more than `largest` bytes."""
        *parts, name = path.split("/")
        try:
            directory = self._open(tuple(parts))
        except OSError:
            return None
        try:
            return _read(name, directory, largest)
        finally:
            os.close(directory)

    def _open(self, parts: tuple[str, ...]) -> int:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self.root, flags)
        for part in parts:
            if part in ("", ".", ".."):
                os.close(descriptor)
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            try:
                deeper = os.open(part, flags, dir_fd=descriptor)
            finally:
                os.close(descriptor)
            descriptor = deeper
        return descriptor


def _status(name: str, directory: int) -> os.stat_result | None:
    with suppress(OSError):
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    return None


def _read(name: str, directory: int, largest: int) -> bytes | None:
    with suppress(OSError):
        looked_at = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        try:
            status = os.fstat(looked_at)
            if stat.S_ISREG(status.st_mode) and status.st_size <= largest:
                return Path(f"/proc/self/fd/{looked_at}").read_bytes()
        finally:
            os.close(looked_at)
    return None
