"""The part of a log that a view holds, and how its lines become rows."""

from __future__ import annotations

import pytest

from core.executions.log_reader import LogPart, LogRecord
from tui.widgets.log_lines import cut, of_certain_width, row_ends
from tui.widgets.log_paint import bar_thumb
from tui.widgets.log_window import MOST, LogWindow


def line(number: int, text: str = "") -> LogRecord:
    return LogRecord(number * 10, number * 10 + 10, 0.0, "stdout", text or f"line {number}", 0, partial=False)


def lines(first: int, last: int) -> LogPart:
    return LogPart([line(n) for n in range(first, last)], first * 10, last * 10)


def test_a_window_holds_so_many_lines_and_no_more() -> None:
    window = LogWindow()
    window.lay_out(80, 10, wrap=False)
    window.replace(lines(10_000, 10_050))
    for first in range(10_050, 14_000, 50):
        window.append(lines(first, first + 50))
        window.to_end()
        window.trim()
        assert len(window.rows) <= MOST
        assert window.visible[-1].line.end == window.end
    assert window.start == window.rows[0].line.offset > 100_000
    at = window.visible[0]
    for first in range(window.start // 10 - 50, 9_000, -50):
        window.prepend(lines(first, first + 50))
        window.trim()
        assert len(window.rows) <= MOST
        assert window.visible[0] == at
        window.scroll(-50)
        at = window.visible[0]
    assert window.end == window.rows[-1].line.end < 14_000 * 10


def test_a_window_keeps_its_top_line_when_lines_are_wrapped() -> None:
    window = LogWindow()
    window.lay_out(10, 3, wrap=False)
    window.replace(LogPart([line(n, "x" * 35) for n in range(10)], 0, 100))
    window.scroll(4)
    window.lay_out(10, 3, wrap=True)
    assert (window.visible[0].line.offset, window.visible[0].start, len(window.rows)) == (40, 0, 40)
    window.scroll(2)
    window.lay_out(7, 3, wrap=True)
    assert (window.visible[0].line.offset, window.visible[0].start) == (40, 14)
    window.lay_out(7, 3, wrap=False)
    assert window.visible[0].line.offset == 40


@pytest.mark.parametrize(
    ("text", "left", "width", "expected"),
    [
        ("abcdef", 2, 3, "cde"),
        ("宽字符", 0, 4, "宽字"),
        ("宽字符", 1, 4, " 字 "),
        ("宽字符", 0, 5, "宽字 "),
        ("e\u0301x", 1, 5, "x"),
        ("", 3, 5, ""),
        ("宽", 9, 5, ""),
    ],
)
def test_half_a_wide_character_is_a_space(text: str, left: int, width: int, expected: str) -> None:
    assert cut(text, left, width) == expected


def test_rows_hold_whole_characters() -> None:
    assert row_ends("", 5) == [(0, 0)]
    assert row_ends("abcdefg", 3) == [(0, 3), (3, 6), (6, 7)]
    assert row_ends("a宽宽宽", 4) == [(0, 2), (2, 4)]
    assert row_ends("宽", 1) == [(0, 1)]
    assert row_ends("a" + "e\u0301" * 3, 2) == [(0, 3), (3, 7)]
    assert of_certain_width("a\u200db\ufe0f") == "ab"


def test_the_bar_shows_where_one_is() -> None:
    assert bar_thumb(0, 100, 100, 10) == range(0)
    assert bar_thumb(0, 10, 100, 10) == range(1)
    assert bar_thumb(90, 100, 100, 10) == range(9, 10)
    assert bar_thumb(0, 1, 1_000_000, 10) == range(1)
    assert bar_thumb(999_999, 1_000_000, 1_000_000, 10) == range(9, 10)
