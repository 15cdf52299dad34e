"""Unpacks the outputs of a container of another machine, without trusting anything in the archive.

Directories are made and entered one by one without following links, files are made anew, and what is no file becomes
something harmless of the like, so that it is told of as any other output that is not kept.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import tarfile
from contextlib import suppress
from typing import TYPE_CHECKING

from core.scheduler.outputs_directory import DEEPEST
from core.storage.names import printable_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PIECE = 256 * 1024
END = 2 * tarfile.BLOCKSIZE
"""Zeros that an archive ends with."""
RESERVE = 64 * 1024**2
"""Bytes of the disk that a file must leave."""
LINES = 100
"""Entries that are told of when they cannot be kept."""
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def receive(
    chunks: Iterator[bytes], outputs: Path, checkpoint: Callable[[], None], report: Callable[[str], None]
) -> None:
    """Unpack an archive whose entries lie below one top directory into `outputs`, which is emptied first.

    `report` is told of entries that cannot lie there.

    Raises:
        OSError: the disk is full, or the like; what is there is not all.
    """
    shutil.rmtree(outputs, ignore_errors=True)
    outputs.mkdir(mode=0o700, parents=True)
    source = _Source(chunks, checkpoint)
    receiver = _Receiver(outputs, report)
    try:
        with tarfile.open(
            fileobj=source, mode="r|", bufsize=PIECE, encoding="utf-8", errors="surrogateescape"
        ) as archive:
            while (member := archive.next()) is not None:
                archive.members = []  # type: ignore[attr-defined] # it would remember all of them
                receiver.take(archive, member, checkpoint)
        source.end()
    except tarfile.TarError as error:
        raise OSError(errno.EIO, f"the archive of the outputs cannot be read ({error})") from error
    finally:
        receiver.close()


class _Source(io.RawIOBase):
    """The archive's bytes as a file that is read once."""

    def __init__(self, chunks: Iterator[bytes], checkpoint: Callable[[], None]) -> None:
        self._chunks = chunks
        self._checkpoint = checkpoint
        self._rest = memoryview(b"")
        self._tail = b""

    def end(self) -> None:
        """See that the archive came to its end: Docker closes one that it could not read on with as an ordinary one."""
        while self.read(PIECE):
            pass
        if self._tail != bytes(END):
            message = "it ends in the middle"
            raise tarfile.ReadError(message)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts: list[bytes] = []
        while size > 0:
            if not self._rest:
                self._checkpoint()
                self._rest = memoryview(next(self._chunks, b""))
                if not self._rest:
                    break
            parts.append(bytes(self._rest[:size]))
            self._rest = self._rest[size:]
            size -= len(parts[-1])
        data = b"".join(parts)
        self._tail = (self._tail + data[-END:])[-END:]
        return data


class _Receiver:
    """Makes files and directories below `root`."""

    def __init__(self, root: Path, report: Callable[[str], None]) -> None:
        self._report = report
        self._told = 0
        self._root = os.open(root, _DIRECTORY)
        self._parts: tuple[str, ...] = ()
        self._place = os.dup(self._root)

    def take(self, archive: tarfile.TarFile, member: tarfile.TarInfo, checkpoint: Callable[[], None]) -> None:
        """Make one entry; one that cannot lie there is left out."""
        parts = _parts(member.name)
        if not parts or len(parts) > DEEPEST:
            return
        try:
            self._enter(parts[:-1])
            if not member.isreg():
                self._make(member, parts)
                return
            self._see_room(member.size)
            descriptor = os.open(parts[-1], _NEW, 0o600, dir_fd=self._place)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            self._refuse(parts, error.strerror or str(error))
            return
        with os.fdopen(descriptor, "wb") as file:
            self._copy(archive, member, file, checkpoint)

    def close(self) -> None:
        """Let go of the directories."""
        os.close(self._place)
        os.close(self._root)

    def _copy(
        self, archive: tarfile.TarFile, member: tarfile.TarInfo, file: io.BufferedWriter, checkpoint: Callable[[], None]
    ) -> None:
        source = archive.extractfile(member)
        while source is not None and (piece := source.read(PIECE)):
            checkpoint()
            file.write(piece)

    def _see_room(self, size: int) -> None:
        """Raise where a file does not fit now, another error where it never can."""
        room = os.fstatvfs(self._root)
        if size > room.f_blocks * room.f_frsize:
            raise OSError(errno.EFBIG, f"its {size} bytes are more than this machine's disk has")
        if size + RESERVE > room.f_bavail * room.f_frsize:
            raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)}: an output needs {size} bytes")

    def _refuse(self, parts: tuple[str, ...], why: str) -> None:
        self._told += 1
        if self._told <= LINES:
            self._report(f"output {printable_name('/'.join(parts))}: not kept: {why}")

    def _make(self, member: tarfile.TarInfo, parts: tuple[str, ...]) -> None:
        name = parts[-1]
        if member.isdir():
            with suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=self._place)
        elif member.islnk():
            self._link(_parts(member.linkname), name)
        elif member.issym():
            os.symlink("link", name, dir_fd=self._place)
        elif member.isfifo():
            os.mkfifo(name, 0o600, dir_fd=self._place)
        else:
            self._refuse(parts, "it is a device; only regular files are")

    def _link(self, target: tuple[str, ...], name: str) -> None:
        """Make another name of a file that came before."""
        if not target:
            return
        here = os.dup(self._place)
        try:
            self._enter(target[:-1])
            os.link(target[-1], name, src_dir_fd=self._place, dst_dir_fd=here, follow_symlinks=False)
        finally:
            os.close(here)

    def _enter(self, parts: tuple[str, ...]) -> None:
        """Go to a directory, making it where it is not there."""
        if parts == self._parts:
            return
        descriptor = os.dup(self._root)
        for part in parts:
            try:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o700, dir_fd=descriptor)
                deeper = os.open(part, _DIRECTORY, dir_fd=descriptor)
            finally:
                os.close(descriptor)
            descriptor = deeper
        os.close(self._place)
        self._place, self._parts = descriptor, parts


def _parts(name: str) -> tuple[str, ...]:
    """Return the names below the archive's top directory, nothing for what does not lie below it."""
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    return () if name.startswith("/") or ".." in parts or "\0" in name else parts[1:]
