"""Looking into packed code: which files it has, and what one of them holds."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING, NamedTuple

from core.errors import NotFoundError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LARGEST_SHOWN = 512 * 1024
"""Bytes of one file that are read to be shown."""
MOST_LISTED = 10_000


class CodeFile(NamedTuple):
    """One file of packed code, `size` in bytes."""

    name: str
    size: int


def code_files(archive: Path) -> Sequence[CodeFile]:
    """Return the files of packed code, by name.

    Raises:
        UnavailableError: the archive is gone or cannot be read.
    """
    try:
        with tarfile.open(archive) as packed:
            found = [CodeFile(member.name, member.size) for member in packed if member.isfile()]
    except (OSError, tarfile.TarError) as error:
        raise _unreadable(archive, error) from error
    return sorted(found)[:MOST_LISTED]


def code_file(archive: Path, name: str) -> tuple[bytes, int]:
    """Return what a file holds, at most its first `LARGEST_SHOWN` bytes, and how many it has.

    Raises:
        NotFoundError: the code has no such file.
        UnavailableError: the archive is gone or cannot be read.
    """
    try:
        with tarfile.open(archive) as packed:
            for member in packed:
                if member.name == name and member.isfile() and (content := packed.extractfile(member)) is not None:
                    return content.read(LARGEST_SHOWN), member.size
    except (OSError, tarfile.TarError) as error:
        raise _unreadable(archive, error) from error
    message = f"the code has no file {name!r}"
    raise NotFoundError(message, field="file")


def _unreadable(archive: Path, error: Exception) -> UnavailableError:
    message = f"the packed code {archive.name} cannot be read ({error}): `shoal doctor` says what is wrong"
    return UnavailableError(message)
