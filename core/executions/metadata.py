"""Metadata: every line on stdout that is a JSON object, kept as the history of each key and its latest value."""

from __future__ import annotations

import json
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

LONGEST_LINE = 1024 * 1024
"""Bytes above which a line is not looked at."""
LARGEST_INTEGER = 2**63
MOST_KEYS = 1000
"""Keys of one line above which it is no metadata."""
LONGEST_KEY = 250
DEEPEST = 100
"""Brackets above which a line may be nested deeper than it can be stored."""
MOST_POINTS, MOST_ROWS = 20_000, 2_000
"""Points above which a part of a history is not made larger, and rows that it is made of at most."""
MOST_NEWEST = 2_000
LONGEST_SHOWN = 200
"""Characters of a text that are looked at where only the newest values are wanted."""

_OF_KEY = (
    "SELECT execution_id FROM metadata_latest"
    " WHERE project_id = ? AND key_id = (SELECT id FROM metadata_keys WHERE name = ?)"
)
_NUMBERS, _OTHERS = "value < ''", "value >= ''"
SORTED = {
    True: [f"{_OF_KEY} AND {kind} ORDER BY value DESC, execution_id DESC LIMIT ?" for kind in (_NUMBERS, _OTHERS)],
    False: [f"{_OF_KEY} AND {kind} ORDER BY value, execution_id LIMIT ?" for kind in (_NUMBERS, _OTHERS)],
}
"""Project id, key and limit → ids of executions by their latest value, read off an index; descending or not.

Two queries: numbers come first whatever the direction, then all that is none (NaN and infinity are kept as text).
"""


@dataclass(frozen=True, slots=True)
class Point:
    """One value of one key; `sequence` is the number of its line in the log, `at` seconds since 1970."""

    sequence: int
    at: float
    value: Any


class Part(NamedTuple):
    """Consecutive points of one key as columns; `last` is where to go on, `more` tells whether there are more."""

    sequences: array[int]
    times: array[float]
    values: list[Any]
    last: int
    more: bool

    def cut(self, start: int, end: int) -> Part:
        """Return some of the points."""
        return self._replace(
            sequences=self.sequences[start:end], times=self.times[start:end], values=self.values[start:end]
        )


class Newest(NamedTuple):
    """The newest value of a key, `text` of it where it is none of JSON's numbers; `place` is where to go on."""

    key: str
    value: float | None
    text: str
    place: tuple[int, int]


def parse(line: bytes) -> dict[str, Any] | None:
    """Return the JSON object that a line is, None for any other line."""
    if not line.startswith(b"{") or len(line) > LONGEST_LINE or not line.rstrip().endswith(b"}"):
        return None
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        value = _parse_leniently(line)
    if not isinstance(value, dict) or len(value) > MOST_KEYS or any(len(key) > LONGEST_KEY for key in value):
        return None
    if line.count(b"[") + line.count(b"{") > DEEPEST and not _can_be_stored(value):
        return None
    return value


def _parse_leniently(line: bytes) -> object:
    """Python prints NaN and Infinity, which JSON does not know; it also reads halves of characters, which nothing can
    store.
    """
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if _can_be_stored(value) else None


