"""Brings the inputs of a run into its directory: verified, each whole or not there, and done once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core import quantities
from core.errors import InvalidInputError, UnavailableError
from core.storage.checksums import Checksums, checksum
from core.storage.input_cache import InputCache
from core.storage.placing import Placer
from core.storage.staging_progress import StagingProgress, StagingStoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from core.session import Session

__all__ = ["StagedFile", "StagedInput", "StagingStoppedError", "stage"]

REPORTED = 100
"""How many files the log names each; of more, it gets the number."""


@dataclass(frozen=True, slots=True)
class StagedInput:
    """One file to bring to `<input's name>/<path>`, the `position`th of its input; `expected` is what its content must
    be, where that is known.
    """

    name: str
    position: int
    uri: str
    path: str
    file_id: int | None
    expected: Checksums | None

    @property
    def place(self) -> str:
        """Where it belongs, below the directory of all inputs."""
        return f"{self.name}/{self.path}"


@dataclass(frozen=True, slots=True)
class StagedFile:
    """One file that lies ready, and what it is."""

    name: str
    position: int
    path: str
    size: int
    md5: str
    sha1: str
    sha256: str


def stage(
    session: Session,
    inputs: Sequence[StagedInput],
    directory: Path,
    *,
    report: Callable[[str], None],
    stopped: Callable[[], bool],
    progress: Callable[[int, int], None] | None = None,
    bypass_cache: bool = False,
) -> list[StagedFile]:
    """Bring every input below `directory` and return what lies there; called again, it finds what was done.

    A file is a hard link to the store's or the cache's where the file system can do that: containers must be shown the
    directory read-only. `progress` gets bytes done and bytes known in all, from any thread; `report` gets the lines
    for the log. With `bypass_cache` all but the store's own files are fetched anew and not kept. Not to be called where
    an event loop is running.

    Raises:
        UnavailableError: a content could not be brought, or is damaged.
        ConflictError: a content is not the one that was expected.
        StagingStoppedError: `stopped()` became true.
    """
    _check_places(inputs)
    staging = _Staging(session, Placer(directory), StagingProgress(progress, stopped))
    try:
        staging.run(inputs, bypass_cache=bypass_cache)
    except OSError as error:
        message = f"the inputs could not be brought to {directory}: {error.strerror or error}"
        raise UnavailableError(message, field="inputs") from error
    finally:
        staging.placer.clean()
    _report(inputs, staging, report)
    return [_staged(each, staging.contents[each.place]) for each in inputs]


class _Staging:
    """One staging; `contents` are the checksums of what lies at each place."""

    def __init__(self, session: Session, placer: Placer, progress: StagingProgress) -> None:
        self._session = session
        self._cache = InputCache(session)
        self._progress = progress
        self.placer = placer
        self.contents: dict[str, Checksums] = {}
        self._waiting: dict[str, list[StagedInput]] = defaultdict(list)

    def run(self, inputs: Sequence[StagedInput], *, bypass_cache: bool) -> None:
        """Place all inputs."""
        for each in inputs:
            if each.expected is not None:
                self._progress.expect(each.uri, each.expected.size)
        for each in inputs:
            self._progress.check()
            if each.file_id is not None:
                self._place_datum(each, each.file_id)
            elif not self._is_done(each):
                self._waiting[each.uri].append(each)
        if self._waiting:
            self._fetch(bypass_cache=bypass_cache)

    def _place_datum(self, wanted: StagedInput, file_id: int) -> None:
        file = self._session.files.by_id(file_id)
        path = self._session.files.path(file)
        if not self._cache.verifier.holds(path, file.sha256, self._progress.look):
            message = f"file {file.name!r} ({file.uuid}) is damaged in the store at {path}: restore it from a backup"
            raise UnavailableError(message, field="inputs")
        self._put(wanted, path, file.checksums)

    def _is_done(self, wanted: StagedInput) -> bool:
        target = self.placer.target(wanted.place)
        if not target.is_file():
            return False
        found = checksum(target, self._progress.look)
        if wanted.expected is not None and wanted.expected.sha256 != found.sha256:
            return False
        self.contents[wanted.place] = found
        return True

    def _fetch(self, *, bypass_cache: bool) -> None:
        from core.storage.sources import Sources  # noqa: PLC0415 - asyncio is needed by few runs

        wanted = {uri: inputs[0].expected for uri, inputs in self._waiting.items()}
        Sources(self._session, self._cache, self._progress, bypass_cache=bypass_cache).run(wanted, self._put_fetched)

    def _put_fetched(self, uri: str, path: Path, checksums: Checksums) -> None:
        for wanted in self._waiting[uri]:
            self._put(wanted, path, checksums)

    def _put(self, wanted: StagedInput, path: Path, checksums: Checksums) -> None:
        self.placer.place(path, wanted.place, checksums.sha256, self._progress.look)
        self.contents[wanted.place] = checksums
        self._progress.advance(wanted.uri, checksums.size, checksums.size)


def _check_places(inputs: Sequence[StagedInput]) -> None:
    seen = set()
    for each in inputs:
        parts = each.place.split("/")
        if "/" in each.name or "\0" in each.place or any(part in ("", ".", "..") for part in parts):
            message = f"an input cannot lie at {each.place!r}: its name and path must lead to a place of its own"
            raise InvalidInputError(message, field="inputs")
        if each.place in seen:
            message = f"two files would both lie at {each.place!r}"
            raise InvalidInputError(message, field="inputs")
        seen.add(each.place)


def _report(inputs: Sequence[StagedInput], staging: _Staging, report: Callable[[str], None]) -> None:
    for each in inputs[:REPORTED]:
        content = staging.contents[each.place]
        report(f"/valohai/inputs/{each.place}: downloaded, {quantities.size(content.size)}")
        report(f"md5 sum: {content.md5}")
        report(f"sha1 sum: {content.sha1}")
        report(f"sha256 sum: {content.sha256}")
    if (rest := len(inputs) - REPORTED) > 0:
        report(f"and {rest} more files")


def _staged(wanted: StagedInput, found: Checksums) -> StagedFile:
    return StagedFile(wanted.name, wanted.position, wanted.path, found.size, found.md5, found.sha1, found.sha256)
