"""Cells of a terminal: how texts become them, and how they are written with few bytes."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import split_graphemes
from rich.control import Control
from rich.style import Style
from textual.strip import Strip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.color import ColorSystem

_RESET = "\x1b[0m"
_SEQUENCE = "\x1b["


class Look(NamedTuple):
    """The sequences before and after a text, and before and after a space, of which only the background shows."""

    before: str
    after: str
    blank_before: str
    blank_after: str


class Cell(NamedTuple):
    """What stands in one cell; the second half of a wide character has no text."""

    text: str
    before: str
    after: str


class Pen:
    """Writes cells, with as few sequences between them as can be."""

    def __init__(self) -> None:
        self.sequences: list[str] = []
        self._before = self._after = ""
        self._x = self._y = -1

    def move(self, x: int, y: int) -> None:
        """Go to a cell; to the right it takes the fewest bytes."""
        if y == self._y and x > self._x:
            self.sequences.append(f"{_SEQUENCE}{x - self._x}C")
        elif (x, y) != (self._x, self._y):
            self.sequences.append(Control.move_to(x, y).segment.text)
        self._x, self._y = x, y

    def put(self, cells: Sequence[Cell]) -> None:
        """Write cells."""
        for index, cell in enumerate(cells):
            if cell.text != " " or _blank(self._before) != cell.before:
                self._turn(_visible_look(cells, index))
            self.sequences.append(cell.text)
        self._x += len(cells)

    def finished(self) -> str:
        """Return what was written, with which the terminal is left as it was found."""
        return "".join(self.sequences) + self._after

    def _turn(self, look: tuple[str, str]) -> None:
        before, after = look
        if before == self._before:
            return
        if self._after == _RESET and before.startswith(_SEQUENCE):
            self.sequences.append(f"{_SEQUENCE}0;{before[len(_SEQUENCE) :]}")
        else:
            self.sequences.append(self._after + before)
        self._before, self._after = before, after


def _visible_look(cells: Sequence[Cell], index: int) -> tuple[str, str]:
    """Return a cell's look, for a space that of the text behind it, if nobody sees the difference."""
    cell = cells[index]
    if cell.text == " ":
        for following in cells[index + 1 :]:
            if following.text != " ":
                if _blank(following.before) == cell.before:
                    return following.before, following.after
                break
    return cell.before, cell.after


_BLANKS: dict[str, str] = {"": ""}
"""For what stands before a text what would stand before a space in its place."""


def _blank(before: str) -> str:
    return _BLANKS.get(before, before)


@lru_cache(maxsize=4096)
def look_of(style: Style | None, system: ColorSystem) -> Look:
    """Return how a style looks on a terminal with these colours."""
    if style is None:
        return Look("", "", "", "")
    marks_spaces = style.underline or style.underline2 or style.overline or style.strike or style.reverse or style.link
    blank = style if marks_spaces else Style(bgcolor=style.bgcolor)
    before, after = Strip.render_style(style, "\0", system).split("\0")
    blank_before, blank_after = Strip.render_style(blank, "\0", system).split("\0")
    _BLANKS[before] = blank_before
    return Look(before, after, blank_before, blank_after)


@lru_cache(maxsize=8192)
def cells_of(text: str, look: Look) -> tuple[Cell, ...]:
    """Return the cells that a text takes."""
    blank = Cell(" ", look.blank_before, look.blank_after)
    if text.isascii():
        return tuple(blank if character == " " else Cell(character, look.before, look.after) for character in text)
    cells: list[Cell] = []
    for start, end, width in split_graphemes(text)[0]:
        cells.append(blank if text[start:end] == " " else Cell(text[start:end], look.before, look.after))
        cells.extend([Cell("", look.before, look.after)] * (width - 1))
    return tuple(cells)
