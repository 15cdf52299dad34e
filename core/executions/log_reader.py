"""An execution's log for somebody who looks at it anywhere: the lines before or after a place, what is found in it.

A place is an offset in bytes, not the number of a line: so nothing has to be counted before the end of a million lines
is shown, and nothing is kept of what is not. Each call looks through one part of the log only, and says which.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from io import BytesIO
from itertools import count as counted
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from core.errors import InvalidInputError, UnavailableError
from core.executions.log_blocks import block_after, block_before, next_record, records
from core.executions.log_text import shown
from core.executions.logs import Stream, log_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from core.executions.execution import Execution
    from core.executions.log_search import Needle
    from core.session import Session

PART = 1024 * 1024
"""Bytes that one call looks through at most, but for what the last record has more."""
PART_TAKES = 0.02
"""Seconds after which one call ends."""
ALL: tuple[Stream, ...] = ("stdout", "stderr", "status")
_STREAMS: dict[bytes, Stream] = {b"o": "stdout", b"e": "stderr", b"s": "status"}


class LogState(NamedTuple):
    """How much of a log is committed: bytes, and records, each of which is a line or a piece of a very long one."""

    size: int
    lines: int
    missing: bool = False


class LogRecord(NamedTuple):
    """A line as it is shown, at [offset, end) of the log; `rest` bytes of it are not shown.

    `at` is seconds since 1970, `partial` says that the line goes on in another record of the same stream.
    """

    offset: int
    end: int
    at: float
    stream: Stream
    text: str
    rest: int
    partial: bool


class LogPart(NamedTuple):
    """What was found in [start, end) of a log, in its order."""

    lines: Sequence[LogRecord]
    start: int
    end: int


class Matches(NamedTuple):
    """The offsets of the records in [start, end) that hold what is looked for, in the log's order."""

    offsets: Sequence[int]
    start: int
    end: int


