"""Rows of a log as a terminal gets them: time, the stream's sign, the text with what was found in it, and a bar."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from rich.segment import Segment
from textual.strip import Strip

from core.quantities import iso_time, size
from core.text import cells
from tui.widgets.log_lines import cut

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping, Sequence

    from rich.style import Style

    from core.executions.logs import Stream
    from tui.widgets.log_window import Row

Times = Literal["off", "clock", "since"]
Part = Literal["stdout", "stderr", "status", "time", "match", "current", "bar"]

TIMES: tuple[Times, ...] = ("off", "clock", "since")
SIGNS: dict[Stream, str] = {"stdout": "  ", "stderr": "! ", "status": "» "}
BAR = 1
_TIME_WIDTH: dict[Times, int] = {"off": 0, "clock": 13, "since": 13}
_CUT = "›"


@dataclass(slots=True)
class LogLook:
    """How the rows of a view are to look, the same for all of them."""

    styles: Mapping[Part, Style]
    width: int = 0
    left: int = 0
    wrap: bool = False
    times: Times = "off"
    began: float = 0.0
    pattern: re.Pattern[str] | None = None
    current: int | None = field(default=None)

    @property
    def text_width(self) -> int:
        """How many cells there are for the text itself."""
        return max(1, self.width - BAR - _TIME_WIDTH[self.times] - len(SIGNS["stdout"]))


def painted(row: Row, look: LogLook, bar: str) -> Strip:
    """Return a row, with a piece of the bar at its right end."""
    line, base = row.line, look.styles[row.line.stream]
    width = look.text_width
    left = 0 if look.wrap else look.left
    pieces = _pieces(row, look, base)
    badge = _badge(row, look, sum(cells(text) for text, _ in pieces) > left + width)
    room = max(0, width - cells(badge))
    shown = _cut_pieces(pieces, left, room)
    taken = sum(cells(text) for text, _ in shown)
    first = row.start == 0
    return _strip(
        [
            (_time(line.at, look) if first else " " * _TIME_WIDTH[look.times], look.styles["time"]),
            (SIGNS[line.stream] if first else SIGNS["stdout"], base),
            *shown,
            (" " * (room - taken), base),
            (badge[:width], look.styles["time"]),
            (bar, look.styles["bar"]),
        ],
        look.width,
    )


def _strip(pieces: Sequence[tuple[str, Style]], width: int) -> Strip:
    """Return pieces as one strip; spaces keep their own look, which says where something found ends."""
    segments = [Segment(text, style) for text, style in pieces if text]
    taken = sum(cells(text) for text, _, _ in segments)
    return Strip(segments, taken).adjust_cell_length(width, segments[-1].style if segments else None)


def bar_thumb(first: int, last: int, total: int, height: int) -> range:
    """Return the rows in which the bar shows where [first, last) of `total` is; none where all is visible."""
    if height <= 0 or last - first >= total:
        return range(0)
    length = max(1, height * (last - first) // total)
    place = round((height - length) * first / max(1, total - (last - first)))
    return range(place, place + length)


def _pieces(row: Row, look: LogLook, base: Style) -> list[tuple[str, Style]]:
    text = row.line.text
    if look.pattern is None:
        return [(text[row.start : row.end], base)]
    style = look.styles["current" if row.line.offset == look.current else "match"]
    pieces, at = [], row.start
    for found in look.pattern.finditer(text):
        first, last = max(found.start(), row.start), min(found.end(), row.end)
        if first < last:
            pieces += [(text[at:first], base), (text[first:last], style)]
            at = last
    return [*pieces, (text[at : row.end], base)]


def _cut_pieces(pieces: Sequence[tuple[str, Style]], left: int, width: int) -> list[tuple[str, Style]]:
    shown, at, right = [], 0, left + width
    for text, style in pieces:
        if at >= right:
            break
        taken = cells(text)
        if at + taken > left:
            shown.append((cut(text, max(0, left - at), right - max(at, left)), style))
        at += taken
    return shown


def _badge(row: Row, look: LogLook, is_cut: bool) -> str:  # noqa: FBT001
    """Return what is to be said of the part of a line that is not visible."""
    line = row.line
    if row.end == len(line.text) and (line.rest or line.partial):
        more = f" … {size(line.rest)} more" if line.rest else ""
        return more + (" ↓" if line.partial else "") + ("" if look.wrap else f" {_CUT}" * is_cut)
    return f" {_CUT}" if is_cut else ""


def _time(at: float, look: LogLook) -> str:
    if look.times == "clock":
        return iso_time(at)[11:23] + " "
    return f"{at - look.began:12.3f} "[:13] if look.times == "since" else ""
