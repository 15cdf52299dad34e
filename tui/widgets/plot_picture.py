"""What a plot looks like, as lines of cells that have a style each: pure, so that a picture can be compared as text."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from core.quantities import duration
from core.text import cells, fit, pad
from tui.widgets.plot_axis import Axis, Kind, grown, moment, short
from tui.widgets.plot_canvas import Canvas, braille

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SYMBOLS = "●▲■◆○△□◇"
"""What tells curves apart where colours do not."""
SMALLEST = (20, 5)
AXIS, TEXT, CURSOR, NOTE = "axis", "text", "cursor", "note"
_WIDEST_LABEL = 12
_APART = 16
"""Cells between two symbols of a curve that has more points than symbols can show."""
_GAP = "   "

Cell = tuple[str, str]
"""A character and the name of its style; a wide character is followed by an empty cell."""
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve: its name, made plain already, and its points in the order in which a line connects them.

    Points that lie further `apart` than that along the x axis are not connected: between them nothing is known.
    """

    label: str
    points: Sequence[Point]
    apart: float = math.inf

    @property
    def ends(self) -> list[int]:
        """Where each line ends, as the number of the point after its last one."""
        points = self.points
        gaps = (n for n in range(1, len(points)) if points[n][0] - points[n - 1][0] > self.apart)
        return [*([] if self.apart == math.inf else gaps), len(points)]


@dataclass(frozen=True, slots=True)
class Axes:
    """What stands along the axes. Where the x axis is `growing`, it is left some room for what is still to come.

    Where values are `counted`, the y axis begins at 0 and has no parts of one.
    """

    x_title: str = ""
    x_kind: Kind = Kind.NUMBER
    x_log: bool = False
    y_log: bool = False
    growing: bool = False
    counted: bool = False


class Picture(NamedTuple):
    """Lines of cells; `columns` is the width of the area in which the curves are, 0 where there are none."""

    lines: list[list[Cell]]
    columns: int


class _Frame(NamedTuple):
    left: int
    columns: int
    rows: int
    x: Axis
    y: Axis


class _Placed(NamedTuple):
    """A curve and the dots that its points are at, counted from the lower left."""

    curve: Curve
    dots: list[tuple[int, int]]