class LogReader:
    """Reads one execution's log; may be used from any thread, and keeps nothing open."""

    def __init__(self, session: Session, execution: Execution) -> None:
        self._session = session
        self._id = execution.id
        self.path = log_path(session.home.logs, execution.uuid)

    def state(self) -> LogState:
        """Return how much there is now."""
        row = (
            self._session.read("execution.see")
            .execute("SELECT log_bytes, log_lines FROM executions WHERE id = ?", (self._id,))
            .fetchone()
        )
        size, lines = row or (0, 0)
        return LogState(size, lines, missing=size > 0 and not self.path.exists())

    def after(self, offset: int, limit: int, count: int, streams: Sequence[Stream] = ALL) -> LogPart:
        """Return the next `count` lines of some streams from `offset` on; fewer where the part to be read ends."""
        letters, end = _letters(streams), offset
        found: list[LogRecord] = []
        with self._part() as (file, goes_on):
            while end < limit and len(found) < count and goes_on(end - offset):
                data = block_after(file, end, limit)
                wanted = ((at, raw) for at, raw in records(data, end) if _is_of(raw, letters))
                found += [_record(at, raw) for at, raw in islice(wanted, count - len(found))]
                end = end + len(data) if data else limit
        return LogPart(found, offset, found[-1].end if len(found) == count else end)

    def before(self, offset: int, count: int, streams: Sequence[Stream] = ALL) -> LogPart:
        """Return the last `count` lines of some streams that end by `offset`; fewer where the part to be read ends."""
        letters, start = _letters(streams), offset
        found: list[LogRecord] = []
        with self._part() as (file, goes_on):
            while start > 0 and len(found) < count and goes_on(offset - start):
                data = block_before(file, start)
                start = start - len(data) if data else 0
                wanted = [(at, raw) for at, raw in records(data, start) if _is_of(raw, letters)]
                found[:0] = [_record(at, raw) for at, raw in wanted[-(count - len(found)) :]]
        return LogPart(found, found[0].offset if len(found) == count else start, offset)

    def around(self, offset: int, limit: int, count: int, streams: Sequence[Stream] = ALL) -> LogPart:
        """Return `count` lines from the first record on that does not begin before `offset`, which may lie anywhere."""
        with self._part() as (file, _):
            begin = next_record(file, offset, limit)
        return self.after(begin, limit, count, streams)

    def matches_before(self, offset: int, needle: Needle, streams: Sequence[Stream] = ALL) -> Matches:
        """Return what holds the needle in the part of the log that ends at `offset`."""
        letters, start = _letters(streams), offset
        found: list[int] = []
        with self._part() as (file, goes_on):
            while start > 0 and goes_on(offset - start):
                data = block_before(file, start)
                start = start - len(data) if data else 0
                found[:0] = needle.matching(data, start, letters)
        return Matches(found, start, offset)

    def matches_after(self, offset: int, limit: int, needle: Needle, streams: Sequence[Stream] = ALL) -> Matches:
        """Return what holds the needle in the part of the log that begins at `offset`."""
        letters, end = _letters(streams), offset
        found: list[int] = []
        with self._part() as (file, goes_on):
            while end < limit and goes_on(end - offset):
                data = block_after(file, end, limit)
                found += needle.matching(data, end, letters)
                end = end + len(data) if data else limit
        return Matches(found, offset, end)

    def save(self, directory: Path, name: str) -> tuple[Path, int]:
        """Write the whole log as it was printed into a new file `name`.log; return where, and how many bytes.

        Raises:
            InvalidInputError: the file cannot be made there.
            UnavailableError: the disk did not take it.
        """
        self._session.require("execution.see")
        try:
            target = _new_file(directory, name)
        except OSError as error:
            message = f"no file can be made in {directory} ({error.strerror}): open the console in another directory"
            raise InvalidInputError(message, field="directory") from error
        try:
            with self._part() as (file, _), target.open("wb") as output:
                for data in _as_printed(file, self.state().size):
                    output.write(data)
                return target, output.tell()
        except OSError as error:
            target.unlink(missing_ok=True)
            message = f"the log cannot be written to {target} ({error.strerror}): free some space"
            raise UnavailableError(message) from error

    @contextmanager
    def _part(self) -> Iterator[tuple[BinaryIO, Callable[[int], bool]]]:
        """Open the log for one call; what is given with it tells whether so many bytes are few enough to go on."""
        self._session.require("execution.see")
        ends = time.perf_counter() + PART_TAKES
        try:
            file: BinaryIO = self.path.open("rb", buffering=0)
        except FileNotFoundError:
            file = BytesIO()  # a log that is missing has no lines
        with file:
            yield file, lambda size: size < PART and (size == 0 or time.perf_counter() < ends)


def _letters(streams: Sequence[Stream]) -> bytes:
    return b"".join(letter for letter, stream in _STREAMS.items() if stream in streams)


def _is_of(raw: bytes, letters: bytes) -> bool:
    at = raw.find(b" ") + 1
    return raw[at : at + 1].lower() in letters


def _record(offset: int, raw: bytes) -> LogRecord:
    seconds, _, rest = raw.partition(b" ")
    stream = _STREAMS.get(rest[:1].lower(), "stdout")
    text, more = shown(rest[2:])
    return LogRecord(offset, offset + len(raw) + 1, _time(seconds), stream, text, more, rest[:1].isupper())


def _time(seconds: bytes) -> float:
    """Return the time of a record; one that was damaged on the disk is shown all the same."""
    try:
        return float(seconds)
    except ValueError:
        return 0.0


def _as_printed(file: BinaryIO, limit: int) -> Iterator[bytes]:
    """Yield what was printed, lines that came in pieces joined again."""
    offset, goes_on = 0, b""
    while data := block_after(file, offset, limit):
        printed = []
        for _, raw in records(data, offset):
            letter, _, text = raw.partition(b" ")[2].partition(b" ")
            if goes_on and letter.lower() != goes_on:
                printed.append(b"\n")
            goes_on = letter.lower() if letter.isupper() else b""
            printed += [text, b"" if goes_on else b"\n"]
        yield b"".join(printed)
        offset += len(data)


def _new_file(directory: Path, name: str) -> Path:
    """Return an empty new file; one that is there is left alone."""
    for number in counted(1):
        target = directory / (f"{name}.log" if number == 1 else f"{name}.{number}.log")
        try:
            target.touch(exist_ok=False)
        except FileExistsError:
            continue
        return target
    raise AssertionError
