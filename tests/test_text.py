"""The door that every foreign text goes through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import cells, fit, last_overwritten, pad, plain


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain", "plain"),
        ("naïve 模型", "naïve 模型"),
        ("tab\there", "tab\there"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hhome", "home"),
        ("\x1b]0;title\x07rest", "rest"),
        ("\x1b]52;c;aGk=\x1b\\rest", "rest"),
        ("\x9b31mred", "31mred"),
        ("a\x00b\x08c\x7fd", "abcd"),
        ("two\nlines", "two lines"),
        ("evil\u202etxt.exe", "eviltxt.exe"),
        ("\u2066isolated\u2069", "isolated"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("half \ud800 pair", "half \ufffd pair"),
        ("[/] [bold]", "[/] [bold]"),
    ],
)
def test_a_terminal_gets_only_what_it_shows(given: str, shown: str) -> None:
    assert plain(given) == shown


@given(st.text(st.characters(codec=None)))
def test_nothing_that_acts_comes_through(text: str) -> None:
    shown = plain(text)
    assert not any(ord(character) < 32 and character != "\t" for character in shown)
    assert not any(0x7F <= ord(character) < 0xA0 or 0x202A <= ord(character) <= 0x202E for character in shown)
    shown.encode()


def test_what_is_too_long_is_cut() -> None:
    assert plain("abcdef", limit=4) == "abc…"
    assert plain("abcd", limit=4) == "abcd"


def test_a_progress_bar_shows_its_last_state() -> None:
    assert last_overwritten("10%\r50%\r100%\r") == "100%"
    assert last_overwritten("no bar") == "no bar"


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("模型", 4), ("e\u0301", 1), ("ﾊﾝｶｸ", 4), ("", 0)])
def test_cells_are_counted_as_a_terminal_does(text: str, width: int) -> None:
    assert cells(text) == width


def test_fitting_never_splits_a_wide_character() -> None:
    assert fit("模型训练", 5) == "模型…"
    assert cells(fit("模型训练", 4)) <= 4
    assert fit("abc", 3) == "abc"


def test_padding_counts_cells() -> None:
    assert pad("模型", 6) == "模型  "
    assert pad("7", 3, right=True) == "  7"
