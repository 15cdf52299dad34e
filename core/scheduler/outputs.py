"""Takes an attempt's outputs into the store: live ones while it runs, everything when it has ended."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from core.errors import InvalidInputError, NotFoundError
from core.scheduler.output_properties import PROPERTIES_FILE, SIDECAR, OutputProperties, is_properties
from core.scheduler.outputs_directory import OutputsDirectory
from core.storage.names import printable_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from core.scheduler.outputs_directory import Found
    from core.session import Session

LINES = 100
"""Outputs that get a line of their own in the log."""


class OutputCollector:
    """Collects the outputs of one execution from `outputs` through `collected` into the store.

    `collected` holds one directory for each file on its way: the file itself, as `file`, and its name among the
    outputs, as `name`. After a kill it is emptied first. `look_up` is called while a large file is read and may raise
    to end that.
    """

    def __init__(
        self,
        session: Session,
        execution_id: int,
        outputs: Path,
        collected: Path,
        *,
        report: Callable[[str], None],
        look_up: Callable[[], None],
    ) -> None:
        self._session = session
        self._execution_id = execution_id
        self._directory = OutputsDirectory(outputs)
        self._properties = OutputProperties(self._directory)
        self._collected = collected
        self._report = report
        self._look_up = look_up
        self._refused: set[str] = set()
        self._number = 0
        self._kept = 0

    def resume(self) -> None:
        """Bring into the store what an earlier scheduler had taken out of the outputs directory."""
        if not self._collected.exists():
            return
        numbers = sorted(int(path.name) for path in self._collected.iterdir() if path.name.isdigit())
        self._number = numbers[-1] if numbers else 0
        for number in numbers:
            self._keep(self._collected / str(number))

    def collect_finished(self) -> None:
        """Take in the files that the container made read-only, which says that they are finished."""
        for found in list(self._directory.files()):
            if found.is_file and not found.status.st_mode & 0o222 and not is_properties(found.path) and _ours(found):
                self._take(found.path)

    def collect_all(self) -> None:
        """Take in everything; call it when the container has ended."""
        self.resume()
        found = list(self._directory.files())
        for other in found:
            if not other.is_file:
                self._refuse(other.path, other.status.st_mode)
        paths = [each.path for each in found if each.is_file]
        for path in paths:
            if not is_properties(path):
                self._take(path, final=True)
        for path in paths:
            if is_properties(path) and not self._is_consumed(path):
                self._take(path, final=True)
        if self._kept > LINES:
            self._report(f"{self._kept - LINES} more outputs kept")

    def _take(self, path: str, *, final: bool = False) -> None:
        """Move one file out of the container's reach, then keep it; what cannot be taken in the end is told of."""
        self._number += 1
        place = self._collected / str(self._number)
        place.mkdir(mode=0o700)
        (place / "name").write_bytes(os.fsencode(path))
        try:
            self._directory.move(path, place / "file")
        except OSError as error:
            shutil.rmtree(place, ignore_errors=True)
            # While it runs: a directory of another user's, where Shoal is not root; it is taken in the end.
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            if final and error.errno != errno.ENOENT:
                self._report(f"output {printable_name(path)}: not kept: {error.strerror}")
            return
        self._keep(place)

    def _keep(self, place: Path) -> None:
        """Bring a file that was taken into the store; done again after a kill, it is seen to be done."""
        file = place / "file"
        name = os.fsdecode((place / "name").read_bytes()) if (place / "name").exists() else ""
        if name and os.path.lexists(file):
            mode = file.lstat().st_mode
            if stat.S_ISREG(mode):
                # Its owner may have forbidden even itself to read it.
                file.chmod(stat.S_IMODE(mode) | 0o400)
                self._add(file, name)
            else:
                self._refuse(name, mode)
        shutil.rmtree(place, ignore_errors=True)

    def _add(self, file: Path, name: str) -> None:
        try:
            kept = self._session.files.add_output(
                self._execution_id,
                file,
                name,
                properties=self._properties.of(name),
                progress=lambda _: self._look_up(),
            )
        except (InvalidInputError, NotFoundError) as error:
            self._report(f"output {printable_name(name)}: not kept: {error.message}")
            return
        self._kept += 1
        if self._kept <= LINES:
            self._report(f"output {kept.name}: kept, {kept.size} bytes, sha256 {kept.sha256}")

    def _refuse(self, path: str, mode: int) -> None:
        if path not in self._refused:
            self._refused.add(path)
            self._report(f"output {printable_name(path)}: not kept, it is {_kind(mode)}; only regular files are")

    def _is_consumed(self, path: str) -> bool:
        """Tell whether a file of properties was understood and speaks of outputs that are there; else it is one."""
        understood = self._properties.is_understood(path)
        if path == PROPERTIES_FILE:
            strangers = [name for name in self._properties.names() if not self._is_output(name)]
            if understood and not strangers:
                return True
            what = "some of its lines are not JSON objects"
            if understood:
                what = f"it speaks of {printable_name(strangers[0])}, which is no output"
            self._report(f"output {PROPERTIES_FILE}: {what}; it is kept as a file too")
            return False
        return understood and self._is_output(path.removesuffix(SIDECAR))

    def _is_output(self, name: str) -> bool:
        query = "SELECT 1 FROM files WHERE execution_id = ? AND name = ? LIMIT 1"
        bound = (self._execution_id, printable_name(name))
        return self._session.read("execution.run").execute(query, bound).fetchone() is not None


def _ours(found: Found) -> bool:
    """Whether Shoal can read the file now: if it is not root, another user's is read when the container has ended."""
    return os.geteuid() in (0, found.status.st_uid)


def _kind(mode: int) -> str:
    kinds = (
        (stat.S_ISLNK, "a link"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISDIR, "a directory too deep within others"),
    )
    with suppress(StopIteration):
        return next(name for test, name in kinds if test(mode))
    return "a device"
