"""Files that are still being written, in a directory of their own on the file system they are meant for."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A file being written, by its path and an open descriptor."""

    path: Path
    descriptor: int

    def clear(self) -> None:
        """Forget what was written, to begin again."""
        os.ftruncate(self.descriptor, 0)
        os.lseek(self.descriptor, 0, os.SEEK_SET)


class Incoming:
    """Makes temporary files and sweeps those of processes that died.

    A living writer holds a lock on its file; a lock ends with its process, however that ended, and so tells a file in
    use from one left behind better than a process id in a name, which is used again.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextlib.contextmanager
    def create(self) -> Iterator[IncomingFile]:
        """Give an empty file (mode 0600) for writing; its name is removed at the end, links made to it stay."""
        file = self._create_locked()
        try:
            yield file
        finally:
            file.path.unlink(missing_ok=True)
            os.close(file.descriptor)

    @contextlib.contextmanager
    def link(self, target: Path) -> Iterator[Path]:
        """Give `target` another name, to be renamed to where it is wanted; one that was not is removed at the end.

        Nothing locks it: a sweep may take it away before it was renamed.
        """
        path = self._directory / secrets.token_hex(12)
        path.hardlink_to(target)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def sweep(self) -> int:
        """Remove the files whose writers are dead; return how many."""
        return sum(_remove_if_abandoned(path) for path in self._directory.iterdir())

    def _create_locked(self) -> IncomingFile:
        while True:
            path = self._directory / secrets.token_hex(12)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # A sweep may have come between the two calls; then this file has no name any more.
            if os.fstat(descriptor).st_nlink == 1:
                return IncomingFile(path, descriptor)
            os.close(descriptor)


def _remove_if_abandoned(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)
