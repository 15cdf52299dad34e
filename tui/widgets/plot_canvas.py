"""Lines of dots, eight to a cell: braille. A column of dots is one integer, so that a spike is drawn in one step."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_BLANK = 0x2800
# Bit 0 is the lowest of the four dots of a cell's half.
_LEFT = [sum(dot for bit, dot in enumerate((0x40, 0x04, 0x02, 0x01)) if half >> bit & 1) for half in range(16)]
_RIGHT = [sum(dot for bit, dot in enumerate((0x80, 0x20, 0x10, 0x08)) if half >> bit & 1) for half in range(16)]


class Canvas:
    """The picture of one curve, `columns` by `rows` cells; dots are counted from the lower left."""

    def __init__(self, columns: int, rows: int) -> None:
        self.width = columns * 2
        self.height = rows * 4
        self._rows = rows
        self._columns = [0] * self.width

    def draw(self, dots: Sequence[tuple[int, int]]) -> None:
        """Connect dots by lines; all of them must lie on the canvas."""
        columns = self._columns
        if dots:
            columns[dots[0][0]] |= 1 << dots[0][1]
        for (x, y), (to_x, to_y) in zip(dots, islice(dots, 1, None), strict=False):
            if x == to_x:
                low, high = (y, to_y) if y < to_y else (to_y, y)
                columns[x] |= ((1 << high - low + 1) - 1) << low
            elif x < to_x:
                self._slope(x, y, to_x, to_y)
            else:
                self._slope(to_x, to_y, x, y)

    def column(self, column: int) -> list[tuple[int, int]]:
        """Return the cells of a column that have dots, from the top: the number of the row, and its dots."""
        left, right = self._columns[2 * column], self._columns[2 * column + 1]
        if not left | right:
            return []
        first, last = self._rows - 1 - ((left | right).bit_length() - 1) // 4, self._rows - 1
        found = []
        for row in range(first, last + 1):
            shift = 4 * (last - row)
            if dots := _LEFT[left >> shift & 15] | _RIGHT[right >> shift & 15]:
                found.append((row, dots))
        return found

    def _slope(self, x: int, y: int, to_x: int, to_y: int) -> None:
        """Draw to the right: in each column the dots that are nearer to the line there than in another column."""
        rise = (to_y - y) / (to_x - x)
        half = abs(rise) / 2
        bottom, top = min(y, to_y), max(y, to_y)
        for column in range(x, to_x + 1):
            middle = y + rise * (column - x)
            low, high = max(bottom, round(middle - half + 0.5)), min(top, round(middle + half - 0.5))
            if low > high or half <= 0.5:
                low = high = round(middle)
            self._columns[column] |= ((1 << high - low + 1) - 1) << low


def braille(dots: int) -> str:
    """Return the character with these dots."""
    return chr(_BLANK + dots)
