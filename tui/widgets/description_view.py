"""Labels and texts, line by line: fit to the width, drawn again only where they changed; lines may lead on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from core.resources.named_keys import with_keys
from core.resources.resource import Tone
from tui.live_keys import key_of
from tui.widgets.description_lines import DescriptionLine, lines_of
from tui.widgets.strip_difference import difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.binding import BindingType

    from core.resources.resource import Pair, Section


class DescriptionView(ScrollView, can_focus=True):
    """The sections of a description, with a cursor."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "description-view--title",
        "description-view--label",
        "description-view--cursor",
        *(f"description-view--{tone}" for tone in Tone),
    }
    DEFAULT_CSS = """
    DescriptionView { height: 1fr; width: 1fr; padding: 0; overflow-x: hidden; overflow-y: auto;
        scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    DescriptionView > .description-view--title { color: $text-primary; text-style: bold; }
    DescriptionView > .description-view--label { color: $text-muted; }
    DescriptionView > .description-view--cursor { background: $block-cursor-background; text-style: bold; }
    DescriptionView > .description-view--dim { color: $text-muted; }
    DescriptionView > .description-view--strong { text-style: bold; }
    DescriptionView > .description-view--good { color: $text-success; }
    DescriptionView > .description-view--bad { color: $text-error; }
    DescriptionView > .description-view--busy { color: $text-primary; }
    DescriptionView > .description-view--waiting { color: $text-warning; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "follow", "Open", id="description.open", tooltip="Go where the line leads."),
        Binding("up,k", "move(-1)", "Up", id="description.up", show=False),
        Binding("down,j", "move(1)", "Down", id="description.down", show=False),
        Binding("pageup", "page(-1)", "Page up", id="description.page_up", show=False),
        Binding("pagedown", "page(1)", "Page down", id="description.page_down", show=False),
        Binding("home,g", "edge(0)", "First", id="description.first", show=False),
        Binding("end,G", "edge(1)", "Last", id="description.last", show=False),
    ]

    @dataclass
    class Followed(Message):
        """A line that leads somewhere was opened."""

        address: str

    def __init__(self) -> None:
        super().__init__()
        self._sections: Sequence[Section] = ()
        self._lines: list[DescriptionLine] = []
        self._shown: dict[int, Strip] = {}
        self._cursor = 0

    @property
    def sections(self) -> Sequence[Section]:
        """What is shown."""
        return self._sections

    @sections.setter
    def sections(self, sections: Sequence[Section]) -> None:
        self._sections = [replace(each, pairs=[*map(self._with_keys, each.pairs)]) for each in sections]
        self._lay_out()

    def _with_keys(self, pair: Pair) -> Pair:
        return replace(pair, text=with_keys(pair.text, partial(key_of, self))) if pair.names_keys else pair

    @property
    def current_text(self) -> str:
        """The whole text of the line under the cursor."""
        return self._lines[self._cursor].whole if self._lines else ""

    def on_resize(self, event: events.Resize) -> None:
        """Wrap the texts anew."""
        del event
        self._lay_out()

    def _lay_out(self) -> None:
        before = self._lines
        # The last cell is the scroll bar's.
        self._lines = lines_of(self._sections, self.size.width - 1)
        self._cursor = max(0, min(self._cursor, len(self._lines) - 1))
        size = Size(self.size.width, len(self._lines))
        if max(len(before), len(self._lines)) <= self.size.height:
            # Nothing has to be scrolled: the screen needs not be laid out again, which would draw all of this.
            self.set_reactive(Widget.virtual_size, size)
        elif len(before) != len(self._lines):
            self.virtual_size = size
        for y in range(max(len(before), len(self._lines))):
            if self._at(before, y) != self._at(self._lines, y):
                self._repaint(y)

    @staticmethod
    def _at(lines: list[DescriptionLine], y: int) -> DescriptionLine | None:
        return lines[y] if y < len(lines) else None

    def _repaint(self, y: int) -> None:
        on_screen = y - round(self.scroll_y)
        shown = self._shown.get(on_screen)
        if not 0 <= on_screen < self.size.height or shown is None:
            return
        if (span := difference(shown, self._line(on_screen))) is not None:
            self.refresh(Region(span[0], on_screen, span[1] - span[0], 1))

    def render_line(self, y: int) -> Strip:
        """Return one visible line."""
        self._shown[y] = self._line(y)
        return self._shown[y]

    def _line(self, y: int) -> Strip:
        number = y + round(self.scroll_y)
        width = self.size.width
        if number >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        line = self._lines[number]
        under_cursor = number == self._cursor and self.has_focus
        cursor = self._style("cursor") if under_cursor else Style()
        # Of the cursor only what lies behind the text: what a text means stays to be seen.
        behind = Style(bgcolor=cursor.bgcolor, bold=cursor.bold, reverse=cursor.reverse)
        segments = self._segments(line, "▸" if under_cursor else " ")
        return Strip(Segment.apply_style(segments, None, behind)).adjust_cell_length(width, self.rich_style + behind)

    def _segments(self, line: DescriptionLine, pointer: str) -> list[Segment]:
        if line.is_title:
            return [Segment(pointer + line.text, self._style("title"))]
        text = self._style(line.tone) + (Style(underline=True) if line.address else Style())
        return [Segment(pointer + line.label, self._style("label")), Segment(line.text, text)]

    def _style(self, name: str) -> Style:
        # Not a partial style: a muted colour is made from the background, without which it is that of a dark theme.
        return self.get_component_rich_style(f"description-view--{name}")

    def on_focus(self) -> None:
        """Show where the cursor is."""
        self._repaint(self._cursor)

    def on_blur(self) -> None:
        """Hide the cursor."""
        self._repaint(self._cursor)

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to where the mouse points."""
        self._go(event.y + round(self.scroll_y))

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._go(self._cursor + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by what fits the screen."""
        self._go(self._cursor + by * max(1, self.size.height - 1))

    def action_edge(self, end: int) -> None:
        """Move the cursor to the first or the last line."""
        self._go((len(self._lines) - 1) * end)

    def action_follow(self) -> None:
        """Go where the line leads; from one that leads nowhere, go to the next that does."""
        if self._lines and (address := self._lines[self._cursor].address):
            self.post_message(self.Followed(address))
        else:
            self.to_link()

    def to_link(self) -> None:
        """Move the cursor to the next line that leads somewhere, the first one behind the last."""
        numbers = [number for number, line in enumerate(self._lines) if line.address and line.label.strip()]
        if numbers:
            self._go(next((number for number in numbers if number > self._cursor), numbers[0]))

    def _go(self, to: int) -> None:
        before, self._cursor = self._cursor, max(0, min(to, len(self._lines) - 1))
        if before == self._cursor:
            return
        self._repaint(before)
        self.scroll_to_region(Region(0, self._cursor, 1, 1), animate=False, force=True)
        self._repaint(self._cursor)
