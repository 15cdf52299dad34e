"""Text in lines of a width."""

from __future__ import annotations

from core.text import cells
from tui.widgets.wrapping import broken, wrapped


def test_words_stay_whole_where_they_fit_and_spaces_are_folded() -> None:
    assert wrapped("  one \n two\tthree  ", 8, 5) == ["one two", "three"]
    assert wrapped("", 8, 5) == wrapped("x", 0, 5) == wrapped("x", 8, 0) == []


def test_a_long_word_is_cut_and_what_is_too_much_is_left_out() -> None:
    assert wrapped("abcdefghij", 4, 9) == ["abcd", "efgh", "ij"]
    assert wrapped("one two three four", 5, 2) == ["one", "two …"]


def test_wide_and_hostile_text_is_never_wider() -> None:
    for line in wrapped("宽宽宽宽 \x1b[31m[/red] e\u0301e\u0301e\u0301" * 20, 7, 30):
        assert cells(line) <= 7


def test_indentation_stays_where_it_is_broken() -> None:
    assert broken("    one two", 8) == ["    one", "two"]
    assert broken("", 8) == [""]
