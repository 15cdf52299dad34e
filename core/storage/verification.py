"""Checks that a file still holds the content that it is kept for, without reading it again each time."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from core.storage.checksums import sha256

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REMEMBERED = 100_000
"""How many files one process remembers as verified."""


class Verifier:
    """Reads a file once in the life of a process, and again only when its inode, size or time of change is another."""

    def __init__(self) -> None:
        self._verified: OrderedDict[tuple[int, int], tuple[int, int, str]] = OrderedDict()
        self._lock = threading.Lock()

    def holds(self, path: Path, expected: str, progress: Callable[[int], None] | None = None) -> bool:
        """Tell whether the file at `path` has the SHA-256 `expected`; False also where there is no file."""
        try:
            if self._recall(path) == expected:
                return True
            before = self._state(path)
            found = sha256(path, progress)
        except FileNotFoundError:
            return False
        if found == expected and self._state(path) == before:
            self._remember(*before, expected)
        return found == expected

    def trust(self, path: Path, sha256: str) -> None:
        """Remember a file that was hashed while it was written."""
        self._remember(*self._state(path), sha256)

    def _recall(self, path: Path) -> str | None:
        file, state = self._state(path)
        with self._lock:
            known = self._verified.get(file)
            if known is None or known[:2] != state:
                return None
            self._verified.move_to_end(file)
            return known[2]

    def _remember(self, file: tuple[int, int], state: tuple[int, int], sha256: str) -> None:
        with self._lock:
            self._verified[file] = (*state, sha256)
            self._verified.move_to_end(file)
            if len(self._verified) > REMEMBERED:
                self._verified.popitem(last=False)

    @staticmethod
    def _state(path: Path) -> tuple[tuple[int, int], tuple[int, int]]:
        status = os.lstat(path)
        return (status.st_dev, status.st_ino), (status.st_size, status.st_mtime_ns)
