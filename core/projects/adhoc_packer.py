"""Ad-hoc code: the working tree as it is, under a name made from its content.

The identifier is the SHA-256 of what the tree holds (names, kinds, executable or not, content), not of the archive:
so it is the same on every machine, whatever the umask, the time, the compression library or the Python that packed it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

from core.errors import InvalidInputError, NotFoundError
from core.projects.code_archive import PackedCode, printable, writing
from core.projects.manifest import read_manifest
from core.projects.members import Members
from core.projects.working_tree import code_files
from core.projects.yaml_document import MAXIMUM_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from core.projects.code_archive import CodeWriter

MAXIMUM_FILES = 10_000
MAXIMUM_PACKED_BYTES = 1000 * 1024 * 1024
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    size: int
    executable: bool
    digest: bytes


@dataclass(frozen=True, slots=True)
class _Link:
    name: str
    target: str


def pack_working_tree(
    directory: Path,
    destination: Path,
    *,
    yaml_path: str = "valohai.yaml",
    progress: Callable[[int, int], None] | None = None,
) -> PackedCode:
    """Pack the files of `directory` as they are now into `destination`.

    `progress` is called with the bytes done and the bytes to do (each file is read twice: to name it and to pack it).

    Raises:
        NotFoundError: there is no valohai.yaml among them.
        ManifestError: it has errors.
        InvalidInputError: too many or too large files, one that cannot be packed, or that changes meanwhile.
    """
    directory = directory.resolve()
    names = _names(directory)
    manifest = read_manifest(_yaml(directory, names, yaml_path), name=yaml_path)
    meter = _Meter(directory, names, progress)
    entries = [_examined(directory, name, meter) for name in names]
    identifier = _identifier(entries)
    archive = destination / f"{identifier}.tar.gz"
    if not archive.exists():
        with writing(archive, maximum_bytes=MAXIMUM_PACKED_BYTES) as writer:
            for entry in entries:
                if isinstance(entry, _Link):
                    writer.add_link(entry.name, entry.target)
                else:
                    _pack(directory, entry, writer, meter)
    meter.finish()
    description = printable(f"ad hoc from {directory.name}: {len(entries)} files")
    return PackedCode(f"~{identifier}", archive, manifest.text, description, None, None, adhoc=True)


def _names(directory: Path) -> list[str]:
    """Return the names of what is really there; a file that git knows may have been deleted."""
    names = [name for name in code_files(directory) if _exists(directory, name)]
    if len(names) > MAXIMUM_FILES:
        message = (
            f"{directory} holds {len(names)} files, {MAXIMUM_FILES} at most can be packed: "
            "list what is not code in .vhignore"
        )
        raise InvalidInputError(message, field="directory")
    return names


def _exists(directory: Path, name: str) -> bool:
    # A directory that became a link is listed as that link: what git remembers below it is not the tree's any more.
    parent = os.path.dirname(name)  # noqa: PTH120 - names need not be text
    while parent:
        if (directory / parent).is_symlink():
            return False
        parent = os.path.dirname(parent)  # noqa: PTH120
    return os.path.lexists(directory / name)


def _yaml(directory: Path, names: list[str], yaml_path: str) -> bytes:
    if yaml_path not in names:
        if os.path.lexists(directory / yaml_path):
            message = f"{yaml_path} is left out by .vhignore or .gitignore: the code needs it, remove it from there"
        else:
            message = f"{directory} has no {yaml_path}: write one with `shoal init`"
        raise NotFoundError(message, field="yaml_path")
    with _open(directory, yaml_path) as stream:
        return stream.read(MAXIMUM_BYTES + 1)


def _examined(directory: Path, name: str, meter: _Meter) -> _File | _Link:
    try:
        target = _link_target(directory, name) if (directory / name).is_symlink() else None
    except OSError as error:
        raise _changed(name) from error
    if target is not None:
        Members().add_link(name, target)
        return _Link(name, target)
    with _open(directory, name) as stream:
        before = os.fstat(stream.fileno())
        content = _Counted(name, stream, meter)
        while content.read(_CHUNK):
            if content.size > before.st_size:  # a log may grow as fast as it is read
                raise _changed(name)
        after = os.fstat(stream.fileno())
    if content.size != before.st_size or after.st_mtime_ns != before.st_mtime_ns:
        raise _changed(name)
    return _File(name, content.size, bool(before.st_mode & stat.S_IXUSR), content.digest())


def _pack(directory: Path, file: _File, writer: CodeWriter, meter: _Meter) -> None:
    with _open(directory, file.name) as stream:
        content = _Counted(file.name, stream, meter)
        try:
            writer.add_file(file.name, cast("IO[bytes]", content), file.size, executable=file.executable)
        except EOFError as error:
            raise _changed(file.name) from error
        if content.digest() != file.digest or stream.read(1):
            raise _changed(file.name)


def _link_target(directory: Path, name: str) -> str:
    """Return where a link leads; one that names a place in the tree by its full path is made relative."""
    target = os.readlink(directory / name)  # noqa: PTH115 - kept to the letter
    base = f"{directory}/"
    if target.startswith(base):
        return os.path.relpath(target.removeprefix(base), os.path.dirname(name) or ".")  # noqa: PTH120
    return target


def _open(directory: Path, name: str) -> IO[bytes]:
    try:
        # Not blocking, and not through a link: what is there now need not be what was listed.
        descriptor = os.open(directory / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise _changed(name) from error
    except OSError as error:
        raise _unpackable(name, f"cannot be read ({error.strerror})") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _unpackable(name, "is not a file (a socket, a pipe or a device)")
    return os.fdopen(descriptor, "rb")


def _identifier(entries: list[_File | _Link]) -> str:
    digest = hashlib.sha256()
    for entry in entries:
        name = os.fsencode(entry.name)
        if isinstance(entry, _Link):
            kind, content = "link", hashlib.sha256(os.fsencode(entry.target)).digest()
        else:
            kind, content = "executable" if entry.executable else "file", entry.digest
        digest.update(f"{kind} {len(name)} ".encode() + name + content)
    return digest.hexdigest()


def _changed(name: str) -> InvalidInputError:
    return _unpackable(name, "changed or vanished while it was packed; run again when nothing writes it")


def _unpackable(name: str, problem: str) -> InvalidInputError:
    message = f"the file {name!r} {problem}: to leave it out of the code, list it in .vhignore"
    return InvalidInputError(message, field=name)


class _Meter:
    """Tells how far the packing is."""

    def __init__(self, directory: Path, names: list[str], progress: Callable[[int, int], None] | None) -> None:
        self._progress = progress
        self._done = 0
        self._total = 0 if progress is None else 2 * sum(_size(directory, name) for name in names)

    def add(self, size: int) -> None:
        if self._progress is not None:
            self._done = min(self._done + size, self._total)
            self._progress(self._done, self._total)

    def finish(self) -> None:
        self.add(self._total - self._done)


def _size(directory: Path, name: str) -> int:
    try:
        status = os.lstat(directory / name)
    except OSError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


class _Counted:
    """A stream that is hashed and counted while it is read."""

    def __init__(self, name: str, stream: IO[bytes], meter: _Meter) -> None:
        self._name = name
        self._stream = stream
        self._meter = meter
        self._hash: Any = hashlib.sha256()
        self.size = 0

    def read(self, size: int) -> bytes:
        try:
            content = self._stream.read(size)
        except OSError as error:
            raise _unpackable(self._name, f"cannot be read ({error.strerror})") from error
        self._hash.update(content)
        self.size += len(content)
        self._meter.add(len(content))
        return content

    def digest(self) -> bytes:
        return bytes(self._hash.digest())
