"""Puts verified contents into the directory of a run's inputs, each whole or not there."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from core.errors import UnavailableError
from core.storage.checksums import copy
from core.storage.incoming import Incoming

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_CANNOT_LINK = (errno.EXDEV, errno.EMLINK, errno.EPERM)
_COPYING = ".incoming"


class Placer:
    """Fills one directory, in which nobody else writes. Directories get mode 0755, files are 0444."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.clean()

    def target(self, path: str) -> Path:
        """Return where the file of a relative path belongs."""
        return self._directory / path

    def place(self, content: Path, path: str, sha256: str, progress: Callable[[int], None]) -> None:
        """Put a content at a relative path: a hard link, or a verified copy where the file system has none."""
        target = self.target(path)
        self._make_directories(target.parent)
        if target.exists() and target.samefile(content):
            return
        target.unlink(missing_ok=True)
        try:
            os.link(content, target, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _CANNOT_LINK:
                raise
            self._copy(content, target, sha256, progress)

    def clean(self) -> None:
        """Leave nothing behind but what was placed."""
        copying = self._directory / _COPYING
        if copying.is_dir():
            Incoming(copying).sweep()
            copying.rmdir()

    def _copy(self, content: Path, target: Path, sha256: str, progress: Callable[[int], None]) -> None:
        with Incoming(self._directory / _COPYING).create() as file:
            reading = os.open(content, os.O_RDONLY | os.O_CLOEXEC)
            try:
                found = copy(reading, file.descriptor, progress).sha256
            finally:
                os.close(reading)
            if found != sha256:
                message = f"{content} is damaged: its sha256 is {found} instead of {sha256}"
                raise UnavailableError(message, field="inputs")
            os.fchmod(file.descriptor, 0o444)
            file.path.replace(target)

    def _make_directories(self, directory: Path) -> None:
        if directory == self._directory or directory.is_dir():
            return
        self._make_directories(directory.parent)
        directory.mkdir(exist_ok=True)
        directory.chmod(0o755)  # whatever the umask: a container's user must get in
