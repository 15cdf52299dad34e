"""Pictures of known curves, and that no curve and no size breaks one."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.app import App

from tui.widgets.plot import Plot
from tui.widgets.plot_axis import Axis, Kind, grown, short
from tui.widgets.plot_picture import SYMBOLS, Axes, Curve, picture

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.geometry import Region


def text(
    *curves: Curve, axes: Axes | None = None, size: tuple[int, int] = (44, 10), cursor: int | None = None
) -> list[str]:
    lines = picture(curves, axes or Axes(), size, cursor=cursor).lines
    return ["".join(character for character, _ in line) for line in lines]


LINE = Curve("loss", [(float(n), float(n)) for n in range(41)])


def dots(lines: list[str]) -> list[tuple[int, int]]:
    """Return each dot of a picture's area, from the upper left."""
    found = []
    bits = (
        (0x01, 0, 0),
        (0x02, 0, 1),
        (0x04, 0, 2),
        (0x40, 0, 3),
        (0x08, 1, 0),
        (0x10, 1, 1),
        (0x20, 1, 2),
        (0x80, 1, 3),
    )
    for row, line in enumerate(lines):
        for column, character in enumerate(line):
            if 0x2800 < ord(character) < 0x2900:
                found += [(2 * column + x, 4 * row + y) for bit, x, y in bits if ord(character) - 0x2800 & bit]
    return sorted(found)


def test_a_picture() -> None:
    assert text(Curve("loss", [(1, 4), (2, 2), (3, 1), (4, 1)]), axes=Axes("epoch"), size=(40, 9)) == [
        "● loss 1                                ",
        "4┤●⠢⢄⡀ ┈ ┈ ┈ ┈ ┈ ┈ ┈ ┈ ┈ ┈ ┈ ┈ ┈ ┈ ┈ ┈ ┈",
        " │   ⠈⠑⠤⣀                               ",
        " │       ⠉⠢⢄⡀                           ",
        "2┤ ┈ ┈ ┈ ┈ ┈⠈⠑●⢄⣀┈ ┈ ┈ ┈ ┈ ┈ ┈ ┈ ┈ ┈ ┈ ┈",
        " │               ⠉⠑⠒⠤⠤⣀⡀                ",
        " │                     ⠈⠉⠒⠢●⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤●",
        " └────────────┬───────────────── epoch ┬",
        "              2                        4",
    ]


def test_a_straight_line_is_straight() -> None:
    found = dots(text(LINE, size=(83, 22)))
    heights = dict(found)
    assert len(heights) == len(found), "one dot in each column"
    slope = (found[-1][1] - found[0][1]) / (found[-1][0] - found[0][0])
    for x, y in found:
        assert abs(found[0][1] + slope * (x - found[0][0]) - y) <= 1.5


def test_an_exponential_is_straight_on_a_log_axis() -> None:
    curve = Curve("loss", [(n, 10 ** (4 - n / 25)) for n in range(101)])
    found = dots(text(curve, axes=Axes(y_log=True), size=(83, 22)))
    slope = (found[-1][1] - found[0][1]) / (found[-1][0] - found[0][0])
    for x, y in found:
        assert abs(found[0][1] + slope * (x - found[0][0]) - y) <= 1.5
    labels = [
        line.partition("┤")[0].strip() for line in text(curve, axes=Axes(y_log=True), size=(83, 22)) if "┤" in line
    ]
    assert labels == ["10000", "1000", "100", "10", "1"]


def test_a_spike_reaches_the_top() -> None:
    points = [(float(n), 5.0 if n == 2000 else math.sin(n)) for n in range(4096)]
    rows = text(Curve("loss", points), size=(60, 20))
    column = next(index for index, character in enumerate(rows[1]) if 0x2800 < ord(character) < 0x2900)
    assert all(0x2800 < ord(line[column]) < 0x2900 for line in rows[1:13])


def test_curves_are_told_apart_without_colour() -> None:
    curves = [Curve(f"run {n}", [(x, math.sin(x / 60) + n) for x in range(500)]) for n in range(4)]
    rows = text(*curves, size=(70, 24))
    for symbol, curve in zip(SYMBOLS, curves, strict=False):
        assert f"{symbol} {curve.label}" in "\n".join(rows[:4])
        assert sum(line.count(symbol) for line in rows[4:]) >= 2


def test_a_single_point_and_a_constant_are_seen() -> None:
    assert any("●" in line for line in text(Curve("k", [(3, 7)]))[1:])
    rows = text(Curve("k", [(n, 7.0) for n in range(100)]))
    assert len({y for _, y in dots(rows)}) == 1


def test_the_cursor_reads_the_values_below_it() -> None:
    rows = text(LINE, axes=Axes("epoch"), size=(60, 12), cursor=0)
    assert "epoch 0" in rows[0]
    assert "loss 0" in rows[0]
    assert "loss 40" in text(LINE, axes=Axes("epoch"), size=(60, 12), cursor=500)[0]


def test_what_is_not_on_a_log_axis_is_said() -> None:
    assert "not on a log axis" in text(Curve("k", [(1, 0), (2, 1)]), axes=Axes(y_log=True), size=(80, 10))[0]
    assert any(
        "not on a log axis" in line for line in text(Curve("k", [(1, -1)]), axes=Axes(y_log=True), size=(80, 10))
    )


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0, 1, ["0", "0.5", "1.0"]),
        (0, 1_000_000, ["0", "0.5M", "1.0M"]),
        (1e-7, 3e-7, ["1e-7", "2e-7", "3e-7"]),
        (-5, 5, ["-5", "0", "5"]),
        (99_000, 101_000, ["99k", "100k", "101k"]),
    ],
)
def test_ticks_are_round(low: float, high: float, wanted: list[str]) -> None:
    assert [tick.label for tick in Axis(low, high, 2).ticks] == wanted


