"""The line that says where one is in a log, and how it is shown."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text

from core.executions.log_reader import ALL
from core.quantities import duration
from core.text import fit, plain
from tui.widgets.bar import Bar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.style import Style

    from tui.widgets.log_view import LogView

LAG = 5.0
"""Seconds after which it is said that the newest line is old although the log grows."""


class LogStatus(Bar):
    """Follow or paused first, then what was found, then the rest as far as there is room."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"log-status--state", "log-status--fact"}
    DEFAULT_CSS = """
    LogStatus { background: $surface; }
    LogStatus > .log-status--state { color: $text; text-style: bold; }
    LogStatus > .log-status--fact { color: $text-muted; }
    """

    def __init__(self, view: LogView) -> None:
        super().__init__()
        self._view = view
        self.ended = False
        self._lines = 0
        self._grown_at = 0.0

    def line(self, width: int) -> Text:
        """Return what is to be said."""
        text = Text(" ", no_wrap=True, end="")
        text.append(fit(self._state(), width - 2), self._style("state"))
        for fact in self._facts():
            if text.cell_len + 3 + len(fact) > width - 1:
                break
            text.append(f" · {fact}", self._style("fact"))
        return text

    def _state(self) -> str:
        view = self._view
        if view.reading.follow:
            return "■ the end" if self.ended else "▶ following" + self._lag()
        if view.reading.new_lines:
            return f"‖ paused · {view.reading.new_lines:,} new lines below · f follows"
        return "‖ paused · f goes to the end" if self.ended else "‖ paused · f follows"

    def _lag(self) -> str:
        """Return how far what is shown is behind, while the log grows."""
        state, now = self._view.reading.state, time.time()
        if state.lines != self._lines:
            # What was there before one came has not grown.
            self._lines, self._grown_at = state.lines, now if self._lines else 0
        rows = self._view.window.visible
        if not rows or now - self._grown_at > 1 or (late := now - rows[-1].line.at) < LAG:
            return ""
        return f" · {duration(late)} behind"

    def _facts(self) -> Iterator[str]:
        view, state = self._view, self._view.reading.state
        if found := self._found():
            yield found
        if view.streams != ALL:
            yield f"{view.streams[0]} only"
        yield f"{state.lines:,} {'line' if state.lines == 1 else 'lines'}"
        rows = view.window.visible
        if rows and state.size and not view.reading.follow:
            yield f"{100 * rows[-1].line.end // state.size} %"
        if view.wrap:
            yield "wrapped"
        elif view.left:
            yield f"from column {view.left + 1}"
        if view.times != "off":
            yield "UTC" if view.times == "clock" else "seconds since the start"

    def _found(self) -> str:
        reading = self._view.reading
        matches = reading.matches
        if matches is None:
            return ""
        what = f"“{fit(plain(matches.needle.text), 20)}”"
        goes_on = ""
        if reading.is_searching and matches.start > 0:
            goes_on = f" in {100 * (matches.end - matches.start) // max(1, matches.end)} %"
        if not len(matches):
            return f"{what} {'not found yet' if goes_on else 'not found'}{goes_on}"
        at = None if reading.found is None or goes_on else matches.index(reading.found)
        total = f"{len(matches):,}{'+' if matches.is_full else ''}"
        return f"{what} {total}{goes_on}" if at is None else f"{what} {at + 1:,} of {total}"

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"log-status--{name}")
