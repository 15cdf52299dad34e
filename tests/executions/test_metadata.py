"""Metadata: what counts as a point, how it is stored, sorted and read back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.executions.metadata import MetadataWriter, from_column, latest, parse, series, to_column

if TYPE_CHECKING:
    from core.shoal import Shoal


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b'{"a": [1, [2]], "b": "text"}  ', {"a": [1, [2]], "b": "text"}),
        (b"{not json}", None),
        (b'["a"]', None),
        (b"12", None),
        (b'text {"a": 1}', None),
        (b'{"a": 1} text', None),
        (b"{" * 100_000 + b"}", None),
        (b'{"a": ' + b"[" * 1000 + b"]" * 1000 + b"}", None),
        (b'{"\\ud800": 1}', None),
        (b'{"' + b"k" * 251 + b'": 1}', None),
        (b"{" + b",".join(b'"%d": 1' % i for i in range(1001)) + b"}", None),
    ],
)
def test_a_line_is_metadata_when_it_is_a_json_object(line: bytes, wanted: object) -> None:
    assert parse(line) == wanted


def test_python_s_nan_is_understood_and_kept() -> None:
    values = parse(b'{"loss": NaN, "best": Infinity}')
    assert values is not None
    assert math.isnan(from_column(to_column(values["loss"])))
    assert from_column(to_column(values["best"])) == math.inf


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5,
    )
)
def test_every_value_comes_back_with_its_type(value: Any) -> None:
    stored = from_column(to_column(value))
    assert stored == value
    assert type(stored) is type(value)


def test_series_and_latest_and_writing_twice(shoal: Shoal) -> None:
    writer = MetadataWriter(1, 1)
    first: dict[str, Any] = {"loss": 0.5, "epoch": 1}
    second: dict[str, Any] = {"loss": 0.25, "epoch": 2, "note": "x"}
    lines = [(1, 10.0, first), (2, 11.0, second)]
    for _ in range(2):
        with shoal.database.transaction() as connection:
            assert writer.write(connection, lines) == {"loss": 0.25, "epoch": 2, "note": "x"}
    reader = shoal.database.reader()
    assert [(p.sequence, p.at, p.value) for p in series(reader, 1, "loss")] == [(1, 10.0, 0.5), (2, 11.0, 0.25)]
    assert latest(reader, 1) == {"epoch": 2, "loss": 0.25, "note": "x"}


def test_an_older_line_does_not_replace_a_newer_latest_value(shoal: Shoal) -> None:
    with shoal.database.transaction() as connection:
        MetadataWriter(1, 1).write(connection, [(5, 1.0, {"a": 5})])
        MetadataWriter(1, 1).write(connection, [(4, 1.0, {"a": 4})])
    assert latest(shoal.database.reader(), 1) == {"a": 5}
