"""One line of a lineage tree as pieces of text, each with the name of its style."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.executions.shapes import SHAPES
from core.lineage_children import BELOW, COUNTED
from core.text import cells
from tui.widgets.cell_text import cell_text
from tui.widgets.table_lines import MARK_SIGN

if TYPE_CHECKING:
    from tui.widgets.lineage_rows import LineageRows, Row

Piece = tuple[str, str]

_BRANCHES = {
    ("file", "up"): "↑ came from",
    ("file", "down"): "↓ went into",
    ("execution", "up"): "↑ took",
    ("execution", "down"): "↓ made",
}
_GAP = "  "


def pieces(rows: LineageRows, row: Row, width: int, *, marked: bool) -> list[Piece]:
    """Return a row in exactly `width` cells."""
    start = [(f"{MARK_SIGN if marked else ' '} ", "mark"), (_indent(row, width), "guide"), *_expander(row)]
    line = _Line(width)
    for text, style in start:
        line.add(text, style)
    for text, style in _content(rows, row):
        line.add(text, style)
    return line.filled()


class _Line:
    """Pieces of text beside each other, as far as there is room."""

    def __init__(self, width: int) -> None:
        self._pieces: list[Piece] = []
        self._room = width

    def add(self, text: str, style: str) -> None:
        if self._room <= 0 or not text:
            return
        shown = cell_text(text, self._room)
        shown = shown.rstrip(" ") + " " * (len(text) - len(text.rstrip(" ")))
        if (taken := cells(shown)) > self._room:
            shown = cell_text(shown, self._room)
            taken = self._room
        self._room -= taken
        self._pieces.append((shown, style))

    def filled(self) -> list[Piece]:
        return [*self._pieces, (" " * self._room, "text")] if self._room else self._pieces


def _indent(row: Row, width: int) -> str:
    """Return the guides before a row; where it lies so deep that they would take the line, its depth as a number."""
    if 2 * row.depth <= width // 3:
        return "│ " * row.depth
    number = f"{row.depth}: "
    return "│ " * ((width // 3 - len(number)) // 2) + number


def _expander(row: Row) -> list[Piece]:
    if row.kind in ("root", "more"):
        return []
    if row.parent is not None and row.parent.kind == "root" and row.kind == "node":
        return [("↓ ", "guide")]
    if row.is_loading:
        return [("⋯ ", "guide")]
    if not row.can_open:
        return [("  ", "guide")]
    return [("- " if row.is_open else "+ ", "guide")]


def _content(rows: LineageRows, row: Row) -> list[Piece]:
    if row.kind == "branch":
        return _branch(rows, row)
    if row.kind == "more":
        assert row.parent is not None  # noqa: S101 - it stands for children of one
        at_least = "more than " if row.parent.left >= COUNTED else ""
        reading = "  reading…" if row.parent.is_loading else "  enter shows the next"
        return [(f"  … {at_least}{row.parent.left:,} more", "more"), (reading, "detail")]
    return _node(row)


def _branch(rows: LineageRows, row: Row) -> list[Piece]:
    assert rows.root.node is not None  # noqa: S101 - a root always has one
    title = (_BRANCHES[rows.root.node.kind, row.way], "branch")
    if not row.children:
        return [title, (f"{_GAP}{rows.nothing(row)}", "detail")]
    return [title, (f"{_GAP}{row.below:,}", "detail")]


def _node(row: Row) -> list[Piece]:
    node = row.node
    assert node is not None  # noqa: S101 - rows of this kind show one
    name = "root" if row.kind == "root" else node.kind
    found: list[Piece] = [(node.label, name)]
    if row.same is not None:
        where = "↑ shown above" if row.same.order < row.order else "↓ shown below"
        return [*found, (f"{_GAP}{where}", "same")]
    if row.can_open and not row.is_open:
        many = f"+{BELOW} or more" if row.below >= BELOW else f"+{row.below}"
        found.append((f"{_GAP}{many}", "count"))
    if node.status:
        found.append((f"{_GAP}{SHAPES.get(node.status, '?')} {node.status}", f"status-{node.status}"))
    if node.detail:
        found.append((f"{_GAP}{node.detail}", "detail"))
    return found
