"""Amounts as people read them."""

from __future__ import annotations

import pytest

from core import quantities


@pytest.mark.parametrize(
    ("seconds", "text"), [(-3, "0 s"), (59.9, "59 s"), (60, "1 min"), (3600, "1 h"), (172_800, "2 d")]
)
def test_age(seconds: float, text: str) -> None:
    assert quantities.age(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (12.9, "12 s"), (60, "1 min"), (185, "3 min 5 s"), (7380, "2 h 3 min"), (349_200, "4 d 1 h")],
)
def test_duration(seconds: float, text: str) -> None:
    assert quantities.duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (999, "999 B"), (28_900, "28.9 kB"), (999_999, "1.0 MB"), (1_200_000_000, "1.2 GB")],
)
def test_size(number: int, text: str) -> None:
    assert quantities.size(number) == text


@pytest.mark.parametrize(("number", "text"), [(512 * 1024**2, "512m"), (8 * 1024**3, "8g"), (1000, "1000"), (0, "0")])
def test_a_limit_is_shown_as_it_is_written(number: int, text: str) -> None:
    assert quantities.binary_size(number) == text


@pytest.mark.parametrize(
    ("millionths", "text"), [(1_250_000, "1.25"), (21, "0.000021"), (0, "0.00"), (-500_000, "-0.50")]
)
def test_money(millionths: int, text: str) -> None:
    assert quantities.money(millionths) == text


def test_times_are_utc() -> None:
    assert quantities.iso_time(0.125) == "1970-01-01T00:00:00.125Z"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        ("#12", 12),
        ("0", 0),
        ("", None),
        ("#", None),
        ("-1", None),
        ("1.5", None),
        ("²", None),
        ("9" * 16, None),
    ],
)
def test_the_number_of_a_row(text: str, number: int | None) -> None:
    assert quantities.read_number(text) == number
