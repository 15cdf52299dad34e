"""The log of an execution: a file that is appended to, whose committed length stands in the database.

A record is `<seconds> <letter> <text>\\n`: the letter is o (stdout), e (stderr) or s (status), in capitals where the
line goes on in the next record of the same letter. The length is committed in one transaction with the place that the
container's log was read to, so after a kill the file is cut back to it and reading goes on there: every line once.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from core.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Self

Stream = Literal["stdout", "stderr", "status"]

_LETTERS: dict[Stream, str] = {"stdout": "o", "stderr": "e", "status": "s"}
_STREAMS: dict[str, Stream] = {letter: stream for stream, letter in _LETTERS.items()}
READ_SIZE = 256 * 1024


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line as it was printed; `at` is seconds since 1970, `partial` says that the next record goes on with it."""

    at: float
    stream: Stream
    text: str
    partial: bool = False


def log_path(logs: Path, uuid: str) -> Path:
    """Return where the log of the execution with this uuid lies."""
    return logs / uuid[-2:] / f"{uuid}.log"


def record(stream: Stream, at: float, text: bytes, *, partial: bool = False) -> bytes:
    """Return the record of one line; a newline inside it, which only a status text could hold, becomes a space."""
    letter = _LETTERS[stream].upper() if partial else _LETTERS[stream]
    return b"%.6f %s %s\n" % (at, letter.encode(), text.replace(b"\n", b" "))


class LogWriter:
    """Appends to one log; `length` is what to commit."""

    def __init__(self, path: Path, committed: int) -> None:
        """Open the log and cut off what was written but not committed."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._file.truncate(committed)
        self.length = committed

    def append(self, records: Iterable[bytes]) -> None:
        """Write records and bring them to the disk.

        Raises:
            UnavailableError: the disk did not take them; nothing of them counts.
        """
        data = b"".join(records)
        try:
            written = 0
            while written < len(data):
                written += self._file.write(data[written:])
            os.fdatasync(self._file.fileno())
        except OSError as error:
            self._file.truncate(self.length)
            message = f"the log cannot be written ({error.strerror}): free some space in {self._file.name}"
            raise UnavailableError(message) from error
        self.length += len(data)

    def rewind(self, length: int) -> None:
        """Cut off what was appended beyond `length`, because it was not committed."""
        self._file.truncate(length)
        self.length = length

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_log(path: Path, committed: int, after: int = 0, size: int = READ_SIZE) -> tuple[list[LogLine], int]:
    """Return whole lines from offset `after` on, at most about `size` bytes, and the offset to go on from."""
    end = min(committed, after + size)
    if end <= after or not path.exists():
        return [], after
    with path.open("rb") as file:
        file.seek(after)
        data = file.read(end - after)
        if end < committed and not data.endswith(b"\n"):
            data += file.readline(committed - end)
    return [_line(raw) for raw in data.split(b"\n")[:-1]], after + len(data)


def tail_offset(path: Path, committed: int, lines: int) -> int:
    """Return the offset at which the last `lines` lines begin."""
    if lines <= 0 or not path.exists():
        return committed
    start, found = committed, 0
    with path.open("rb") as file:
        while start > 0:
            size = min(READ_SIZE, start)
            start -= size
            file.seek(start)
            block = file.read(size)
            position = len(block) - 1 if start + size == committed else len(block)
            while (position := block.rfind(b"\n", 0, position)) >= 0:
                found += 1
                if found == lines:
                    return start + position + 1
    return 0


def _line(raw: bytes) -> LogLine:
    at, _, rest = raw.partition(b" ")
    letter = chr(rest[0]) if rest else "o"
    text = rest[2:].decode("utf-8", "replace")
    return LogLine(float(at), _STREAMS.get(letter.lower(), "stdout"), text, partial=letter.isupper())
