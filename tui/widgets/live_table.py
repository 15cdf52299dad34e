"""A table of any length whose rows change while one looks: only what is visible is made, only what differs is drawn."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from core.resources.resource import Tone
from tui.widgets.table_keys import TABLE_KEYS
from tui.widgets.table_layout import GUTTER, TableLayout, lay_out
from tui.widgets.table_lines import (
    MORE_SIGN,
    Pieces,
    RowState,
    TableStyles,
    bar_piece,
    header_pieces,
    line_of,
    row_pieces,
    selected,
)
from tui.widgets.table_place import Place

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from textual import events
    from textual.binding import BindingType
    from textual.selection import Selection

    from core.resources.resource import Column
    from tui.widgets.table_model import TableModel

Row = TypeVar("Row")

MARGIN = 40
"""So many rows above and below what is visible are read ahead."""
WHEEL = 3
HEADER = 1


class LiveTable(ScrollView, Generic[Row], can_focus=True):
    """Rows of a model, a cursor and marks that stick to ids, and a header.

    Whoever changes the model says so: `refresh_rows` for content, `reordered` for ids, `tick` for the clock.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "live-table--header",
        "live-table--cursor",
        "live-table--cursor-blurred",
        "live-table--marked",
        "live-table--bar",
        *(f"live-table--{tone}" for tone in Tone),
    }
    DEFAULT_CSS = """
    LiveTable { height: 1fr; width: 1fr; overflow: hidden hidden; background: $background; color: $foreground; }
    LiveTable > .live-table--header { color: $text-muted; background: $panel; text-style: bold; }
    LiveTable > .live-table--cursor {
        color: $block-cursor-foreground; background: $block-cursor-background; text-style: $block-cursor-text-style;
    }
    LiveTable > .live-table--cursor-blurred {
        color: $block-cursor-blurred-foreground; background: $block-cursor-blurred-background;
        text-style: $block-cursor-blurred-text-style;
    }
    LiveTable > .live-table--marked { color: $text-accent; text-style: bold; }
    LiveTable > .live-table--bar { color: $text-muted; }
    LiveTable > .live-table--strong { text-style: bold; }
    LiveTable > .live-table--dim { color: $text-muted; }
    LiveTable > .live-table--good { color: $text-success; }
    LiveTable > .live-table--bad { color: $text-error; }
    LiveTable > .live-table--busy { color: $text-primary; }
    LiveTable > .live-table--waiting { color: $text-warning; }
    """
    BINDINGS: ClassVar[list[BindingType]] = TABLE_KEYS

    class _TableMessage(Message):
        def __init__(self, table: LiveTable[Any]) -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> LiveTable[Any]:
            """The table that it comes from."""
            return self.table

    class _RowMessage(_TableMessage):
        def __init__(self, table: LiveTable[Any], key: int) -> None:
            super().__init__(table)
            self.id = key

    class Highlighted(_RowMessage):
        """The cursor is on another row."""

    class Opened(_RowMessage):
        """Somebody wants to see the row in full."""

    class MarksChanged(_TableMessage):
        """Other rows are marked."""

    class Needed(_TableMessage):
        """Rows have to be read: all in sight or close that are not in the model; a later message replaces it."""

        def __init__(self, table: LiveTable[Any], ids: Sequence[int]) -> None:
            super().__init__(table)
            self.ids = ids

        def can_replace(self, message: Message) -> bool:
            """Return whether an earlier message need not be handled any more."""
            return isinstance(message, LiveTable.Needed) and message.table is self.table

    def __init__(self, columns: Sequence[Column[Row]], model: TableModel[Row], *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.model = model
        self._columns = tuple(columns)
        self._sort: tuple[str, bool] | None = None
        self._marks: set[int] = set()
        self._last_marked: int | None = None
        self._cursor_id: int | None = None
        self._cursor = 0
        self._wanted: int | None = None
        self.follows = False
        self._place = Place()
        self._asked: frozenset[int] = frozenset()
        self._now = time.time()
        self._moved: dict[int, Sequence[str]] = {}
        self._layout = TableLayout((), 1, 0)
        self._styles: TableStyles | None = None
        self._shown: dict[int, Strip] = {}
        self._made: dict[int, Strip] = {}

    # What a screen tells the table.

    @property
    def columns(self) -> Sequence[Column[Row]]:
        """The columns that are shown, in order."""
        return self._columns

    @columns.setter
    def columns(self, columns: Sequence[Column[Row]]) -> None:
        self._columns = tuple(columns)
        self._measure()
        self._repaint()

    @property
    def sort(self) -> tuple[str, bool] | None:
        """The key of the column that the rows are sorted by, and whether they descend."""
        return self._sort

    @sort.setter
    def sort(self, sort: tuple[str, bool] | None) -> None:
        self._sort = sort
        self._repaint_line(0)

    @property
    def cursor_id(self) -> int | None:
        """The row that the cursor is on; one that is not in the list yet is waited for, until the cursor is moved."""
        return self._cursor_id

    @cursor_id.setter
    def cursor_id(self, key: int | None) -> None:
        self._wanted = key
        index = 0 if key is None else self.model.index_of(key)
        if index is not None:
            self._go(index)

    @property
    def marks(self) -> set[int]:
        """The ids of the rows that are marked."""
        return self._marks

    @marks.setter
    def marks(self, marks: Collection[int]) -> None:
        if self._marks != set(marks):
            self._marks = set(marks)
            self._repaint()
            self.post_message(self.MarksChanged(self))

    def selection(self) -> list[int]:
        """Return the ids of the marked rows in the list's order, or that of the row under the cursor."""
        if self._marks:
            order = self.model.ids
            few = len(self._marks) < 32
            if few:
                found = [(index, key) for key in self._marks if (index := self.model.index_of(key)) is not None]
                return [key for _, key in sorted(found)]
            return [key for key in order if key in self._marks]
        return [] if self._cursor_id is None else [self._cursor_id]

    def refresh_rows(self, ids: Iterable[int]) -> None:
        """Take note that these rows have other content in the model."""
        changed = frozenset(ids)
        for y, key in enumerate(self.visible_ids(), HEADER):
            if key in changed:
                self._repaint_line(y)
        self._ask()

    def tick(self, now: float) -> None:
        """Take note of the time, with which some texts move."""
        self._now = now
        moving = [placed.column for placed in self._layout.placed if placed.column.time]
        before, self._moved = self._moved, {}
        for y, key in enumerate(self.visible_ids(), HEADER):
            if (row := self.model.row(key)) is not None:
                self._moved[key] = [column.text(row, now) for column in moving]
                if self._moved[key] != before.get(key):
                    self._repaint_line(y)

    def reordered(self) -> None:
        """Take note that the model has other ids, or has them in another order."""
        self._measure()
        place = self._place
        wanted = None if self._wanted is None else self.model.index_of(self._wanted)
        if wanted is None and self.follows and place.top == place.cursor == 0:
            wanted = 0
        self._cursor = place.cursor_now(self.model, self._cursor_id) if wanted is None else wanted
        self._scroll_silently(place.top_now(self.model, self._cursor))
        if wanted is not None or (place.top == 0 and place.shows_cursor):
            self._scroll_silently(self._top_that_shows(self._cursor))
        self._cursor_moved()
        self._repaint()

    # Where things are.

    @property
    def _top(self) -> int:
        return round(self.scroll_y)

    @property
    def _height(self) -> int:
        return max(0, self.size.height - HEADER)

    def visible_ids(self) -> Sequence[int]:
        """Return the ids of the rows that are in sight."""
        return self.model.ids[self._top : self._top + self._height]

    def _top_that_shows(self, index: int) -> int:
        return max(min(self._top, index), index - self._height + 1)

    def _remember(self) -> None:
        """Keep what is needed to find one's place again when the list has changed."""
        self._place = Place.of(self.model, self._top, self._cursor, self._height)

    # Moving.

    def _go(self, index: int) -> None:
        """Put the cursor on a row and show it."""
        self._cursor = max(0, min(index, len(self.model) - 1))
        top = self._top
        self._scroll_silently(self._top_that_shows(self._cursor))
        old = self._cursor_id
        self._cursor_moved()
        if self._top != top:
            self._repaint()
            return
        self._remember()
        for y, key in enumerate(self.visible_ids(), HEADER):
            if key in (old, self._cursor_id):
                self._repaint_line(y)

    def _cursor_moved(self) -> None:
        ids = self.model.ids
        key = ids[self._cursor] if self._cursor < len(ids) else None
        if key is not None and key == self._wanted:
            self._wanted = None
        if key != self._cursor_id:
            self._cursor_id = key
            if key is not None:
                self.post_message(self.Highlighted(self, key))

    def _scroll_silently(self, top: int) -> None:
        """Scroll without the whole table being drawn again, which is what a change of the reactive value does."""
        top = max(0, min(top, self.max_scroll_y))
        self.set_reactive(Widget.scroll_y, float(top))
        self.set_reactive(Widget.scroll_target_y, float(top))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Draw the lines that became others."""
        if round(old_value) != round(new_value):
            self._repaint()

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        """Draw the lines that became others."""
        if round(old_value) != round(new_value):
            self._repaint()

    def action_move(self, rows: int) -> None:
        """Go up or down."""
        self._walk(self._cursor + rows)

    def action_page(self, pages: int) -> None:
        """Go up or down by what is visible; the cursor stays at its place on the screen as long as there is more."""
        rows = pages * max(1, self._height - 1)
        self._scroll_silently(self._top + rows)
        self._walk(self._cursor + rows)
        self._repaint()

    def action_first(self) -> None:
        """Go to the first row."""
        self._walk(0)

    def action_last(self) -> None:
        """Go to the last row."""
        self._walk(len(self.model) - 1)

    def _walk(self, index: int) -> None:
        self._wanted = None
        self._go(index)

    def action_sideways(self, columns: int) -> None:
        """Show columns further left or right, where they do not fit."""
        starts = [placed.start - GUTTER for placed in self._layout.placed]
        x = round(self.scroll_x)
        if columns > 0:
            self.scroll_x = min(self.max_scroll_x, next((start for start in starts if start > x), x))
        else:
            self.scroll_x = next((start for start in reversed(starts) if start < x), 0)

    def action_open(self) -> None:
        """Ask for the row under the cursor to be opened."""
        if self._cursor_id is not None:
            self.post_message(self.Opened(self, self._cursor_id))

    # Marks.

    def action_mark(self) -> None:
        """Mark the row under the cursor, or take its mark away, and go down."""
        if self._cursor_id is None:
            return
        self._last_marked = self._cursor_id
        self.marks = self._marks ^ {self._cursor_id}
        self._walk(self._cursor + 1)

    def action_mark_range(self) -> None:
        """Mark the rows from the last marked one to the one under the cursor."""
        start = None if self._last_marked is None else self.model.index_of(self._last_marked)
        if start is None:
            start = self._cursor
        first, last = sorted((start, self._cursor))
        self.marks = self._marks.union(self.model.ids[first : last + 1])
        self._last_marked = self._cursor_id

    def action_unmark(self) -> None:
        """Take all marks away."""
        self.marks = set()

    # The mouse.

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the row; twice opens it."""
        index = self._top + event.y - HEADER
        if event.y < HEADER or index >= len(self.model):
            return
        if event.x >= self.size.width - 1:
            self._scroll_to_share((event.y - HEADER) / max(1, self._height - 1))
            return
        self._walk(index)
        if event.chain == 2:
            self.action_open()

    def _scroll_to_share(self, share: float) -> None:
        self.scroll_y = round(share * self.max_scroll_y)

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_y = min(self._top + WHEEL, self.max_scroll_y)

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_y = max(0, self._top - WHEEL)

    # Drawing.

    def _measure(self) -> None:
        """Lay the columns out, and say how large all of it is, without the layout of the screen being done again."""
        self._layout = lay_out(self._columns, max(0, self.size.width - 1))
        size = Size(self._layout.width + 1, len(self.model) + HEADER)
        self.set_reactive(Widget.virtual_size, size)

    def on_mount(self) -> None:
        """Put the cursor on the first row, if there is one."""
        self.reordered()

    def on_resize(self) -> None:
        """Lay the columns out anew, and keep the cursor on screen."""
        self._measure()
        self._shown.clear()
        self._made.clear()
        self._scroll_silently(self._top_that_shows(self._cursor))
        self.refresh()
        self._remember()
        self._ask()

    def notify_style_update(self) -> None:
        """Ask the theme again."""
        self._styles = None
        self._made.clear()
        super().notify_style_update()

    def on_focus(self) -> None:
        """Show the cursor as one that keys move."""
        self._repaint()

    def on_blur(self) -> None:
        """Show the cursor as one that keys do not move."""
        self._repaint()

    def _repaint(self) -> None:
        """Draw those lines that are others than what is shown, and ask for rows that are missing."""
        for y in range(self.size.height):
            self._repaint_line(y)
        self._remember()
        self._ask()

    def _repaint_line(self, y: int) -> None:
        shown = self._shown.get(y)
        if shown is None:
            return
        line = self._made[y] = self._line(y)
        if shown != line:
            self.refresh(Region(0, y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        """Return a line of what is visible."""
        line = self._made.pop(y, None) or self._line(y)
        self._shown[y] = line
        return line.apply_offsets(0, y)

    def text_select_all(self) -> None:
        """Select nothing: a double click opens a row."""

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return what is selected with the mouse, of the lines that are in sight."""
        return selection.extract("\n".join(self._line(y).text.rstrip() for y in range(self.size.height))), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002 - it is asked for where it is drawn
        """Show what is selected."""
        self._repaint()

    def _line(self, y: int) -> Strip:
        width = max(0, self.size.width - 1)
        pieces = self._pieces(y)
        if self._layout.width > width:
            x = round(self.scroll_x)
            whole = line_of(pieces, self._layout.width)
            cut = Strip.join([whole.crop(0, GUTTER), whole.crop(GUTTER + x, width + x)])
            pieces = [(segment.text, segment.style or self.rich_style) for segment in cut]
        line = line_of([*pieces, (self._edge(y), self._theme.bar if y else self._theme.header)], width + 1)
        selection = self.text_selection
        span = None if selection is None else selection.get_span(y)
        return line if span is None else selected(line, span, self.screen.get_component_rich_style("screen--selection"))

    def _pieces(self, y: int) -> Pieces:
        if y < HEADER:
            return header_pieces(self._layout, self._theme, self._sort, is_scrolled=self.scroll_x > 0)
        ids, index = self.model.ids, self._top + y - HEADER
        if index >= len(ids):
            return [(" " * self._layout.width, self._theme.tones[Tone.PLAIN])]
        key = ids[index]
        state = RowState(cursor=key == self._cursor_id, focus=self.has_focus, marked=key in self._marks)
        return row_pieces(self.model.row(key), self._now, self._layout, self._theme, state)

    def _edge(self, y: int) -> str:
        """Return the cell at the right of a line: a sign that there are more columns, or a piece of the scroll bar."""
        if y < HEADER:
            return MORE_SIGN if round(self.scroll_x) < self.max_scroll_x else " "
        return bar_piece(y - HEADER, self._height, self._top, len(self.model))

    @property
    def _theme(self) -> TableStyles:
        if self._styles is None:
            # Not `partial`: a muted colour is made from the background, without which it is that for a black one.
            self._styles = TableStyles.of(self.get_component_rich_style)
        return self._styles

    def _ask(self) -> None:
        """Ask for rows that are visible or close and were not read, unless they were asked for just before."""
        if not self._height:
            return
        first = max(0, self._top - MARGIN)
        close = self.model.ids[first : self._top + self._height + MARGIN]
        missing = frozenset(filter(self.model.needs, close))
        # What was asked for and is not there now does not exist any more: it is not asked for again.
        self._asked &= missing
        if missing - self._asked:
            self._asked = missing
            self.post_message(self.Needed(self, [key for key in close if key in missing]))