def test_times_are_told_in_their_units() -> None:
    assert [tick.label for tick in Axis(0, 3600, 4, kind=Kind.SECONDS).ticks] == [
        "0",
        "15 min",
        "30 min",
        "45 min",
        "1 h",
    ]


def test_an_axis_that_grows_moves_seldom() -> None:
    assert len({grown(0, float(n)) for n in range(1, 1001)}) < 40
    assert all(grown(0, float(n)) >= n for n in range(1, 1001))


@pytest.mark.parametrize(
    ("value", "wanted"), [(0.0123, "0.0123"), (1.5e-7, "1.5e-7"), (3_000_000, "3M"), (123_456, "123,456"), (0, "0")]
)
def test_numbers_are_short(value: float, wanted: str) -> None:
    assert short(value) == wanted


@settings(max_examples=200, deadline=None)
@given(
    points=st.lists(st.lists(st.tuples(st.floats(), st.floats()), max_size=12), max_size=4),
    labels=st.text(max_size=30),
    size=st.tuples(st.integers(1, 130), st.integers(1, 40)),
    axes=st.builds(Axes, st.text(max_size=30), st.sampled_from(Kind), st.booleans(), st.booleans(), st.booleans()),
    cursor=st.none() | st.integers(-5, 200),
)
def test_no_curve_and_no_size_breaks_a_picture(
    points: list[list[tuple[float, float]]], labels: str, size: tuple[int, int], axes: Axes, cursor: int | None
) -> None:
    drawn = picture([Curve(labels, some) for some in points], axes, size, note=labels, cursor=cursor)
    assert len(drawn.lines) == size[1]
    assert all(len(line) == size[0] for line in drawn.lines)


class Shown(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.plot = Plot()
        self.regions: list[Region] = []

    def compose(self) -> ComposeResult:
        yield self.plot

    def on_mount(self) -> None:
        refresh = self.plot.refresh

        def counted(*regions: Region, **given: bool) -> Plot:
            self.regions += regions or [self.plot.region]
            return refresh(*regions, **given)

        self.plot.refresh = counted  # type: ignore[method-assign]


@pytest.mark.parametrize("label", ["[/]", "[red]x", "\u6f22\u5b57" * 60, "e\u0301" * 40, "\U0001f9ea" * 30])
async def test_lines_are_as_wide_as_the_widget_whatever_the_label(label: str) -> None:
    app = Shown()
    async with app.run_test(size=(60, 16)) as pilot:
        app.plot.show([Curve(label, LINE.points), Curve("b", LINE.points)], Axes(label))
        await pilot.pause()
        assert {app.plot.render_line(y).cell_length for y in range(16)} == {60}


async def test_only_cells_that_changed_are_drawn_again() -> None:
    app = Shown()
    async with app.run_test(size=(80, 24)) as pilot:
        app.plot.show([Curve("loss", [(x, 1.0 + (x % 2)) for x in range(50)])], Axes(growing=True))
        await pilot.pause()
        app.regions.clear()
        app.plot.show([Curve("loss", [(x, 1.0 + (x % 2)) for x in range(50)])], Axes(growing=True))
        assert app.regions == []
        app.plot.show([Curve("loss", [(x, 1.0 + (x % 2)) for x in range(45)])], Axes(growing=True))
        assert 0 < sum(region.area for region in app.regions) < 80 * 24 / 2


async def test_sizes_change_and_the_cursor_stays_inside() -> None:
    app = Shown()
    async with app.run_test(size=(100, 30)) as pilot:
        app.plot.show([LINE], Axes())
        app.plot.move_cursor(-1)
        for size in ((20, 5), (10, 3), (300, 100), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert {app.plot.render_line(y).cell_length for y in range(size[1])} == {size[0]}
        app.plot.move_cursor(None)
        assert not app.plot.has_cursor


def test_moments_stand_at_times_that_clocks_show() -> None:
    noon = time.mktime((2026, 11, 24, 12, 3, 0, 0, 0, -1))  # by the clock of whatever place this is
    hours = Axis(noon, noon + 3600, 5, kind=Kind.CLOCK)
    assert [tick.label[-2:] for tick in hours.ticks] == ["15", "30", "45", "00"]
    days = Axis(noon, noon + 7 * 86400, 7, kind=Kind.CLOCK)
    assert [tick.label for tick in days.ticks][:2] == ["Wed 25", "Thu 26"]


def test_a_line_ends_where_nothing_is_known() -> None:
    points = [(float(n), 3.0) for n in (*range(20), *range(60, 80))]
    connected, apart = (dots(text(Curve("k", points, gap), size=(80, 8))[1:]) for gap in (math.inf, 1.5))
    columns = {x for x, _ in apart}
    assert columns < {x for x, _ in connected}
    assert max(b - a for a, b in zip(sorted(columns), sorted(columns)[1:], strict=False)) > 60


@pytest.mark.parametrize(("most", "labels"), [(0, ["1", "0"]), (1, ["1", "0"]), (2, ["2", "1", "0"])])
def test_what_is_counted_begins_at_nothing_and_has_no_parts_of_one(most: int, labels: list[str]) -> None:
    rows = text(Curve("k", [(n, n % (most + 1)) for n in range(100)]), axes=Axes(counted=True), size=(60, 20))
    assert [row.split("┤")[0].strip() for row in rows if "┤" in row] == labels
