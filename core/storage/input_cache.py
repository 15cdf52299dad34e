"""The input cache: contents by their SHA-256, and which content a URL or a file had when it was last looked at."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

from core.storage.checksums import Checksums
from core.storage.incoming import Incoming
from core.storage.verification import Verifier

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from core.session import Session


class Download:
    """A fetch that one staging makes and others wait for; `checksums` is its result, None when it failed."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.checksums: Checksums | None = None


class _State:
    """What all stagings of one process into one cache share."""

    def __init__(self, directory: Path) -> None:
        self.incoming = Incoming(directory / ".incoming")
        self.incoming.sweep()
        self.verifier = Verifier()
        self.lock = threading.Lock()
        self.pins: Counter[str] = Counter()
        self.downloads: dict[str, Download] = {}
        self.swept = False


_states: dict[Path, _State] = {}
_states_lock = threading.Lock()


def _state_of(directory: Path) -> _State:
    with _states_lock:
        if directory not in _states or not directory.exists():
            _states[directory] = _State(directory)
        return _states[directory]


class InputCache:
    """The cache of a session's home; may be used from any thread.

    A content that is in use is never evicted: one with a name elsewhere (it is linked into the inputs of a run), and
    one that a staging of this process has pinned. Contents need no fsync: they are verified when they are used.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._directory = session.home.cache / "inputs"
        self._state = _state_of(self._directory)
        self.incoming = self._state.incoming
        self.verifier = self._state.verifier

    def path(self, sha256: str) -> Path:
        """Return where a content lies, or would."""
        return self._directory / sha256[:2] / sha256

    def source(self, uri: str) -> tuple[str, Checksums] | None:
        """Return the validator and the checksums of what `uri` held when it was last fetched, if that is still here."""
        row = (
            self._session.read("execution.run")
            .execute(
                """
                SELECT s.validator, c.size, c.md5, c.sha1, c.sha256
                FROM cached_sources s JOIN cached_contents c ON c.sha256 = s.sha256 WHERE s.source = ?
                """,
                (uri,),
            )
            .fetchone()
        )
        return (
            None if row is None else (row["validator"], Checksums(row["size"], row["md5"], row["sha1"], row["sha256"]))
        )

    def pin(self, sha256: str) -> None:
        """Keep a content from being evicted until it is unpinned as often as it was pinned."""
        with self._state.lock:
            self._state.pins[sha256] += 1

    def unpin(self, contents: Iterable[str]) -> None:
        """End pins."""
        with self._state.lock:
            self._state.pins.subtract(contents)
            self._state.pins = +self._state.pins  # without those that nobody holds any more

    def add(self, written: Path, checksums: Checksums) -> Path:
        """Take in a file that was completely written to `incoming`; return where it lies now."""
        target = self.path(checksums.sha256)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        written.chmod(0o444)
        with self._state.lock:
            written.replace(target)
        self.verifier.trust(target, checksums.sha256)
        return target

    def discard(self, sha256: str) -> None:
        """Remove a content that turned out to be damaged."""
        with self._session.write("execution.run") as connection:
            connection.execute("DELETE FROM cached_contents WHERE sha256 = ?", (sha256,))
        self.path(sha256).unlink(missing_ok=True)

    def record(self, fetched: Iterable[tuple[str, str | None, Checksums]], used: Iterable[str]) -> None:
        """Commit what was fetched, each as `(uri, validator, checksums)`, and which contents were used."""
        now = time.time()
        fetched = list(fetched)
        used = list(used)
        if not fetched and not used:
            return
        with self._session.write("execution.run") as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO cached_contents (sha256, md5, sha1, size, used_at) VALUES (?, ?, ?, ?, ?)",
                ((each.sha256, each.md5, each.sha1, each.size, now) for _, _, each in fetched),
            )
            connection.executemany(
                "INSERT OR REPLACE INTO cached_sources VALUES (?, ?, ?)",
                ((uri, validator, each.sha256) for uri, validator, each in fetched if validator is not None),
            )
            connection.executemany(
                "UPDATE cached_contents SET used_at = ? WHERE sha256 = ?", ((now, sha256) for sha256 in used)
            )

    def join_download(self, uri: str) -> tuple[Download, bool]:
        """Return the fetch of `uri` that is under way, else a new one and True: then it is the caller's to make and
        to end.
        """
        with self._state.lock:
            download = self._state.downloads.get(uri)
            if download is not None:
                return download, False
            self._state.downloads[uri] = Download()
            return self._state.downloads[uri], True

    def end_download(self, uri: str, checksums: Checksums | None) -> None:
        """End the fetch of `uri`, and give its content to those who waited."""
        with self._state.lock:
            download = self._state.downloads.pop(uri)
        download.checksums = checksums
        download.ended.set()

    def evict(self) -> int:
        """Remove contents, least recently used first, until the rest is within the limit; return how many went."""
        limit = self._session.settings.get("input_cache_size")
        self._sweep_unknown()
        connection = self._session.read("execution.run")
        excess = connection.execute("SELECT coalesce(sum(size), 0) FROM cached_contents").fetchone()[0] - limit
        gone: list[str] = []
        if excess > 0:
            for sha256, size in connection.execute(
                "SELECT sha256, size FROM cached_contents ORDER BY used_at"
            ).fetchall():
                if excess <= 0:
                    break
                if self._remove_unused(sha256):
                    gone.append(sha256)
                    excess -= size
        if gone:
            with self._session.write("execution.run") as writing:
                writing.executemany("DELETE FROM cached_contents WHERE sha256 = ?", ((sha256,) for sha256 in gone))
                writing.execute("DELETE FROM cached_sources WHERE sha256 NOT IN (SELECT sha256 FROM cached_contents)")
        return len(gone)

    def _remove_unused(self, sha256: str) -> bool:
        path = self.path(sha256)
        with self._state.lock, contextlib.suppress(FileNotFoundError):
            if self._state.pins[sha256] or path.stat().st_nlink > 1:
                return False
            path.unlink()
        return True

    def _sweep_unknown(self) -> None:
        # A content whose process was killed before its row was committed; looked for once, since it is rare.
        if self._state.swept:
            return
        self._state.swept = True
        known = {row[0] for row in self._session.read("execution.run").execute("SELECT sha256 FROM cached_contents")}
        for path in self._directory.glob("[0-9a-f][0-9a-f]/*"):
            if path.name not in known:
                self._remove_unused(path.name)
