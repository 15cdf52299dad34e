"""Where the columns of a table stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.resources.resource import Column

GUTTER = 3
"""The cursor's and the mark's sign, and a space."""
NARROWEST = 8
"""A flexible column gets no narrower than this, or than its own width; beyond, the table scrolls sideways."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A column, and how wide it is here."""

    column: Column[Any]
    start: int
    width: int


@dataclass(frozen=True, slots=True)
class TableLayout:
    """Columns from left to right, behind the gutter; `width` is what all of it takes, with the `rest` left over."""

    placed: tuple[Placed, ...]
    gap: int
    width: int
    rest: int = 0


def lay_out(columns: Sequence[Column[Any]], width: int) -> TableLayout:
    """Return where columns stand in a table of `width` cells; those that need more are left out."""
    shown = [column for column in columns if column.needs <= width + 1]
    gap = 2 if width >= 100 else 1
    widths = _widths(shown, width - GUTTER - gap * max(0, len(shown) - 1))
    placed, start = [], GUTTER
    for column, taken in zip(shown, widths, strict=True):
        placed.append(Placed(column, start, taken))
        start += taken + gap
    taken = start - gap if placed else GUTTER
    return TableLayout(tuple(placed), gap, max(width, taken), max(0, width - taken))


def _widths(columns: Sequence[Column[Any]], room: int) -> list[int]:
    widths = [column.width for column in columns]
    flexible = [index for index, column in enumerate(columns) if column.flexible]
    left = room - sum(widths)
    shares = [widths[index] for index in flexible]
    for position, index in enumerate(flexible):
        # Shares of what is left, to the last cell.
        share = left * shares[position] // max(1, sum(shares[position:]))
        floor = min(NARROWEST, widths[index])
        taken = max(floor, widths[index] + share)
        left -= taken - widths[index]
        widths[index] = taken
    return widths
