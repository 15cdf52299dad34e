"""Writes directories as a tar archive, piece by piece: a host's engine unpacks it while it is still read here."""

from __future__ import annotations

import os
import stat
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

PIECE = 256 * 1024


def size(members: Iterable[tuple[Path, str]]) -> int:
    """Return how many bytes the files among `members` and below them hold."""
    return sum(status.st_size for _, _, status in _entries(members) if stat.S_ISREG(status.st_mode))


def archive(members: Iterable[tuple[Path, str]]) -> Iterator[bytes]:
    """Yield an archive of files and directories with all that is below them, each under the name given with it.

    Everything is root's and can be read by everybody, as the owner here means nothing over there; who may write stays
    as it is. Links are kept as links; what is neither file, link nor directory is left out.
    """
    for path, name, status in _entries(members):
        header = _header(path, name, status)
        if header is not None:
            yield header.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
            if header.isreg():
                yield from _content(path, header.size)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _entries(members: Iterable[tuple[Path, str]]) -> Iterator[tuple[str, str, os.stat_result]]:
    """Yield path, name and status of each thing; a directory comes before what is in it."""
    for root, top in members:
        pending = [(str(root), top)]
        while pending:
            path, name = pending.pop()
            status = os.lstat(path)
            yield path, name, status
            if stat.S_ISDIR(status.st_mode):
                pending += [(f"{path}/{each}", f"{name}/{each}") for each in sorted(os.listdir(path), reverse=True)]  # noqa: PTH208


def _header(path: str, name: str, status: os.stat_result) -> tarfile.TarInfo | None:
    header = tarfile.TarInfo(name)
    header.mtime = int(status.st_mtime)
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISDIR(status.st_mode):
        header.type, header.mode = tarfile.DIRTYPE, mode | 0o555
    elif stat.S_ISLNK(status.st_mode):
        header.type, header.linkname = tarfile.SYMTYPE, os.readlink(path)  # noqa: PTH115
    elif stat.S_ISREG(status.st_mode):
        header.size, header.mode = status.st_size, mode | 0o444
    else:
        return None
    return header


def _content(path: str, length: int) -> Iterator[bytes]:
    """Yield a file's bytes and what fills its last block up; it has the length that its header says."""
    left = length
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        while left:
            piece = file.read(min(PIECE, left))
            if not piece:
                message = f"{path} became shorter while it was sent"
                raise OSError(message)
            left -= len(piece)
            yield piece
    if rest := length % tarfile.BLOCKSIZE:
        yield bytes(tarfile.BLOCKSIZE - rest)
