"""What a view of a log reads next: one short call at a time, the most urgent first, made beside the loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.executions.log_reader import ALL, LogPart, LogState
from tui.widgets.log_lines import of_certain_width

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from core.executions.log_reader import LogReader, Matches
    from core.executions.logs import Stream
    from tui.widgets.log_matches import LogMatches
    from tui.widgets.log_window import LogWindow

SKIPS = 512 * 1024
"""Bytes that a view that follows may be behind; where it is more, it goes to the end and leaves out what is between."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call to make, and what to do with its result; `shows` says that lines come of it that somebody waits for."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    take: Callable[[Any], None]
    shows: bool = False


class LogReading:
    """The state of a view: what is committed, what is held of it, what is looked for, and where the view is to go.

    `owed` are rows that are still to be scrolled, once there are lines for it. `place` is where to go: an offset, or -1
    for the end.
    """

    def __init__(self, reader: LogReader, window: LogWindow) -> None:
        self.reader = reader
        self.window = window
        self.state = LogState(0, 0)
        self.streams: Sequence[Stream] = ALL
        self.follow = True
        self.lines_seen = 0
        self.place: int | None = -1
        self.owed = 0
        self.matches: LogMatches | None = None
        self.sought: int | None = None
        self.found: int | None = None
        self._looks = True

    def look(self) -> None:
        """Have the log's length read again."""
        self._looks = True

    @property
    def is_behind(self) -> bool:
        """Whether the view follows and there is more than it shows."""
        return self.follow and (self.place is not None or self.window.end < self.state.size)

    @property
    def is_searching(self) -> bool:
        """Whether a part of the log was not looked through yet."""
        found = self.matches
        return found is not None and not found.is_full and (found.start > 0 or found.end < self.state.size)

    def next_call(self) -> Call | None:
        """Return what is to be read next, None where all is there."""
        if self._looks:
            self._looks = False
            return Call(self.reader.state, (), self._take_state)
        if not self.window.height:
            return None
        return self._jump() or self._edges() or self._search()

    def _jump(self) -> Call | None:
        window, size = self.window, self.state.size
        skips = self.follow and self.streams is ALL and size - window.end > SKIPS
        if self.place == -1 or (self.place is None and skips):
            return self._part(self.reader.before, size, self._count, take=self._take_end)
        if self.place is not None:
            return self._part(self.reader.around, self.place, size, self._count, take=self._take_place)
        return None

    def _edges(self) -> Call | None:
        window, size = self.window, self.state.size
        if window.end < size and (self.follow or self.owed > 0 or window.wants_below):
            return self._part(self.reader.after, window.end, size, self._count, take=self._take_below)
        if window.start > 0 and (self.owed < 0 or window.wants_above):
            return self._part(self.reader.before, window.start, self._count, take=self._take_above)
        return None

    def _search(self) -> Call | None:
        matches = self.matches
        if matches is None or not self.is_searching:
            return None
        needle, size = matches.needle, self.state.size
        if matches.start > 0:
            arguments: tuple[Any, ...] = (matches.start, needle, self.streams)
            return Call(self.reader.matches_before, arguments, self._of(matches, matches.take_before))
        return Call(
            self.reader.matches_after,
            (matches.end, size, needle, self.streams),
            self._of(matches, matches.take_after),
        )

    @property
    def _count(self) -> int:
        return self.window.height + self.window.margin

    def _part(self, function: Callable[..., LogPart], *arguments: int, take: Callable[[LogPart], None]) -> Call:
        streams, place, start, end = self.streams, self.place, self.window.start, self.window.end

        def taken(part: LogPart) -> None:
            # What was read for another place, or fits on lines that are not held any more, came too late.
            if (streams, place, start, end) == (self.streams, self.place, self.window.start, self.window.end):
                take(part)

        return Call(_in_certain_widths, (function, *arguments, streams), taken, shows=not self.follow)

    def _of(self, matches: LogMatches, take: Callable[[Matches], None]) -> Callable[[Matches], None]:
        def taken(found: Matches) -> None:
            if matches is self.matches:
                take(found)
                self._seek(matches)

        return taken

    # Taking what was read.

    def _take_state(self, state: LogState) -> None:
        if state.size < self.window.end:
            self.place = -1 if self.follow else 0
        self.state = state

    def _take_end(self, part: LogPart) -> None:
        self.window.replace(part)
        self.place = None
        self.window.to_end()

    def _take_place(self, part: LogPart) -> None:
        self.window.replace(part)
        self.place = None

    def _take_below(self, part: LogPart) -> None:
        self.window.append(part)
        self._settle(downward=True)

    def _take_above(self, part: LogPart) -> None:
        self.window.prepend(part)
        self._settle(downward=False)

    def _settle(self, *, downward: bool) -> None:
        window = self.window
        if self.owed and (self.owed > 0) == downward:
            rest = window.scroll(self.owed)
            self.owed = rest if (window.end < self.state.size if downward else window.start > 0) else 0
        if self.follow or window.below < 0:
            window.to_end()
        window.trim()

    def _seek(self, matches: LogMatches) -> None:
        """Go to the first match from where the search was begun, or to the last one before it."""
        if self.sought is None or matches.start > self.sought or not len(matches):
            return
        index = min(matches.first_from(self.sought), len(matches) - 1)
        self.sought = None
        self.go_to(matches[index])

    # Where to go.

    def pause(self) -> None:
        """Stay where one is while the log grows."""
        if self.follow:
            self.follow = False
            self.lines_seen = self.state.lines

    @property
    def new_lines(self) -> int:
        """How many lines have come since the view stopped to follow."""
        return 0 if self.follow else max(0, self.state.lines - self.lines_seen)

    def go_to(self, offset: int) -> None:
        """Show the line at `offset`, with some lines above it."""
        self.pause()
        self.found = offset
        self.owed = 0
        if not self.window.to_line(offset):
            self.place = offset
            self.owed = -(self.window.height // 3)

    def scroll(self, rows: int) -> None:
        """Move by some rows, now as far as there are lines at hand, further when they were read."""
        self.owed = self.window.scroll(rows)
        more = self.window.end < self.state.size if self.owed > 0 else self.window.start > 0
        if not more:
            self.owed = 0


def _in_certain_widths(function: Callable[..., LogPart], *arguments: Any) -> LogPart:  # noqa: ANN401
    part = function(*arguments)
    lines = [line._replace(text=of_certain_width(line.text)) for line in part.lines]
    return LogPart(lines, part.start, part.end)
