"""Takes an attempt's outputs into the store: live ones while it runs, everything when it has ended.

The container can write below the directory that is read here, and may be hostile: directories are opened without
following links, names are moved by directory descriptor, and a file is looked at only after it was moved out of the
container's reach.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from core.storage.checksums import checksum
from core.storage.names import printable_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.session import Session

PROPERTIES_FILE = "valohai.metadata.jsonl"
SIDECAR = ".metadata.json"
LARGEST_PROPERTIES = 64 * 1024**2
"""Bytes of a sidecar or of the properties file above which it is kept as an output instead of being read."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A name in the outputs directory; `path` is relative to it."""

    path: str
    directory: int
    name: str
    status: os.stat_result


class OutputCollector:
    """Collects the outputs of one execution from `outputs` through `collected` into the store.

    `collected` holds one directory for each file on its way, `<number>/<relative path>`: after a kill it is emptied
    first.
    """

    def __init__(
        self, session: Session, execution_id: int, outputs: Path, collected: Path, report: Callable[[str], None]
    ) -> None:
        self._session = session
        self._execution_id = execution_id
        self._outputs = outputs
        self._collected = collected
        self._report = report
        self._refused: set[str] = set()

    def resume(self) -> None:
        """Bring into the store what an earlier scheduler had taken out of the outputs directory."""
        for directory in sorted(
            self._collected.iterdir(), key=lambda path: int(path.name) if path.name.isdigit() else 0
        ):
            for path in [path for path in directory.rglob("*") if not path.is_dir() or path.is_symlink()]:
                self._keep(path, os.fsencode(path.relative_to(directory)))
            shutil.rmtree(directory, ignore_errors=True)

    def collect_finished(self) -> None:
        """Take in the files that the container made read-only, which says that they are finished."""
        if not self._outputs.exists():
            return
        read_only = [
            found for found in self._walk() if stat.S_ISREG(found.status.st_mode) and not found.status.st_mode & 0o222
        ]
        for found in read_only:
            if not _is_properties(found.path):
                self._take(found.path)

    def collect_all(self) -> None:
        """Take in everything; call it when the container has ended."""
        self.resume()
        if not self._outputs.exists():
            return
        paths = []
        for found in self._walk():
            if stat.S_ISREG(found.status.st_mode):
                paths.append(found.path)
            else:
                self._refuse(found.path, _kind(found.status.st_mode))
        properties = [path for path in paths if _is_properties(path)]
        for path in [path for path in paths if not _is_properties(path)]:
            self._take(path)
        for path in properties:
            if not self._is_consumed(path):
                self._take(path)

    def _walk(self) -> Iterator[_Found]:
        root = os.fsencode(self._outputs)
        for directory, subdirectories, names, descriptor in os.fwalk(root, follow_symlinks=False):
            relative = os.path.relpath(directory, root)
            for name in sorted(names + subdirectories):
                try:
                    status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if stat.S_ISDIR(status.st_mode):
                    continue
                path = os.fsdecode(name if relative == b"." else os.path.join(relative, name))  # noqa: PTH118
                yield _Found(path, descriptor, os.fsdecode(name), status)

    def _take(self, relative: str) -> None:
        """Move one file out of the container's reach, then keep it."""
        target = self._collected / str(self._next_number()) / relative
        target.parent.mkdir(parents=True)
        try:
            descriptor = _open_below(self._outputs, Path(relative).parent)
        except OSError:
            return
        try:
            os.rename(Path(relative).name, target, src_dir_fd=descriptor)
        except FileNotFoundError:
            return
        except PermissionError:
            # Shoal is not root and the container's directory is: it is taken when the container has ended.
            return
        finally:
            os.close(descriptor)
        self._keep(target, os.fsencode(relative))

    def _keep(self, path: Path, relative: bytes) -> None:
        name = os.fsdecode(relative)
        if not stat.S_ISREG(path.lstat().st_mode):
            self._refuse(name, _kind(path.lstat().st_mode))
            path.unlink()
            return
        sums = checksum(path)
        self._session.files.add_output(self._execution_id, path, name, sums, properties=self._properties(name))
        self._report(f"output {printable_name(name)}: kept, {sums.size} bytes, sha256 {sums.sha256}")

    def _next_number(self) -> int:
        self._collected.mkdir(mode=0o700, exist_ok=True)
        return max((int(path.name) for path in self._collected.iterdir() if path.name.isdigit()), default=0) + 1

    def _refuse(self, path: str, kind: str) -> None:
        if path not in self._refused:
            self._refused.add(path)
            self._report(f"output {printable_name(path)}: not kept, it is {kind}; only regular files are")

    def _properties(self, name: str) -> dict[str, Any] | None:
        """Return what the sidecar and the properties file say of an output; the properties file wins."""
        found: dict[str, Any] = {}
        sidecar = self._read(f"{name}{SIDECAR}")
        if isinstance(sidecar, dict):
            found |= sidecar
        for line in (self._read_bytes(PROPERTIES_FILE) or b"").splitlines():
            entry = _decode(line)
            if isinstance(entry, dict) and entry.get("file") == name and isinstance(entry.get("metadata"), dict):
                found |= entry["metadata"]
        return found or None

    def _is_consumed(self, path: str) -> bool:
        """Tell whether a properties file was understood, and is therefore not an output itself."""
        if path == PROPERTIES_FILE:
            content = self._read_bytes(path) or b""
            if any(_decode(line) is None for line in content.splitlines() if line.strip()):
                self._report(f"output {PROPERTIES_FILE}: some lines are not JSON objects; it is kept as a file too")
                return False
            return True
        return isinstance(self._read(path), dict)

    def _read(self, relative: str) -> object:
        content = self._read_bytes(relative)
        return None if content is None else _decode(content)

    def _read_bytes(self, relative: str) -> bytes | None:
        try:
            directory = _open_below(self._outputs, Path(relative).parent)
        except OSError:
            return None
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            with open(os.open(Path(relative).name, flags, dir_fd=directory), "rb") as file:  # noqa: PTH123
                if (
                    not stat.S_ISREG(os.fstat(file.fileno()).st_mode)
                    or os.fstat(file.fileno()).st_size > LARGEST_PROPERTIES
                ):
                    return None
                return file.read()
        except OSError:
            return None
        finally:
            os.close(directory)


def _is_properties(path: str) -> bool:
    return path == PROPERTIES_FILE or path.endswith(SIDECAR)


def _decode(content: bytes) -> object:
    with suppress(orjson.JSONDecodeError):
        return orjson.loads(content)
    return None


def _open_below(root: Path, relative: Path) -> int:
    """Open a directory below `root` without following a link on the way."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    for part in relative.parts:
        if part == "..":
            os.close(descriptor)
            raise OSError(errno.EINVAL, "leads outside")
        try:
            deeper = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = deeper
    return descriptor


def _kind(mode: int) -> str:
    kinds = (
        (stat.S_ISLNK, "a link"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISDIR, "a directory"),
    )
    return next((name for test, name in kinds if test(mode)), "a device")
