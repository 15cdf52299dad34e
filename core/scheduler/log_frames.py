"""Docker's log stream → lines, each once, also when the stream is opened again.

The stream is frames of 8 bytes header (stream number, three zeros, size) and a payload that starts with an RFC 3339
time (https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach). A line
longer than 16 KiB comes as several frames of which only the last ends in a newline. Times rise within a stream but
not across the two, and many frames can share one; so a stream that is opened again starts a little before the newest
time, and what was taken before is dropped by stream, time and count.
"""

from __future__ import annotations

import calendar
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Stream = Literal["stdout", "stderr"]

OVERLAP = 10
"""Seconds by which a reopened stream starts before the newest time seen: more than one stream lags behind the other."""
UNORDERED = "unordered"
"""The entry of a cursor that says that the clock stepped back: times tell nothing any more, frames are counted."""
HELD = "held"
"""The entry of a cursor that says when the oldest line began of which only a part was read."""
ENGINE = 3
"""The number of the stream in which an engine says, without a time, why it cannot read the log any further."""
LONGEST_PIECE = 1024 * 1024
"""Bytes of a line that are held before they are passed on as a piece of it."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a container, or a piece of a long one (`partial`); `at` is seconds since 1970."""

    stream: Stream
    at: float
    text: bytes
    partial: bool = False


@dataclass(slots=True)
class _Position:
    """How far one stream was read, and how far its lines were passed on: a time, how many frames with that time, and
    how many in all.

    The two differ while a long line is held; only what was passed on may be skipped after a kill.
    """

    at: str = ""
    count: int = 0
    total: int = 0
    passed_at: str = ""
    passed_count: int = 0
    passed_total: int = 0
    replay_at: str = ""
    replay_count: int = 0
    skip: int = 0
    held: bytearray = field(default_factory=bytearray)
    held_at: str = ""


class LogFrames:
    """Turns the chunks of a container's log into lines and knows where it stands.

    `fault` is what the engine said of a log that it cannot read, since the stream was opened.

    `cursor()` is taken together with the lines that came before it: stored in one transaction with them, it makes a
    stream that is read again after a kill go on exactly there.
    """

    def __init__(self, cursor: dict[str, list[str | int]] | None = None) -> None:
        self._positions: dict[Stream, _Position] = {"stdout": _Position(), "stderr": _Position()}
        self._pending = b""
        self._second = ("", 0)
        self._held_before = ""
        self._unordered = False
        self.fault = ""
        for stream, (at, count, total) in (cursor or {}).items():
            if stream == HELD:
                self._held_before = str(at)
            elif stream == UNORDERED:
                self._unordered = True
            elif stream in self._positions:
                position = self._positions[stream]
                position.passed_at, position.passed_count, position.passed_total = str(at), int(count), int(total)
        self.reopen()

    def since(self) -> int:
        """Return the second from which to open the stream."""
        newest = max(position.passed_at for position in self._positions.values())
        if not newest or self._unordered:
            return 0
        oldest_held = self._oldest_held() or self._held_before
        return max(0, _epoch(min(newest, oldest_held) if oldest_held else newest) - OVERLAP)

    def reopen(self) -> None:
        """Get ready for a stream opened at `since()`: frames taken before will be dropped."""
        self._pending = b""
        self.fault = ""
        self._held_before = self._oldest_held() or self._held_before
        for position in self._positions.values():
            position.at, position.count, position.total = (
                position.passed_at,
                position.passed_count,
                position.passed_total,
            )
            position.replay_at, position.replay_count = position.passed_at, position.passed_count
            position.skip = position.passed_total
            position.held = bytearray()

    def cursor(self) -> dict[str, list[str | int]]:
        """Return where the lines taken so far end, as JSON."""
        cursor: dict[str, list[str | int]] = {
            stream: [position.passed_at, position.passed_count, position.passed_total]
            for stream, position in self._positions.items()
            if position.passed_at
        }
        if held := self._oldest_held():
            cursor[HELD] = [held, 0, 0]
        if self._unordered:
            cursor[UNORDERED] = ["", 0, 0]
        return cursor

    def _oldest_held(self) -> str:
        return min((position.held_at for position in self._positions.values() if position.held), default="")

    def take(self, chunk: bytes) -> Iterator[Line]:
        """Yield the lines that `chunk` completes."""
        data = self._pending + chunk if self._pending else chunk
        offset, end = 0, len(data)
        while end - offset >= 8:
            size = int.from_bytes(data[offset + 4 : offset + 8], "big")
            if end - offset - 8 < size:
                break
            number, frame = data[offset], data[offset + 8 : offset + 8 + size]
            offset += 8 + size
            if number == ENGINE:
                self.fault = frame.decode("utf-8", "replace").strip()
            else:
                yield from self._frame("stderr" if number == 2 else "stdout", frame)
        self._pending = data[offset:]

    def finish(self) -> Iterator[Line]:
        """Yield what a stream that has ended left without a newline."""
        for stream, position in self._positions.items():
            if position.held:
                yield self._line(stream, position, partial=False)

    def _frame(self, stream: Stream, frame: bytes) -> Iterator[Line]:
        stamp, _, text = frame.partition(b" ")
        at = stamp.decode("ascii", "replace")
        position = self._positions[stream]
        if self._taken_before(position, at):
            return
        if at == position.at:
            position.count += 1
        else:
            self._unordered = self._unordered or at < position.at
            position.at, position.count = at, 1
        position.total += 1
        if not position.held:
            position.held_at = at
        if text.endswith(b"\n"):
            if position.held:
                position.held += text[:-1]
                yield self._line(stream, position, partial=False)
            else:
                self._pass(position)
                yield Line(stream, self._seconds(at), text[:-1])
            return
        position.held += text
        if len(position.held) >= LONGEST_PIECE:
            yield self._line(stream, position, partial=True)

    @staticmethod
    def _pass(position: _Position) -> None:
        position.passed_at, position.passed_count = position.at, position.count
        position.passed_total = position.total

    def _taken_before(self, position: _Position, at: str) -> bool:
        if self._unordered and position.skip:
            position.skip -= 1
            return True
        if self._unordered or not position.replay_at:
            return False
        if at < position.replay_at:
            return True
        if at == position.replay_at and position.replay_count > 0:
            position.replay_count -= 1
            return True
        if at > position.replay_at:
            position.replay_at = ""
        return False

    def _line(self, stream: Stream, position: _Position, *, partial: bool) -> Line:
        line = Line(stream, self._seconds(position.held_at), bytes(position.held), partial)
        position.held = bytearray()
        self._pass(position)
        return line

    def _seconds(self, at: str) -> float:
        second, fraction = at[:19], at[19:-1]
        if self._second[0] != second:
            self._second = (second, calendar.timegm(time.strptime(second, "%Y-%m-%dT%H:%M:%S")))
        return self._second[1] + float(f"0{fraction or '.0'}")


def _epoch(at: str) -> int:
    return calendar.timegm(time.strptime(at[:19], "%Y-%m-%dT%H:%M:%S"))