def picture(
    curves: Sequence[Curve], axes: Axes, size: tuple[int, int], *, note: str = "", cursor: int | None = None
) -> Picture:
    """Draw curves, the first of them on top; `cursor` is the column of the area whose values are read."""
    width, height = size
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return _message(["no room for a plot"], size)
    shown = [replace(curve, points=_drawable(curve.points, axes)) for curve in curves[: len(SYMBOLS)]]
    hidden = sum(len(curve.points) for curve in curves) - sum(len(curve.points) for curve in shown)
    if hidden and (axes.x_log or axes.y_log):
        note = "; ".join(filter(None, (note, "values of 0 and below are not on a log axis")))
    if not any(curve.points for curve in shown):
        return _message([note or "no points yet"], size)
    legend_lines = max(1, min(3, height // 6, len(_flowed(_entries(shown, axes, note, None), width))))
    frame = _frame(shown, axes, width, height - legend_lines - 2)
    if cursor is not None:
        cursor = max(0, min(frame.columns - 1, cursor))
    placed = [_place(curve, frame) for curve in shown]
    read = shown if cursor is None else [_at_cursor(curve, cursor) for curve in placed]
    legend = _legend(_flowed(_entries(read, axes, note, cursor), width), legend_lines, width)
    return Picture(legend + _area(placed, frame, cursor) + _below(frame, axes, width), frame.columns)


def _drawable(points: Sequence[Point], axes: Axes) -> list[Point]:
    lowest_x, lowest_y = (0.0 if log else -math.inf for log in (axes.x_log, axes.y_log))
    return [point for point in points if lowest_x < point[0] < math.inf and lowest_y < point[1] < math.inf]


def _frame(curves: Sequence[Curve], axes: Axes, width: int, rows: int) -> _Frame:
    xs = [x for curve in curves for x, _ in curve.points]
    ys = [y for curve in curves for _, y in curve.points]
    low, high = (0.0, max(1.0, *ys)) if axes.counted else (min(ys), max(ys))
    ticks = max(2, rows // 3) if rows > 3 else 1
    y = Axis(low, high, min(ticks, int(high)) if axes.counted else ticks, log=axes.y_log, rounded=True)
    left = min(_WIDEST_LABEL, width // 3, max(cells(tick.label) for tick in y.ticks)) + 1
    high = max(xs)
    if high == min(xs) and not axes.x_log:
        high += max(10.0 if axes.x_kind is Kind.SECONDS else 1.0, abs(high) * 0.1)
    elif axes.growing and not axes.x_log:
        high = grown(min(xs), high)
    x = Axis(min(xs), high, max(2, (width - left) // 14), log=axes.x_log, kind=axes.x_kind)
    return _Frame(left, width - left, rows, x, y)


def _place(curve: Curve, frame: _Frame) -> _Placed:
    across = frame.x.places([x for x, _ in curve.points], frame.columns * 2 - 1)
    up = frame.y.places([y for _, y in curve.points], frame.rows * 4 - 1)
    return _Placed(curve, [*zip(across, up, strict=True)])


# The curves and what stands at their left.


def _area(curves: Sequence[_Placed], frame: _Frame, cursor: int | None) -> list[list[Cell]]:
    lines = [[(" ", TEXT)] * frame.columns for _ in range(frame.rows)]
    for row in _tick_rows(frame):
        lines[row] = [("┈" if column % 2 else " ", AXIS) for column in range(frame.columns)]
    if cursor is not None:
        for line in lines:
            line[cursor] = ("│", CURSOR)
    for number in reversed(range(len(curves))):
        _draw(curves[number], number, lines, alone=len(curves) == 1)
    labels = _tick_rows(frame)
    for row, line in enumerate(lines):
        label = fit(labels.get(row, ""), frame.left - 1)
        line[:0] = [*_text(pad(label, frame.left - 1, right=True), AXIS), ("┤" if row in labels else "│", AXIS)]
    return lines


def _tick_rows(frame: _Frame) -> dict[int, str]:
    return {frame.rows - 1 - round(tick.share * (frame.rows * 4 - 1)) // 4: tick.label for tick in frame.y.ticks}


def _draw(curve: _Placed, number: int, lines: list[list[Cell]], *, alone: bool) -> None:
    columns, rows = len(lines[0]), len(lines)
    canvas = Canvas(columns, rows)
    begin = 0
    for end in curve.curve.ends:
        canvas.draw(curve.dots[begin:end])
        begin = end
    style = f"curve-{number + 1}"
    for column in range(columns):
        for row, found in canvas.column(column):
            lines[row][column] = (braille(found), style)
    for column, row in _marks(curve.dots, canvas, number, alone=alone):
        lines[row][column] = (SYMBOLS[number], style)


def _marks(dots: Sequence[tuple[int, int]], canvas: Canvas, number: int, *, alone: bool) -> Iterator[tuple[int, int]]:
    """Yield the cells that show the curve's symbol: its points where they are few, else some of its cells."""
    columns, rows = canvas.width // 2, canvas.height // 4
    if len(dots) <= columns // 4:
        yield from ((x // 2, rows - 1 - y // 4) for x, y in dots)
    elif not alone:
        for column in range((4 + 5 * number) % _APART, columns, _APART):
            if found := canvas.column(column):
                yield column, found[len(found) // 2][0]


# What stands below.


def _below(frame: _Frame, axes: Axes, width: int) -> list[list[Cell]]:
    line = [(" ", AXIS)] * (frame.left - 1) + [("└", AXIS)] + [("─", AXIS)] * frame.columns
    labels: list[Cell] = [(" ", AXIS)] * width
    free = 0
    for tick in frame.x.ticks:
        place = frame.left + round(tick.share * (frame.columns * 2 - 1)) // 2
        label = fit(tick.label, width // 2)
        start = max(0, min(place - cells(label) // 2, width - cells(label)))
        line[place] = ("┬", AXIS)
        if start >= free:
            labels[start : start + cells(label)] = _text(label, AXIS)
            free = start + cells(label) + 1
    words = (axes.x_title, "log x" if axes.x_log else "", "log y" if axes.y_log else "")
    title = fit(" · ".join(filter(None, words)), frame.columns - 4)
    if title:
        line[-cells(title) - 3 : -1] = _text(f" {title} ", TEXT)
    return [line, labels]


# What stands above: which curve is which, and its newest value or the one at the cursor.


def _at_cursor(placed: _Placed, column: int) -> Curve:
    """Return the curve's points in the cursor's column, else the one nearest to it."""
    points = placed.curve.points
    inside = [point for point, dot in zip(points, placed.dots, strict=True) if dot[0] // 2 == column]
    if points and not inside:
        wanted = 2 * column + 0.5
        inside = [points[min(range(len(points)), key=lambda index: abs(placed.dots[index][0] - wanted))]]
    return Curve(placed.curve.label, inside)


def _entries(curves: Sequence[Curve], axes: Axes, note: str, cursor: int | None) -> Iterator[list[Cell]]:
    """Yield what the legend says: each curve's newest value, or those at the cursor."""
    if cursor is not None:
        x = next(curve for curve in curves if curve.points).points[-1][0]
        at = {Kind.NUMBER: short, Kind.SECONDS: duration, Kind.CLOCK: _clock}[axes.x_kind](x)
        yield _text(at if axes.x_kind is Kind.CLOCK else f"{fit(axes.x_title, 20)} {at}", CURSOR)
    longest = 40 if len(curves) > 1 else 60
    for number, curve in enumerate(curves):
        style = f"curve-{number + 1}"
        value = "no points"
        if curve.points:
            values = [y for _, y in (curve.points[-1:] if cursor is None else curve.points)]
            low, high = short(min(values)), short(max(values))
            value = low if low == high else f"{low} … {high}"
        yield [(SYMBOLS[number], style), *_text(f" {fit(curve.label, longest)} ", TEXT), *_text(value, style)]
    if note:
        yield _text(note, NOTE)


def _clock(at: float) -> str:
    return f"{moment(at, 86400)} {moment(at, 60)}"


def _flowed(entries: Iterator[list[Cell]], width: int) -> list[list[list[Cell]]]:
    """Put entries side by side on as many lines as they need."""
    lines: list[list[list[Cell]]] = [[]]
    taken = 0
    for entry in entries:
        if lines[-1] and taken + len(_GAP) + len(entry) > width:
            lines.append([])
            taken = 0
        taken += len(entry) + (len(_GAP) if lines[-1] else 0)
        lines[-1].append(entry)
    return lines


def _legend(lines: list[list[list[Cell]]], room: int, width: int) -> list[list[Cell]]:
    shown = [_joined(line) for line in lines[:room]]
    if left_out := sum(map(len, lines[room:])):
        more = _text(f" +{left_out}", NOTE)
        shown[-1] = [*_cut(shown[-1], width - len(more)), *more]
    shown += [[] for _ in range(room - len(shown))]
    return [_cut(line, width) for line in shown]


def _joined(entries: list[list[Cell]]) -> list[Cell]:
    line: list[Cell] = []
    for entry in entries:
        line += [*_text(_GAP, TEXT), *entry] if line else entry
    return line


def _cut(line: list[Cell], width: int) -> list[Cell]:
    """Return a line in exactly `width` cells, its end cut off for an ellipsis."""
    if len(line) <= width:
        return [*line, *[(" ", TEXT)] * (width - len(line))]
    kept = line[: width - 1]
    if kept and line[width - 1][0] == "":
        kept[-1] = (" ", TEXT)
    return [*kept, ("…", TEXT)]


def _text(text: str, style: str) -> list[Cell]:
    """Return text as cells."""
    found: list[Cell] = []
    for character in text:
        taken = cells(character)
        if taken == 0 and found:
            last = next(index for index in reversed(range(len(found))) if found[index][0])
            found[last] = (found[last][0] + character, style)
        elif taken:
            found += [(character, style)] + [("", style)] * (taken - 1)
    return found


def _message(texts: Sequence[str], size: tuple[int, int]) -> Picture:
    width, height = size
    lines: list[list[Cell]] = [[(" ", TEXT)] * width for _ in range(height)]
    for row, text in enumerate(texts[:height], max(0, (height - len(texts)) // 2)):
        text = fit(text, width)  # noqa: PLW2901
        lines[row] = _cut(_text(" " * ((width - cells(text)) // 2) + text, NOTE), width)
    return Picture(lines, 0)
