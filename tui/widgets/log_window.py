"""The part of a log that a view holds: some lines around what is visible, and which rows of them that is.

It knows nothing of a terminal or of reading: it says what it lacks, and takes what was read.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from tui.widgets.log_lines import row_ends

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.executions.log_reader import LogPart, LogRecord

MOST = 1200
"""Lines that are held; those farthest from what is visible are let go."""
AHEAD = 4 * 1024 * 1024
"""Bytes that are looked through beyond what is visible; more only as somebody goes there."""


class Row(NamedTuple):
    """One row on the screen: the characters [start, end) of a line."""

    line: LogRecord
    start: int
    end: int


class LogWindow:
    """Lines that lie in [start, end) of a log, as rows, of which those from `top` on are visible."""

    def __init__(self) -> None:
        self.start = self.end = 0
        self.top = 0
        self.height = 0
        self.width = 0
        self.wrap = False
        self.rows: list[Row] = []
        self._lines: list[LogRecord] = []

    @property
    def visible(self) -> Sequence[Row]:
        """The rows that are on the screen."""
        return self.rows[self.top : self.top + self.height]

    @property
    def margin(self) -> int:
        """How many rows should be at hand above and below, so that the next keys need not wait."""
        return 2 * self.height + 10

    @property
    def below(self) -> int:
        """How many rows are at hand below what is visible; negative where the screen is not full."""
        return len(self.rows) - self.top - self.height

    @property
    def wants_below(self) -> bool:
        """Whether lines should be read that follow; those that are very long are not read ahead."""
        visible = self.visible
        far = bool(visible) and self.end - visible[-1].line.end > AHEAD
        return self.below < (0 if far else self.margin)

    @property
    def wants_above(self) -> bool:
        """Whether lines should be read that come before: also where the last ones do not fill the screen."""
        far = bool(self.rows) and self.rows[self.top].line.offset - self.start > AHEAD
        return self.below < 0 or (self.top < self.margin and not far)

    def replace(self, part: LogPart) -> None:
        """Hold other lines, the first of which is at the top."""
        self._lines = [*part.lines]
        self.start, self.end = part.start, part.end
        self.rows = self._rows_of(self._lines)
        self.top = 0

    def append(self, part: LogPart) -> None:
        """Take lines that follow on those held; what is visible stays."""
        self._lines += part.lines
        self.rows += self._rows_of(part.lines)
        self.end = part.end

    def prepend(self, part: LogPart) -> None:
        """Take lines that come before those held; what is visible stays."""
        rows = self._rows_of(part.lines)
        self._lines[:0] = part.lines
        self.rows[:0] = rows
        self.top += len(rows)
        self.start = part.start

    def trim(self) -> None:
        """Let go of the lines that are farthest from what is visible, once there are too many."""
        if len(self._lines) <= MOST:
            return
        middle = self._visible_index()
        first = max(0, min(middle - MOST // 2, len(self._lines) - MOST))
        kept = self._lines[first : first + MOST]
        if first:
            self.start = kept[0].offset
        if first + MOST < len(self._lines):
            self.end = kept[-1].end
        self._keep(kept)

    def lay_out(self, width: int, height: int, *, wrap: bool) -> None:
        """Make the rows anew for another size; the line at the top stays there."""
        if (width, wrap) != (self.width, self.wrap):
            self.width, self.wrap = width, wrap
            self._keep(self._lines)
        self.height = height

    def scroll(self, rows: int) -> int:
        """Move by some rows; return how many could not be gone, because there are no more at hand."""
        wanted = self.top + rows
        self.top = max(0, min(wanted, len(self.rows) - self.height))
        return wanted - self.top

    def to_end(self) -> None:
        """Show the last rows."""
        self.top = max(0, len(self.rows) - self.height)

    def to_line(self, offset: int) -> bool:
        """Have the line at `offset` on the screen, a third down if it was not; tell whether it is held."""
        place = next((at for at, row in enumerate(self.rows) if row.line.offset == offset), None)
        if place is None:
            return False
        if not self.top <= place < self.top + self.height:
            self.top = max(0, min(place - self.height // 3, len(self.rows) - self.height))
        return True

    def _visible_index(self) -> int:
        if not self.rows:
            return 0
        line = self.rows[min(self.top, len(self.rows) - 1)].line
        return self._lines.index(line)

    def _keep(self, lines: list[LogRecord]) -> None:
        top = self.rows[self.top] if self.top < len(self.rows) else None
        self._lines = lines
        self.rows = self._rows_of(lines)
        self.top = 0
        if top is not None:
            self.top = sum(map(partial(_is_before, top), self.rows))

    def _rows_of(self, lines: Sequence[LogRecord]) -> list[Row]:
        if not self.wrap:
            return [Row(line, 0, len(line.text)) for line in lines]
        return [Row(line, start, end) for line in lines for start, end in row_ends(line.text, self.width)]


def _is_before(row: Row, other: Row) -> bool:
    """Tell whether the other row ends before this one begins."""
    if other.line.offset == row.line.offset:
        return other.start < row.start and other.end <= row.start
    return other.line.offset < row.line.offset
