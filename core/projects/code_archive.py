"""The archives that code is kept in: written whole or not at all, the same bytes in, the same name out."""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from core.errors import InvalidInputError, UnavailableError
from core.projects.members import Members

if TYPE_CHECKING:
    from collections.abc import Iterator

MODIFIED_AT = 946_684_800
"""The one time of every file (2000-01-01): the same code packs the same, and zip files can hold it, unlike 1970."""
_COMPRESSION = 1  # code is small, and packing it is time that a person waits
_TEMPORARY = ".packing-"
_ABANDONED_AFTER = 24 * 3600
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PackedCode:
    """Code that was packed: the archive, and what is known of it.

    `identifier` is a commit's full hash, or `~` and the SHA-256 of an ad-hoc tree; `yaml` the text of its
    valohai.yaml; `ref` the branch or tag that was asked for; `committed_at` seconds since 1970.
    """

    identifier: str
    archive: Path
    yaml: str
    description: str
    ref: str | None
    committed_at: float | None
    adhoc: bool


class CodeWriter:
    """Writes one archive."""

    def __init__(self, stream: IO[bytes], maximum_bytes: int | None) -> None:
        self._limited = _Limited(stream, maximum_bytes)
        self._gzip = gzip.GzipFile(
            filename="", mode="wb", compresslevel=_COMPRESSION, fileobj=cast("IO[bytes]", self._limited), mtime=0
        )
        self._tar = tarfile.open(fileobj=self._gzip, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._members = Members()

    def add_file(self, name: str, content: IO[bytes], size: int, *, executable: bool) -> None:
        """Add a regular file of `size` bytes.

        Raises:
            InvalidInputError: the name leads outside, or the archive grows too large.
            EOFError: `content` ended early.
        """
        self._members.add_file(name)
        member = _member(name)
        member.size = size
        member.mode = 0o755 if executable else 0o644
        try:
            self._tar.addfile(member, content)
        except OSError as error:
            if str(error) == "unexpected end of data":
                raise EOFError(name) from error
            raise

    def add_link(self, name: str, target: str) -> None:
        """Add a symbolic link.

        Raises:
            InvalidInputError: it leads outside.
        """
        self._members.add_link(name, target)
        member = _member(name)
        member.type = tarfile.SYMTYPE
        member.linkname = target
        member.mode = 0o777
        self._tar.addfile(member)

    def close(self) -> None:
        """Write the end of the archive."""
        self._tar.close()
        self._gzip.close()


@contextlib.contextmanager
def writing(archive: Path, *, maximum_bytes: int | None = None) -> Iterator[CodeWriter]:
    """Write `archive` in a block: it appears, durable, when the block ends, and not at all where it fails.

    Raises:
        InvalidInputError: it grows beyond `maximum_bytes`.
        UnavailableError: the disk is full or cannot be written.
    """
    temporary: Path | None = None
    try:
        archive.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_abandoned(archive.parent)
        with tempfile.NamedTemporaryFile(dir=archive.parent, prefix=_TEMPORARY, delete=False) as stream:
            temporary = Path(stream.name)
            writer = CodeWriter(cast("IO[bytes]", stream), maximum_bytes)
            yield writer
            writer.close()
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(archive)
        _sync_directory(archive.parent)
    except OSError as error:
        raise disk_error(error, archive.parent) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _remove_abandoned(directory: Path) -> None:
    """Remove what a killed process left: a file that nobody has written to for a day."""
    for leftover in directory.glob(f"{_TEMPORARY}*"):
        with contextlib.suppress(FileNotFoundError):
            if leftover.stat().st_mtime < time.time() - _ABANDONED_AFTER:
                leftover.unlink()


def disk_error(error: OSError, directory: Path) -> UnavailableError:
    """Return the error that a person sees when writing below `directory` failed."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return UnavailableError(f"the disk of {directory} is full: free some space and try again")
    return UnavailableError(f"{error.filename or directory} cannot be written ({error.strerror or error})")


def printable(text: str, limit: int = 200) -> str:
    """Return `text` on one line, what cannot be shown replaced by `?`, cut at `limit` characters."""
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


def _member(name: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.mtime = MODIFIED_AT
    return member


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Limited:
    """The stream below the compression, which refuses to grow beyond its limit."""

    def __init__(self, stream: IO[bytes], maximum_bytes: int | None) -> None:
        self._stream = stream
        self._maximum = maximum_bytes
        self._written = 0

    def write(self, content: bytes) -> int:
        self._written += len(content)
        if self._maximum is not None and self._written > self._maximum:
            message = (
                f"the code is larger than {self._maximum // _MIB} MiB when packed: keep data out of it, as inputs, "
                "and list what is not code in .vhignore"
            )
            raise InvalidInputError(message, field="directory")
        return self._stream.write(content)

    def flush(self) -> None:
        self._stream.flush()
