"""The log of an execution, a million lines or one that is 100 MB long: only what is visible is read and drawn.

It opens at the end and follows it until somebody scrolls up. Where it is in the log is an offset, so that nothing needs
to be counted first.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import Binding
from textual.cache import LRUCache
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from core.executions.log_reader import ALL
from tui.widgets.log_matches import LogMatches
from tui.widgets.log_paint import SIGNS, TIMES, LogLook, bar_thumb, painted
from tui.widgets.log_reading import LogReading
from tui.widgets.log_window import LogWindow
from tui.widgets.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from textual import events
    from textual.binding import BindingType

    from core.executions.log_reader import LogReader
    from core.executions.logs import Stream
    from tui.screens.screen import ConsoleScreen
    from tui.widgets.log_paint import Part, Times
    from tui.widgets.log_window import Row

CHOICES: tuple[Sequence[Stream], ...] = (ALL, ("stdout",), ("stderr",), ("status",))
REPAINT_EVERY = 0.22
"""Seconds between two pictures of what moves by itself."""
SIDEWAYS = 8
WHEEL = 3


class LogView(Widget, can_focus=True):
    """A log and where somebody is in it; `empty_text` says why there is nothing to show."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log-view--stdout",
        "log-view--stderr",
        "log-view--status",
        "log-view--time",
        "log-view--match",
        "log-view--current",
        "log-view--bar",
    }
    DEFAULT_CSS = """
    LogView { height: 1fr; width: 1fr; background: $background; color: $foreground; }
    LogView > .log-view--stderr { color: $text-error; }
    LogView > .log-view--status { color: $text-accent; text-style: italic; }
    LogView > .log-view--time { color: $text-muted; }
    LogView > .log-view--match { text-style: underline; color: $text-warning; }
    LogView > .log-view--current { text-style: reverse; color: $text-warning; }
    LogView > .log-view--bar { color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "follow", "Follow", id="log.follow", tooltip="Go to the end and stay there as the log grows."),
        Binding("w", "wrap", "Wrap", id="log.wrap", tooltip="Show long lines on several rows, or on one."),
        Binding("o", "streams", "Streams", id="log.streams", tooltip="Show all streams, or only one of them."),
        Binding(
            "T",
            "times",
            "Times",
            id="log.times",
            tooltip="Show no times, the clock's, or seconds since the start.",
        ),
        Binding("n", "match(1)", "Next", id="log.next", show=False, tooltip="Go to the next line that was found."),
        Binding("N", "match(-1)", "Previous", id="log.previous", show=False, tooltip="Go to the line found before."),
        Binding("up,k", "scroll_rows(-1)", "Up", id="log.up", show=False, tooltip="Go up by a row; stops following."),
        Binding("down,j", "scroll_rows(1)", "Down", id="log.down", show=False, tooltip="Go down by a row."),
        Binding("pageup", "scroll_pages(-1)", "Page up", id="log.page-up", show=False, tooltip="Go up by a screenful."),
        Binding("pagedown", "scroll_pages(1)", "Page down", id="log.page-down", show=False, tooltip="Go down by one."),
        Binding("home,g", "start", "Start", id="log.start", show=False, tooltip="Go to the first line."),
        Binding("end,G", "end", "End", id="log.end", show=False, tooltip="Go to the end and follow."),
        Binding("left", "sideways(-1)", "Left", id="log.left", show=False, tooltip="Show what is further left."),
        Binding("right", "sideways(1)", "Right", id="log.right", show=False, tooltip="Show what is further right."),
    ]

    class Moved(Message):
        """Something is to be said differently about where the view is."""

        def can_replace(self, message: Message) -> bool:
            """Return whether an earlier message need not be handled any more."""
            return isinstance(message, LogView.Moved)

    class Chosen(Message):
        """Lines are to be shown in another way, by the person's choice."""

    def __init__(self, reader: LogReader, *, began: float = 0.0, wrap: bool = False, times: Times = "off") -> None:
        super().__init__()
        self.window = LogWindow()
        self.reading = LogReading(reader, self.window)
        self.empty_text: Callable[[], str] = str
        self._stood: int | None = None
        self._look = LogLook({}, wrap=wrap, times=times, began=began)
        self._strips: list[Strip] = []
        self._cache: LRUCache[Hashable, Strip] = LRUCache(512)
        self._works = False
        self._painted_at = 0.0

    # What is known of the view.

    @property
    def wrap(self) -> bool:
        """Whether long lines take several rows."""
        return self._look.wrap

    @property
    def times(self) -> Times:
        """Which times stand before the lines."""
        return self._look.times

    @property
    def began(self) -> float:
        """Since when the seconds are counted."""
        return self._look.began

    @began.setter
    def began(self, began: float) -> None:
        if began != self._look.began:
            self._look.began = began
            self._cache.clear()

    @property
    def left(self) -> int:
        """How many cells are out of sight on the left."""
        return 0 if self._look.wrap else self._look.left

    @property
    def streams(self) -> Sequence[Stream]:
        """The streams whose lines are shown."""
        return self.reading.streams

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being read, for tests to wait for."""
        return not self._works

    def page(self) -> list[str]:
        """Return the lines that are on the screen, as far as they are shown at all."""
        lines = {row.line.offset: row.line.text for row in self.window.visible}
        return [*lines.values()]

    # Reading.

    def look(self) -> None:
        """Look whether the log has grown."""
        self.reading.look()
        self._wake()

    def _wake(self) -> None:
        if not self._works and self.is_mounted:
            self._works = True
            cast("ConsoleScreen", self.screen).work(self._read(), group="log")

    async def _read(self) -> None:
        screen = cast("ConsoleScreen", self.screen)
        self._painted_at = time.monotonic()
        try:
            while call := self.reading.next_call():
                call.take(await screen.read(call.function, *call.arguments))
                if call.shows or time.monotonic() - self._painted_at > REPAINT_EVERY:
                    self._paint()
        finally:
            self._works = False
        self._paint()

    # Moving.

    def action_scroll_rows(self, rows: int) -> None:
        """Go up or down; going up stops following."""
        if rows > 0 and self.reading.follow:
            return
        top = self.window.top
        self.reading.scroll(rows)
        if self.window.top < top or self.reading.owed < 0:
            self.reading.pause()
        self._moved()

    def action_scroll_pages(self, pages: int) -> None:
        """Go up or down by a screenful, less one row to find one's place by."""
        self.action_scroll_rows(pages * max(1, self.window.height - 1))

    def action_start(self) -> None:
        """Go to the first line."""
        self._go(0)

    def action_end(self) -> None:
        """Go to the end and follow it."""
        reading = self.reading
        reading.follow, reading.owed = True, 0
        if self.window.end < reading.state.size:
            reading.place = -1
        self.window.to_end()
        self._moved()

    def action_follow(self) -> None:
        """Follow the end, or stop it."""
        if self.reading.follow:
            self.reading.pause()
            self._moved()
        else:
            self.action_end()

    def action_sideways(self, steps: int) -> None:
        """Show what is further left or right."""
        if self.wrap:
            return
        longest = max((len(row.line.text) for row in self.window.visible), default=0)
        left = self._look.left + steps * SIDEWAYS
        self._look.left = max(0, min(left, max(self._look.left, longest)) if steps > 0 else left)
        self._moved()

    def _go(self, place: int) -> None:
        self.reading.pause()
        self.reading.owed = 0
        self.reading.place = place
        self._moved()

    def _moved(self) -> None:
        self._stood = None
        self._paint()
        self._wake()

    # Choosing.

    def action_wrap(self) -> None:
        """Show long lines on several rows, or on one."""
        self._look.wrap = not self._look.wrap
        self._chosen()

    def action_times(self) -> None:
        """Show other times before the lines."""
        self._look.times = TIMES[(TIMES.index(self._look.times) + 1) % len(TIMES)]
        self._chosen()

    def action_streams(self) -> None:
        """Show the lines of another stream."""
        reading, visible = self.reading, self.window.visible
        reading.streams = CHOICES[(CHOICES.index(reading.streams) + 1) % len(CHOICES)]
        # With all streams again one stands where one stood, whatever little the others had to show.
        stood = self._stood if reading.place is None else reading.place
        if stood is None and visible:
            stood = visible[0].line.offset
        reading.owed = 0
        reading.place = -1 if reading.follow or stood is None else stood
        if reading.matches is not None:
            reading.matches = LogMatches(reading.matches.needle, reading.state.size)
        self._moved()
        self._stood = stood

    def _chosen(self) -> None:
        self._lay_out()
        self._moved()
        self.post_message(self.Chosen())

    # Searching.

    def search(self, text: str) -> None:
        """Look for a text and go to the first line from here on that holds it; an empty one ends the search."""
        from core.executions.log_search import Needle  # noqa: PLC0415 - used when somebody searches

        reading = self.reading
        visible = self.window.visible
        reading.found = reading.sought = None
        reading.matches = LogMatches(Needle(text), reading.state.size) if text else None
        self._look.pattern = None if reading.matches is None else reading.matches.needle.pattern
        if text:
            reading.sought = visible[0].line.offset if visible else 0
        self._cache.clear()
        self._moved()

    def action_match(self, steps: int) -> None:
        """Go to another line that was found."""
        matches = self.reading.matches
        visible = self.window.visible
        if matches is None or not len(matches) or not visible:
            return
        in_sight = any(row.line.offset == self.reading.found for row in visible)
        if in_sight and self.reading.found is not None:
            index = matches.first_from(self.reading.found) + steps
        elif steps > 0:
            index = matches.first_from(visible[0].line.offset)
        else:
            index = matches.first_from(visible[-1].line.end) - 1
        self.reading.go_to(matches[max(0, min(index, len(matches) - 1))])
        self._moved()

    # Drawing.

    def on_resize(self) -> None:
        """Show as much as there is room for."""
        self._lay_out()
        self._strips = []
        self._moved()

    def notify_style_update(self) -> None:
        """Draw everything in the colours of another theme."""
        super().notify_style_update()
        self._look.styles = {}
        self._cache.clear()
        if self.is_mounted:
            self._paint()

    def render_line(self, y: int) -> Strip:
        """Return a line of the screen."""
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, self.rich_style)

    def _lay_out(self) -> None:
        self._look.width = self.size.width
        self.window.lay_out(self._look.text_width, self.size.height, wrap=self._look.wrap)
        if self.reading.follow:
            self.window.to_end()

    def _paint(self) -> None:
        """Draw what became different."""
        if not self.is_mounted or not self.size.height:
            return
        if not self._look.styles:
            parts: tuple[Part, ...] = (*SIGNS, "time", "match", "current", "bar")
            self._look.styles = {part: self.get_component_rich_style(f"log-view--{part}") for part in parts}
        self._look.current = self.reading.found
        self._painted_at = time.monotonic()
        strips = self._page() if self.window.visible else self._empty()
        before, self._strips = self._strips, strips
        for y, strip in enumerate(strips):
            if len(before) != len(strips) or before[y] != strip:
                self.refresh(Region(0, y, self.size.width, 1))
        self.post_message(self.Moved())

    def _page(self) -> list[Strip]:
        visible, size, height = self.window.visible, self.reading.state.size, self.size.height
        thumb = bar_thumb(visible[0].line.offset, visible[-1].line.end, size, height)
        strips = [self._strip(row, "┃" if y in thumb else " ") for y, row in enumerate(visible)]
        return strips + [Strip.blank(self.size.width, self.rich_style)] * (height - len(strips))

    def _strip(self, row: Row, bar: str) -> Strip:
        look = self._look
        current = row.line.offset == look.current
        key = (row.line.offset, row.start, row.end, bar, look.width, look.left, look.wrap, look.times, current)
        strip = self._cache.get(key)
        if strip is None:
            strip = self._cache[key] = painted(row, look, bar)
        return strip

    def _empty(self) -> list[Strip]:
        from rich.segment import Segment  # noqa: PLC0415

        width, height = self.size.width, self.size.height
        lines = wrapped(self.empty_text(), max(1, width - 4), height)
        style = self._look.styles["time"]
        strips = [Strip([Segment(f"  {line}", style)]).adjust_cell_length(width, style) for line in lines]
        return [*strips, *[Strip.blank(width, self.rich_style)] * height][:height]

    # The mouse.

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_scroll_rows(WHEEL)

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_scroll_rows(-WHEEL)

    def on_click(self, event: events.Click) -> None:
        """Go where the bar was clicked."""
        if event.x == self.size.width - 1 and self.size.height > 1:
            share = event.y / (self.size.height - 1)
            if share >= 1:
                self.action_end()
            else:
                self._go(int(self.reading.state.size * share))
