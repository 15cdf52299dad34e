"""Lines of a table as a terminal gets them: as few changes of style as can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from core.resources.resource import Tone
from core.text import cells
from tui.widgets.cell_text import cell_text
from tui.widgets.table_layout import GUTTER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tui.widgets.table_layout import TableLayout

CURSOR_SIGN = "▸"
MARK_SIGN = "●"
UNREAD = "…"
_BOLD = Style(bold=True)
LESS_SIGN, MORE_SIGN = "◂", "▸"

Pieces = Sequence[tuple[str, Style]]
"""Texts and how they look, from left to right."""


@dataclass(frozen=True, slots=True)
class TableStyles:
    """What a theme gives for the parts of a table; `tones` are for rows, the others stand for themselves."""

    header: Style
    cursor: Style
    cursor_blurred: Style
    marked: Style
    bar: Style
    tones: Mapping[Tone, Style]

    @classmethod
    def of(cls, style: Callable[[str], Style]) -> Self:
        """Take them from a table's component classes, each of which `style` gives."""
        return cls(
            header=style("live-table--header"),
            cursor=style("live-table--cursor"),
            cursor_blurred=style("live-table--cursor-blurred"),
            marked=style("live-table--marked"),
            bar=style("live-table--bar"),
            tones={tone: style(f"live-table--{tone}") for tone in Tone},
        )


@dataclass(frozen=True, slots=True)
class RowState:
    """What a row is besides its content."""

    cursor: bool
    focus: bool
    marked: bool


def row_pieces(
    row: Any | None,  # noqa: ANN401 - any row
    now: float,
    layout: TableLayout,
    styles: TableStyles,
    state: RowState,
) -> Pieces:
    """Return a row's texts; one that was not read yet has a sign for that in the place of its columns."""
    gutter = (CURSOR_SIGN if state.cursor else " ") + (MARK_SIGN if state.marked else " ") + " "
    pieces = [(gutter, _style(Tone.PLAIN, styles, state))]
    if row is None:
        return [*pieces, (cell_text(UNREAD, layout.width - GUTTER), _style(Tone.DIM, styles, state))]
    gap = " " * layout.gap
    for placed in layout.placed:
        column = placed.column
        text = cell_text(column.text(row, now), placed.width, right=column.right)
        tone = Tone.PLAIN if column.tone is None else column.tone(row)
        pieces.append((text + gap, _style(tone, styles, state)))
    return _without_last_gap(pieces, layout)


def header_pieces(
    layout: TableLayout, styles: TableStyles, sort: tuple[str, bool] | None, *, is_scrolled: bool
) -> Pieces:
    """Return the titles, an arrow with the one that the rows are sorted by."""
    sorted_by, descending = sort or ("", False)
    parts = [" " * (GUTTER - 1) + (LESS_SIGN if is_scrolled else " ")]
    for placed in layout.placed:
        column = placed.column
        arrow = ("▼" if descending else "▲") if column.key == sorted_by else ""
        parts.append(_titled(column.title, arrow, placed.width, right=column.right) + " " * layout.gap)
    return _without_last_gap([("".join(parts), styles.header)], layout)


def _without_last_gap(pieces: Pieces, layout: TableLayout) -> Pieces:
    """Return pieces that take the layout's whole width: behind the last column no gap, but what is left of it."""
    text, style = pieces[-1]
    return [*pieces[:-1], (text[: -layout.gap] + " " * layout.rest if layout.placed else " " * layout.width, style)]


def bar_piece(y: int, height: int, top: int, rows: int) -> str:
    """Return what stands at line `y` of a scroll bar: nothing where all rows are in sight."""
    if rows <= height:
        return " "
    length = max(1, height * height // rows)
    start = round((height - length) * top / (rows - height))
    return "█" if start <= y < start + length else "│"


def _style(tone: Tone, styles: TableStyles, state: RowState) -> Style:
    if state.cursor:
        return styles.cursor if state.focus else styles.cursor_blurred
    style = styles.tones[tone]
    if state.marked:
        return styles.marked if tone is Tone.PLAIN else style + _BOLD
    return style


def line_of(pieces: Pieces, width: int) -> Strip:
    """Return pieces as one strip of `width` cells; neighbours that look alike become one."""
    texts: list[str] = []
    styles: list[Style] = []
    for text, style in pieces:
        if styles and (styles[-1] == style or (text.isspace() and styles[-1].bgcolor == style.bgcolor)):
            texts[-1] += text
        else:
            texts.append(text)
            styles.append(style)
    return Strip(map(Segment, texts, styles)).adjust_cell_length(width, styles[-1] if styles else None)


def _titled(title: str, arrow: str, width: int, *, right: bool) -> str:
    """Return a column's title with the arrow that tells its order, if it has one."""
    if not arrow:
        return cell_text(title, width, right=right)
    return cell_text(cell_text(title, max(0, width - 1)).rstrip() + arrow, width, right=right)


def selected(line: Strip, span: tuple[int, int], style: Style) -> Strip:
    """Return a line with the characters of a span shown as selected; an end of -1 is the line's."""
    start, end = span
    text = line.text
    first, last = cells(text[:start]), line.cell_length if end == -1 else cells(text[:end])
    before, marked, after = line.crop(0, first), line.crop(first, last), line.crop(last)
    return Strip.join([before, Strip([Segment(marked.text, style)], marked.cell_length), after])