def _can_be_stored(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return True


def to_column(value: Any) -> int | float | str:  # noqa: ANN401
    """Return how a value is stored: numbers as they are, so that SQL can sort them, everything else as JSON text."""
    if value.__class__ is float and value - value == 0:
        return value
    if value.__class__ is int and -LARGEST_INTEGER <= value < LARGEST_INTEGER:
        return value
    return json.dumps(value)


def from_column(value: float | str) -> Any:  # noqa: ANN401
    """Return the value that `to_column` stored."""
    return json.loads(value) if isinstance(value, str) else value


class MetadataWriter:
    """Takes in the metadata of one execution."""

    def __init__(self, execution_id: int, project_id: int) -> None:
        self._execution_id = execution_id
        self._project_id = project_id
        self._keys: dict[str, int] = {}

    def write(
        self, connection: sqlite3.Connection, lines: Iterable[tuple[int, float, dict[str, Any]]]
    ) -> dict[str, Any]:
        """Store `(sequence, at, values)` of each line in the caller's transaction; return each key's newest value.

        All points of a key that come together are one row: a row for each would take in a fifth as many lines.
        Storing the same lines again changes nothing.
        """
        columns: dict[str, tuple[list[int], list[float], list[Any]]] = {}
        for sequence, at, values in lines:
            for name, value in values.items():
                column = columns.get(name)
                if column is None:
                    column = columns[name] = ([], [], [])
                column[0].append(sequence)
                column[1].append(at)
                column[2].append(value)
        for name, (sequences, times, points) in columns.items():
            key = self._keys.get(name) or self._key(connection, name)
            connection.execute(
                "INSERT OR IGNORE INTO metadata_history VALUES (?, ?, ?, ?, ?, ?)",
                (
                    *(self._execution_id, key, sequences[0]),
                    *(array("q", sequences).tobytes(), array("d", times).tobytes(), _encode(points)),
                ),
            )
            connection.execute(
                "INSERT INTO metadata_latest VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
                " SET sequence = excluded.sequence, value = excluded.value WHERE excluded.sequence > sequence",
                (self._execution_id, key, self._project_id, sequences[-1], to_column(points[-1])),
            )
        return {name: points[-1] for name, (_, _, points) in columns.items()}

    def _key(self, connection: sqlite3.Connection, name: str) -> int:
        connection.execute("INSERT OR IGNORE INTO metadata_keys (name) VALUES (?)", (name,))
        row = connection.execute("SELECT id FROM metadata_keys WHERE name = ?", (name,)).fetchone()
        self._keys[name] = int(row["id"])
        return self._keys[name]


def series(connection: sqlite3.Connection, execution_id: int, key: str) -> list[Point]:
    """Return every value of one key in the order in which they were printed."""
    rows = connection.execute(
        "SELECT sequences, times, points FROM metadata_history WHERE execution_id = ?"
        " AND key_id = (SELECT id FROM metadata_keys WHERE name = ?) ORDER BY sequence",
        (execution_id, key),
    )
    return [
        Point(*point)
        for row in rows
        for point in zip(array("q", row[0]), array("d", row[1]), _decode(row[2]), strict=True)
    ]


def part(connection: sqlite3.Connection, execution_id: int, key: str, after: int) -> Part:
    """Return the next points of one key, `after` the `last` of the part before (-1 for the first): some ms of work."""
    rows = connection.execute(
        "SELECT sequence, sequences, times, points FROM metadata_history WHERE execution_id = ?"
        " AND key_id = (SELECT id FROM metadata_keys WHERE name = ?) AND sequence > ? ORDER BY sequence LIMIT ?",
        (execution_id, key, after, MOST_ROWS),
    )
    sequences, times, values = array("q"), array("d"), []
    count = 0
    for after, *columns in rows:  # noqa: PLR1704 - it goes on from the last row
        sequences.frombytes(columns[0])
        times.frombytes(columns[1])
        values += _decode(columns[2])
        count += 1
        if len(values) >= MOST_POINTS:
            return Part(sequences, times, values, after, more=True)
    return Part(sequences, times, values, after, more=count == MOST_ROWS)


def newest(connection: sqlite3.Connection, execution_id: int, after: tuple[int, int]) -> list[Newest]:
    """Return the keys that were printed after `after`, the `place` of the newest one that is known, oldest first."""
    rows = connection.execute(
        "SELECT k.name, CASE WHEN typeof(l.value) = 'text' THEN substr(l.value, 1, :longest) ELSE l.value END,"
        " l.sequence, l.key_id FROM metadata_latest l JOIN metadata_keys k ON k.id = l.key_id"
        " WHERE l.execution_id = :execution AND (l.sequence, l.key_id) > (:sequence, :key)"
        " ORDER BY l.sequence, l.key_id LIMIT :most",
        {
            "execution": execution_id,
            "sequence": after[0],
            "key": after[1],
            "longest": LONGEST_SHOWN,
            "most": MOST_NEWEST,
        },
    )
    return [
        Newest(
            name,
            None if isinstance(value, str) else value,
            value if isinstance(value, str) else "",
            (sequence, key),
        )
        for name, value, sequence, key in rows
    ]


def _encode(points: list[Any]) -> bytes:
    """Write a JSON array; what the fast encoder does not know (NaN, integers above 64 bits) is left to Python's."""
    try:
        text = orjson.dumps(points)
    except TypeError:
        return json.dumps(points).encode()
    if b"null" in text and orjson.loads(text) != points:
        return json.dumps(points).encode()
    return text


def _decode(text: bytes) -> list[Any]:
    try:
        points = orjson.loads(text)
    except orjson.JSONDecodeError:
        points = json.loads(text)
    return list(points)


def latest(connection: sqlite3.Connection, execution_id: int) -> dict[str, Any]:
    """Return the newest value of each key, by name."""
    rows = connection.execute(
        "SELECT k.name, l.value FROM metadata_latest l JOIN metadata_keys k ON k.id = l.key_id"
        " WHERE l.execution_id = ? ORDER BY k.name",
        (execution_id,),
    )
    return {name: from_column(value) for name, value in rows}
