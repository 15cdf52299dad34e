"""Size, MD5, SHA-1 and SHA-256 of a content, found in one reading."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import ThreadPoolExecutor
    from pathlib import Path

CHUNK = 1024 * 1024
"""Bytes read at a time."""

WORTH_THREADS = 256 * 1024
"""Bytes from which hashing in several threads takes less time than starting them."""


@dataclass(frozen=True, slots=True)
class Checksums:
    """What identifies a content: `size` in bytes, the hashes in lower-case hexadecimal."""

    size: int
    md5: str
    sha1: str
    sha256: str


class Hasher:
    """Takes a content in pieces and gives its Checksums; large pieces are hashed by one thread for each hash."""

    def __init__(self) -> None:
        self._size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._threads: ThreadPoolExecutor | None = None

    def update(self, piece: bytes) -> None:
        """Take the next piece."""
        self._size += len(piece)
        if len(piece) < WORTH_THREADS:
            self._md5.update(piece)
            self._sha1.update(piece)
            self._sha256.update(piece)
            return
        if self._threads is None:
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - lists of files hash nothing

            self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="checksum")
        others = [self._threads.submit(each.update, piece) for each in (self._md5, self._sha1)]
        self._sha256.update(piece)
        for other in others:
            other.result()

    def result(self) -> Checksums:
        """Return the checksums of everything that was taken; nothing can be taken any more."""
        if self._threads is not None:
            self._threads.shutdown(wait=False)
        return Checksums(self._size, self._md5.hexdigest(), self._sha1.hexdigest(), self._sha256.hexdigest())


def checksum(source: Path | int, progress: Callable[[int], None] | None = None) -> Checksums:
    """Return the checksums of a file, given by its path or by a descriptor, which is read from its beginning.

    `progress` is called with the number of bytes read so far; what it raises ends the reading.
    """
    hasher = Hasher()
    for piece in _pieces(source, progress):
        hasher.update(piece)
    return hasher.result()


def sha256(source: Path | int, progress: Callable[[int], None] | None = None) -> str:
    """Return only the SHA-256 of a file: three times faster than `checksum`, and enough to verify a content."""
    digest = hashlib.sha256()
    for piece in _pieces(source, progress):
        digest.update(piece)
    return digest.hexdigest()


def copy(source: int, destination: int, progress: Callable[[int], None] | None = None) -> Checksums:
    """Copy one descriptor's content to another's and return the checksums of the bytes that were written."""
    hasher = Hasher()
    for piece in _pieces(source, progress):
        write_all(destination, piece)
        hasher.update(piece)
    return hasher.result()


def write_all(descriptor: int, piece: bytes) -> None:
    """Write all of `piece`, however little the kernel takes at a time."""
    view = memoryview(piece)
    while view:
        view = view[os.write(descriptor, view) :]


def _pieces(source: Path | int, progress: Callable[[int], None] | None) -> Iterator[bytes]:
    if not isinstance(source, int):
        descriptor = os.open(source, os.O_RDONLY)
        try:
            yield from _pieces(descriptor, progress)
        finally:
            os.close(descriptor)
        return
    offset = 0
    while piece := os.pread(source, CHUNK, offset):
        offset += len(piece)
        yield piece
        if progress is not None:
            progress(offset)
