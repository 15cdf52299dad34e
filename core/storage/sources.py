"""Fetches contents that lie outside Shoal's store, several at a time, each once, through the input cache."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from core.errors import ConflictError
from core.storage.drivers import source_of
from core.storage.drivers.source import Fetching
from core.storage.staging_progress import StagingStoppedError
from core.storage.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import httpx

    from core.session import Session
    from core.storage.checksums import Checksums
    from core.storage.incoming import IncomingFile
    from core.storage.input_cache import InputCache
    from core.storage.staging_progress import StagingProgress

    Place = Callable[[str, Path, Checksums], None]

PARALLEL = 8
"""How many contents are fetched at the same time."""

POLL = 0.1
"""Seconds between two looks: at whether the run was stopped, at whether another's fetch has ended."""


class Sources:
    """The fetches of one staging. `run` may be called where no event loop is running."""

    def __init__(self, session: Session, cache: InputCache, progress: StagingProgress, *, bypass_cache: bool) -> None:
        self._session = session
        self._cache = cache
        self._progress = progress
        self._bypass_cache = bypass_cache
        self._client: httpx.AsyncClient | None = None
        self._pinned: list[str] = []
        self._fetched: list[tuple[str, str | None, Checksums]] = []
        self._used: list[str] = []

    def run(self, wanted: Mapping[str, Checksums | None], place: Place) -> dict[str, Checksums]:
        """Fetch every URI, expecting its checksums where they are known; return the checksums that each has.

        `place` is called with each URI, the path of its content, which is there only for that call, and its checksums.
        """
        try:
            return asyncio.run(self._run_all(wanted, place))
        finally:
            try:
                self._cache.record(self._fetched, self._used)
            finally:
                self._cache.unpin(self._pinned)
            if self._fetched:
                self._cache.evict()

    async def _run_all(self, wanted: Mapping[str, Checksums | None], place: Place) -> dict[str, Checksums]:
        work = asyncio.create_task(self._bring_all(wanted, place))
        try:
            while not work.done():
                if self._progress.was_stopped():
                    self._progress.end()
                    work.cancel()
                await asyncio.wait({work}, timeout=POLL)
            return work.result()
        except asyncio.CancelledError:
            self._progress.check()
            raise
        except BaseExceptionGroup as group:
            raise _cause(group) from None
        finally:
            if self._client is not None:
                await self._client.aclose()

    async def _bring_all(self, wanted: Mapping[str, Checksums | None], place: Place) -> dict[str, Checksums]:
        limit = asyncio.Semaphore(PARALLEL)

        async def bring(uri: str, expected: Checksums | None) -> Checksums:
            async with limit:
                try:
                    return await self._bring(uri, expected, place)
                except BaseException:
                    self._progress.end()
                    raise

        async with asyncio.TaskGroup() as group:
            tasks = {uri: group.create_task(bring(uri, expected)) for uri, expected in wanted.items()}
        return {uri: task.result() for uri, task in tasks.items()}

    async def _bring(self, uri: str, expected: Checksums | None, place: Place) -> Checksums:
        if self._bypass_cache:
            return await self._bring_uncached(uri, expected, place)
        if expected is not None and await self._holds(expected):
            checksums = expected
        else:
            checksums = await self._shared(uri)
            _check_expected(uri, expected, checksums)
        await in_thread(place, uri, self._cache.path(checksums.sha256), checksums)
        self._used.append(checksums.sha256)
        return checksums

    async def _bring_uncached(self, uri: str, expected: Checksums | None, place: Place) -> Checksums:
        with self._cache.incoming.create() as file:
            fetched = await source_of(uri).fetch(uri, None, self._fetching(uri, file))
            assert fetched is not None  # noqa: S101 - there is no validator to be found unchanged
            _check_expected(uri, expected, fetched.checksums)
            file.path.chmod(0o444)
            await in_thread(place, uri, file.path, fetched.checksums)
            return fetched.checksums

    async def _shared(self, uri: str) -> Checksums:
        while True:
            download, is_mine = self._cache.join_download(uri)
            if is_mine:
                checksums = None
                try:
                    checksums = await self._fetch(uri)
                finally:
                    self._cache.end_download(uri, checksums)
                return checksums
            while not download.ended.is_set():  # noqa: ASYNC110 - another thread's loop may make the fetch
                await asyncio.sleep(POLL)
            if download.checksums is not None and await self._holds(download.checksums):
                return download.checksums

    async def _fetch(self, uri: str) -> Checksums:
        validator, known = self._cache.source(uri) or (None, None)
        if known is not None and not await self._holds(known):
            validator, known = None, None
        with self._cache.incoming.create() as file:
            fetched = await source_of(uri).fetch(uri, validator, self._fetching(uri, file))
            if fetched is None:
                assert known is not None  # noqa: S101 - only what has a validator can be found unchanged
                return known
            self._pin(fetched.checksums.sha256)
            self._cache.add(file.path, fetched.checksums)
            self._fetched.append((uri, fetched.validator, fetched.checksums))
            return fetched.checksums

    async def _holds(self, checksums: Checksums) -> bool:
        self._pin(checksums.sha256)
        path = self._cache.path(checksums.sha256)
        if await in_thread(self._cache.verifier.holds, path, checksums.sha256, self._progress.look):
            return True
        if path.exists():
            self._cache.discard(checksums.sha256)
        return False

    def _pin(self, sha256: str) -> None:
        self._cache.pin(sha256)
        self._pinned.append(sha256)

    def _fetching(self, uri: str, file: IncomingFile) -> Fetching:
        return Fetching(self._session, file, partial(self._progress.advance, uri), self._client_of_all)

    def _client_of_all(self) -> httpx.AsyncClient:
        if self._client is None:
            from core.storage.drivers.http import new_client  # noqa: PLC0415 - httpx costs 60 ms

            self._client = new_client()
        return self._client


def _check_expected(uri: str, expected: Checksums | None, found: Checksums) -> None:
    if expected is not None and expected.sha256 != found.sha256:
        message = (
            f"{uri} has changed: its sha256 is {found.sha256}, and {expected.sha256} was expected;"
            " create a new execution to use it as it is now"
        )
        raise ConflictError(message, field="inputs")


def _cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the failure that ended the others, which only say that they were ended."""
    causes = [error for error in group.exceptions if not isinstance(error, StagingStoppedError)]
    return (causes or list(group.exceptions))[0]
