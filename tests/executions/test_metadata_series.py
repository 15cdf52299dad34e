"""What a plot reads of a key: bounded, in parts, each point once, no spike lost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.executions import metadata
from core.executions.metadata import MOST_POINTS, MetadataWriter, Part
from core.executions.metadata_series import MOST_BUCKETS, Series, number_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.shoal import Shoal


class Reader:
    """Reads as the service does, and counts how often and how much."""

    def __init__(self, shoal: Shoal) -> None:
        self._shoal = shoal
        self.calls = 0
        self.points = 0

    def write(self, lines: Iterable[tuple[int, float, dict[str, Any]]]) -> None:
        with self._shoal.database.transaction() as connection:
            MetadataWriter(1, 1).write(connection, lines)

    def metadata_part(self, _execution: Any, key: str, after: int = -1) -> Part:
        part = metadata.part(self._shoal.database.reader(), 1, key, after)
        self.calls += 1
        self.points += len(part.values)
        return part


def read(series: Series, reader: Reader) -> Series:
    while series.read(reader, None):  # type: ignore[arg-type]
        pass
    return series


def drawn(series: Series) -> list[tuple[float, float]]:
    return [(sample.x, sample.value) for sample in series.samples()]


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (1, 1.0),
        (True, 1.0),
        ("0.25", 0.25),
        ("1e-3", 0.001),
        ("1_000", None),
        ("warm-up", None),
        ("1" * 50, None),
        (None, None),
        ([1], None),
        (10**400, math.inf),
        (-(10**400), -math.inf),
    ],
)
def test_what_is_a_number(value: Any, wanted: float | None) -> None:
    assert number_of(value) == wanted


def test_points_come_in_order_with_the_x_of_their_line(shoal: Shoal) -> None:
    reader = Reader(shoal)
    reader.write([(1, 5.0, {"epoch": 1, "loss": 0.5}), (2, 6.0, {"epoch": 2, "loss": "0.25"})])
    series = read(Series("loss", "epoch"), reader)
    assert drawn(series) == [(1, 0.5), (2, 0.25)]
    assert [(sample.number, sample.at) for sample in series.samples()] == [(0, 5.0), (1, 6.0)]


def test_a_point_has_the_newest_x_before_it(shoal: Shoal) -> None:
    reader = Reader(shoal)
    reader.write([(1, 0.0, {"loss": 9.0}), (2, 0.0, {"epoch": 1}), (3, 0.0, {"loss": 8.0}), (4, 0.0, {"loss": 7.0})])
    reader.write([(5, 0.0, {"epoch": 2}), (6, 0.0, {"loss": 6.0})])
    points = drawn(read(Series("loss", "epoch"), reader))
    assert math.isnan(points[0][0])
    assert points[1:] == [(1, 8.0), (1, 7.0), (2, 6.0)]


def test_a_spike_among_many_points_stays_and_memory_does_not_grow(shoal: Shoal) -> None:
    reader = Reader(shoal)
    for block in range(10):
        numbers = range(block * 10_000, (block + 1) * 10_000)
        reader.write((n, float(n), {"loss": 99.5 if n == 65_432 else -7 if n == 65_433 else n % 3}) for n in numbers)
    series = read(Series("loss"), reader)
    assert series.points == series.numbers == 100_000
    assert len(series.samples()) <= 2 * MOST_BUCKETS + 1
    assert {(65_432, 99.5), (65_433, -7.0)} <= {(sample.number, sample.value) for sample in series.samples()}
    assert series.low is not None
    assert series.high is not None
    assert (series.low.value, series.high.value) == (-7, 99.5)
    assert series.samples()[-1].number == 99_999


def test_only_what_is_new_is_read_and_in_parts(shoal: Shoal) -> None:
    reader = Reader(shoal)
    for block in range(3):
        reader.write((n, 0.0, {"loss": 1.5}) for n in range(block * MOST_POINTS, (block + 1) * MOST_POINTS))
    series = Series("loss")
    assert series.read(reader, None)  # type: ignore[arg-type]
    assert series.points == MOST_POINTS
    read(series, reader)
    assert reader.points == 3 * MOST_POINTS
    reader.write([(10**6, 0.0, {"loss": 2.5})])
    reader.calls = reader.points = 0
    read(series, reader)
    assert (reader.calls, reader.points, series.points) == (1, 1, 3 * MOST_POINTS + 1)


def test_an_x_key_with_many_more_points_is_read_in_parts(shoal: Shoal) -> None:
    reader = Reader(shoal)
    for block in range(3):
        reader.write((n, 0.0, {"step": n}) for n in range(block * MOST_POINTS, (block + 1) * MOST_POINTS))
    reader.write([(10**6, 0.0, {"loss": 1.0})])
    series = Series("loss", "step")
    assert series.read(reader, None)  # type: ignore[arg-type]
    assert reader.points <= 1 + MOST_POINTS
    assert drawn(read(series, reader)) == [(3 * MOST_POINTS - 1, 1.0)]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    values=st.lists(
        st.floats() | st.integers(-(2**70), 2**70) | st.booleans() | st.text(max_size=4) | st.none(), max_size=60
    ),
    cuts=st.integers(1, 7),
    most=st.sampled_from([2, 4, 16]),
)
def test_whatever_is_printed_the_extremes_are_right(values: list[Any], cuts: int, most: int) -> None:
    from array import array

    series = Series("k", most_buckets=most)
    for start in range(0, len(values), cuts):
        some = values[start : start + cuts]
        numbers = range(start, start + len(some))
        series._take(Part(array("q", numbers), array("d", numbers), some, 0, more=False), None)
    finite = [n for n in map(number_of, values) if n is not None and math.isfinite(n)]
    found = [sample.value for sample in series.samples()]
    assert (series.points, series.numbers - series.not_finite) == (len(values), len(finite))
    assert min(found, default=None) == min(finite, default=None)
    assert max(found, default=None) == max(finite, default=None)
    assert [sample.number for sample in series.samples()] == sorted({sample.number for sample in series.samples()})
    if finite:
        assert found[-1] == finite[-1]


def test_newest_values_since_a_place(shoal: Shoal) -> None:
    reader = Reader(shoal)
    reader.write([(1, 0.0, {"loss": 1, "note": "x" * 1000}), (2, 0.0, {"epoch": 2})])
    found = metadata.newest(shoal.database.reader(), 1, (-1, -1))
    assert [(each.key, each.value) for each in found] == [("loss", 1), ("note", None), ("epoch", 2)]
    assert found[1].text == '"' + "x" * (metadata.LONGEST_SHOWN - 1)
    reader.write([(3, 0.0, {"loss": 0.5})])
    since = metadata.newest(shoal.database.reader(), 1, found[-1].place)
    assert [(each.key, each.value) for each in since] == [("loss", 0.5)]
    assert metadata.newest(shoal.database.reader(), 1, (3, 10**6)) == []
