"""A lineage as a tree that is unfolded by hand: of the lines that are seen, it draws those that changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from core.resources.executions import TONES
from core.resources.resource import Tone
from tui.widgets.lineage_line import pieces
from tui.widgets.strip_difference import difference
from tui.widgets.table_lines import CURSOR_SIGN, bar_piece, line_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.style import Style
    from textual import events
    from textual.binding import BindingType

    from core.lineage_children import ChildPage
    from core.lineage_node import LineageNode
    from tui.widgets.lineage_rows import LineageRows, Row, Side

MARKS = 2
"""Nodes that can be marked: the ends of a path."""
WHEEL = 3


class LineageTree(ScrollView, can_focus=True):
    """Shows `LineageRows`; what is to be read, opened or described is told by messages."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "lineage--text",
        "lineage--cursor",
        "lineage--cursor-blurred",
        "lineage--guide",
        "lineage--mark",
        "lineage--root",
        "lineage--branch",
        "lineage--execution",
        "lineage--file",
        "lineage--source",
        "lineage--detail",
        "lineage--count",
        *(f"lineage--{tone}" for tone in Tone),
    }
    DEFAULT_CSS = """
    LineageTree { height: 1fr; width: 1fr; overflow: hidden hidden; background: $background; color: $foreground; }
    LineageTree > .lineage--guide, LineageTree > .lineage--detail, LineageTree > .lineage--dim { color: $text-muted; }
    LineageTree > .lineage--mark { color: $text-accent; text-style: bold; }
    LineageTree > .lineage--root, LineageTree > .lineage--execution { text-style: bold; }
    LineageTree > .lineage--branch { color: $text-primary; text-style: bold; }
    LineageTree > .lineage--source { text-style: italic; }
    LineageTree > .lineage--count { color: $text-accent; }
    LineageTree > .lineage--good { color: $text-success; }
    LineageTree > .lineage--bad { color: $text-error; }
    LineageTree > .lineage--busy { color: $text-primary; }
    LineageTree > .lineage--waiting { color: $text-warning; }
    LineageTree > .lineage--cursor {
        color: $block-cursor-foreground; background: $block-cursor-background; text-style: $block-cursor-text-style;
    }
    LineageTree > .lineage--cursor-blurred {
        color: $block-cursor-blurred-foreground; background: $block-cursor-blurred-background;
        text-style: $block-cursor-blurred-text-style;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", id="lineage.up", show=False, tooltip="One line up."),
        Binding("down,j", "move(1)", "Down", id="lineage.down", show=False, tooltip="One line down."),
        Binding("pageup", "page(-1)", "Page up", id="lineage.page-up", show=False, tooltip="One page up."),
        Binding("pagedown", "page(1)", "Page down", id="lineage.page-down", show=False, tooltip="One page down."),
        Binding("home", "edge(-1)", "Top", id="lineage.top", show=False, tooltip="To the first line."),
        Binding("end", "edge(1)", "Bottom", id="lineage.bottom", show=False, tooltip="To the last line."),
        Binding("right", "unfold", "Unfold", id="lineage.unfold", tooltip="Unfold it, or go to the first below it."),
        Binding("left", "fold", "Fold", id="lineage.fold", show=False, tooltip="Fold it, or go to what it hangs on."),
        Binding("enter", "open", "Open", id="lineage.open", tooltip="Open it; on “… more”, show the next ones."),
        Binding("space", "mark", "Mark", id="lineage.mark", show=False, tooltip="Mark it as one end of a path."),
    ]

    @dataclass
    class Wanted(Message):
        """The first or the next children of a row are to be read."""

        row: Row

    @dataclass
    class Moved(Message):
        """The cursor stands on another row."""

        row: Row

    @dataclass
    class Opened(Message):
        """A node is to be opened."""

        row: Row

    def __init__(self) -> None:
        super().__init__()
        self.rows: LineageRows | None = None
        self.marked: list[Row] = []
        self._cursor = 0
        self._at: Row | None = None
        self._styles: dict[str, Style] = {}
        self._shown: dict[int, Strip] = {}

    # What it shows.

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self._at

    def show(self, rows: LineageRows) -> None:
        """Show other rows; the cursor stays on the node, and the marks stay where their nodes are shown again."""
        kept = self.current.identity if self.current is not None else None
        marks = {row.key for row in self.marked}
        self.rows = rows
        self.marked = [found[0] for key in marks if key is not None and (found := rows.rows_of(key))]
        at = next((index for index, row in enumerate(rows.visible) if row.identity == kept), 0) if kept else 0
        self._move_to(at)

    def add(self, row: Row, page: ChildPage) -> None:
        """Take children that were read, and unfold their row."""
        assert self.rows is not None  # noqa: S101 - a row of them is given
        at = self.current
        self.rows.add(row, page)
        self.rows.open(row)
        self._stay_on(at)

    def not_added(self, row: Row) -> None:
        """Take note that a row's children could not be read."""
        row.is_loading = False
        self._draw()

    def update(self, nodes: Mapping[int, LineageNode]) -> None:
        """Show what has become of executions."""
        if self.rows is None:
            return
        for id_, node in nodes.items():
            for row in self.rows.rows_of(("execution", id_)):
                row.node = node
        self._draw()

    def cycle_side(self) -> Side:
        """Show both branches, then the one, then the other; return what is shown."""
        assert self.rows is not None  # noqa: S101 - asked of a tree that is shown
        sides: dict[Side, Side] = {"both": "up", "up": "down", "down": "both"}
        at = self.current
        self.rows.show(sides[self.rows.side])
        self._stay_on(at)
        return self.rows.side

    def find(self, text: str, step: int) -> bool:
        """Go to the next row (`step` 1), the one before (-1) or this one or the next (0) that has a text in it."""
        if self.rows is None or self.current is None:
            return False
        everything = [self.rows.root, *self.rows.loaded]
        at = next(index for index, row in enumerate(everything) if row is self.current)
        order = [*everything[at + bool(step) :], *everything[: at + bool(step)]]
        if step < 0:
            order = [*everything[at - 1 :: -1], *everything[: at - 1 : -1]] if at else everything[::-1]
        wanted = text.casefold()
        for row in order:
            if row.node is not None and wanted in f"{row.node.label} {row.node.status} {row.node.detail}".casefold():
                self.go_to(row)
                return True
        return False

    def go_to(self, row: Row) -> None:
        """Move the cursor to a row, which is unfolded where it has to be."""
        assert self.rows is not None  # noqa: S101 - a row of them is given
        index = self.rows.index(row)
        if index < 0:
            self.rows.reveal(row)
            index = self.rows.index(row)
        self._move_to(index)

    # Keys.

    def action_move(self, step: int) -> None:
        """Move the cursor by lines."""
        self._move_to(self._cursor + step)

    def action_page(self, step: int) -> None:
        """Move the cursor by pages."""
        self._move_to(self._cursor + step * max(1, self.size.height - 1))

    def action_edge(self, step: int) -> None:
        """Move the cursor to the first line or the last."""
        self._move_to(0 if step < 0 else self._last)

    def action_unfold(self) -> None:
        """Unfold the row, or go to the first below it."""
        row = self.current
        if row is None or self.rows is None:
            return
        if row.is_open and row.children:
            self._move_to(self._cursor + 1)
        elif row.kind == "more":
            self._want(row.parent)
        elif row.can_open:
            self._unfold(row)

    def action_fold(self) -> None:
        """Fold the row, or go to the one that it hangs on."""
        row = self.current
        if row is None or self.rows is None:
            return
        if row.is_open and row.children and row.kind != "root":
            self.rows.close(row)
            self._stay_on(row)
        elif row.parent is not None:
            self._move_to(self.rows.index(row.parent))

    def action_open(self) -> None:
        """Do what the row is for: read more, go to where its node is shown, fold a branch, or open the node."""
        row = self.current
        if row is None:
            return
        if row.kind == "more":
            self._want(row.parent)
        elif row.kind == "branch":
            (self.action_fold if row.is_open else self.action_unfold)()
        elif row.same is not None:
            self.go_to(row.same)
        else:
            self.post_message(self.Opened(row))

    def action_mark(self) -> None:
        """Mark the node or take its mark away; of more than two, the oldest mark goes."""
        row = self.current
        if row is None or row.key is None:
            return
        if row in self.marked:
            self.marked.remove(row)
        else:
            self.marked = [*(each for each in self.marked if each.key != row.key), row][-MARKS:]
        self._move_to(self._cursor + 1)

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the line; the second click opens it."""
        index = self._top + event.y
        if self.rows is not None and index <= self._last:
            if index == self._cursor and event.chain > 1:
                self.action_open()
            self._move_to(index)

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._move_to(self._cursor + WHEEL)

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._move_to(self._cursor - WHEEL)

    # Drawing.

    def render_line(self, y: int) -> Strip:
        """Return one line of what is seen."""
        self._shown[y] = self._line(y)
        return self._shown[y]

    def notify_style_update(self) -> None:
        """Forget the styles: they are others in another theme."""
        super().notify_style_update()
        self._styles.clear()

    def on_focus(self) -> None:
        """Show the cursor as one that keys move."""
        self._draw()

    def on_blur(self) -> None:
        """Show the cursor as one that keys do not move."""
        self._draw()

    def on_resize(self) -> None:
        """Keep the cursor in sight, and draw everything."""
        self._shown.clear()
        self._scroll_to_cursor()
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Draw the lines that became others."""
        if round(old_value) != round(new_value):
            self._draw()

    def _line(self, y: int) -> Strip:
        width = max(0, self.size.width - 2)
        index = self._top + y
        if self.rows is None or index > self._last:
            return Strip.blank(width + 2, self._style("text"))
        row = self.rows.visible[index]
        parts = pieces(self.rows, row, width, marked=row in self.marked)
        if index != self._cursor:
            styled = [(" ", self._style("text")), *((text, self._style(name)) for text, name in parts)]
        else:
            cursor = self._style("cursor" if self.has_focus else "cursor-blurred")
            styled = [(CURSOR_SIGN, cursor), *((text, cursor) for text, _ in parts)]
        return line_of(
            [*styled, (bar_piece(y, self.size.height, self._top, self._last + 1), self._style("guide"))], width + 2
        )

    def _style(self, name: str) -> Style:
        if name not in self._styles:
            # Not a partial style: its colours that depend on the background would be those of a dark theme.
            self._styles[name] = self.get_component_rich_style(f"lineage--{_STYLES.get(name, name)}")
        return self._styles[name]

    @property
    def _top(self) -> int:
        return round(self.scroll_y)

    @property
    def _last(self) -> int:
        return len(self.rows.visible) - 1 if self.rows is not None else -1

    def _draw(self) -> None:
        """Draw of every line that is seen what is not as it is shown."""
        for y, shown in [*self._shown.items()]:
            if (span := difference(shown, self._line(y))) is not None:
                self.refresh(Region(span[0], y, span[1] - span[0], 1))

    def _move_to(self, index: int) -> None:
        if self.rows is None:
            return
        before, self._cursor = self._at, max(0, min(index, self._last))
        self._at = self.rows.visible[self._cursor]
        self._scroll_to_cursor()
        self._draw()
        if self._at is not before:
            self.post_message(self.Moved(self._at))

    def _scroll_to_cursor(self) -> None:
        """Have the cursor in sight; where it left, by half a page, so that not every key draws the whole of it."""
        self.set_reactive(Widget.virtual_size, Size(self.size.width, self._last + 1))
        top, height = self._top, self.size.height
        if height <= 0:
            return
        if not top <= self._cursor < top + height:
            top = self._cursor - height // 2
        top = max(0, min(top, self._last + 1 - height))
        self.set_reactive(Widget.scroll_y, float(top))
        self.set_reactive(Widget.scroll_target_y, float(top))

    def _unfold(self, row: Row) -> None:
        if not row.is_loaded:
            self._want(row)
        elif self.rows is not None:
            self.rows.open(row)
            self._stay_on(row)

    def _stay_on(self, row: Row | None) -> None:
        """Keep the cursor on a row while others changed; where it cannot be seen any more, on what it hung on."""
        assert self.rows is not None  # noqa: S101 - called when they have changed
        index = -1
        while row is not None and (index := self.rows.index(row)) < 0:
            # What stood for more children is gone: the first of them stands in its place.
            more = row.kind == "more" and row.parent is not None and len(row.parent.children) > row.ordinal
            row = row.parent.children[row.ordinal] if more and row.parent is not None else row.parent
        self._move_to(index)

    def _want(self, row: Row | None) -> None:
        if row is not None and not row.is_loading:
            row.is_loading = True
            self._draw()
            self.post_message(self.Wanted(row))


_STYLES = {f"status-{status}": str(tone) for status, tone in TONES.items()} | {"more": "count", "same": "detail"}
