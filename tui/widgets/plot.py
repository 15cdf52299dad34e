"""A plot of several curves that follows what comes in: only the cells that changed are drawn again."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.widgets.plot_picture import SYMBOLS, Axes, picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.events import Click, Resize

    from tui.widgets.plot_picture import Cell, Curve


class Plot(Widget, can_focus=True):
    """Curves over a common x axis, each with a colour and a symbol; a cursor reads their values."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"plot--{name}" for name in ("axis", "text", "cursor", "note")),
        *(f"plot--curve-{number}" for number in range(1, len(SYMBOLS) + 1)),
    }
    DEFAULT_CSS = """
    Plot { height: 1fr; width: 1fr; }
    Plot > .plot--axis { color: $text-muted; }
    Plot > .plot--text { color: $text; }
    Plot > .plot--cursor { color: $text; text-style: bold; }
    Plot > .plot--note { color: $text-muted; }
    Plot > .plot--curve-1 { color: $primary; }
    Plot > .plot--curve-2 { color: $warning; }
    Plot > .plot--curve-3 { color: $success; }
    Plot > .plot--curve-4 { color: $error; }
    Plot > .plot--curve-5 { color: $accent; }
    Plot > .plot--curve-6 { color: $secondary; }
    Plot > .plot--curve-7 { color: $text; }
    Plot > .plot--curve-8 { color: $text-muted; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._curves: Sequence[Curve] = ()
        self._axes = Axes()
        self._note = ""
        self._cursor: int | None = None
        self._columns = 0
        self._lines: list[list[Cell]] = []

    def show(self, curves: Sequence[Curve], axes: Axes, note: str = "") -> None:
        """Draw these curves, the first of them on top; `note` says what could not be drawn."""
        self._curves, self._axes, self._note = curves, axes, note
        self._draw()

    def move_cursor(self, by: int | None) -> None:
        """Move the cursor by so many cells; it comes in from the side that it moves from, None takes it away."""
        if by is None or not self._columns:
            self._cursor = None
        elif self._cursor is None:
            self._cursor = self._columns - 1 if by < 0 else 0
        else:
            self._cursor = max(0, min(self._columns - 1, self._cursor + by))
        self._draw()

    @property
    def has_cursor(self) -> bool:
        """Whether the cursor is shown."""
        return self._cursor is not None

    def render_line(self, y: int) -> Strip:
        """Return one line of the picture."""
        if len(self._lines) != self.size.height or (self._lines and len(self._lines[0]) != self.size.width):
            self._lines = self._pictured()
        return self._strip(self._lines[y])

    def on_resize(self, _event: Resize) -> None:
        """Draw for the new size."""
        self._lines = []

    def on_click(self, event: Click) -> None:
        """Bring the cursor to where the mouse is."""
        left = self.size.width - self._columns
        if self._columns and event.x >= left:
            self._cursor = event.x - left
            self._draw()

    def _pictured(self) -> list[list[Cell]]:
        drawn = picture(
            self._curves, self._axes, (self.size.width, self.size.height), note=self._note, cursor=self._cursor
        )
        self._columns = drawn.columns
        if self._cursor is not None:
            self._cursor = max(0, min(drawn.columns - 1, self._cursor)) if drawn.columns else None
        return drawn.lines

    def _draw(self) -> None:
        """Draw again what differs from what is shown."""
        before = self._lines
        if not self.is_mounted or not self.size.width or not self.size.height:
            return
        self._lines = self._pictured()
        if len(before) != len(self._lines):
            self.refresh()
            return
        changes = (_change(y, old, new) for y, (old, new) in enumerate(zip(before, self._lines, strict=True)))
        if regions := [region for region in changes if region is not None]:
            self.refresh(*regions)

    def _strip(self, line: Sequence[Cell]) -> Strip:
        segments = [
            Segment("".join(text for text, _ in run), self.get_component_rich_style(f"plot--{style}"))
            for style, run in groupby(line, itemgetter(1))
        ]
        return Strip(segments).adjust_cell_length(self.size.width)


def _change(y: int, old: Sequence[Cell], new: Sequence[Cell]) -> Region | None:
    """Return the smallest part of a line in which two pictures differ; to the line's end where wide characters are."""
    if old == new:
        return None
    if len(old) != len(new):
        return Region(0, y, len(new), 1)
    differ = [index for index, (before, after) in enumerate(zip(old, new, strict=True)) if before != after]
    if any(len(text) != 1 for line in (old, new) for text, _ in line):
        return Region(0, y, len(new), 1)
    return Region(differ[0], y, differ[-1] - differ[0] + 1, 1)
