"""What a plot needs of one metadata key: a bounded picture of its points that keeps every spike, and their extremes.

Points are taken in as they come and put into buckets of consecutive points, of which the lowest and the highest are
kept. When there are too many buckets, pairs of them are joined: memory is bounded, whatever there is to read, nothing
is read twice, and the picture does not depend on how wide a plot is.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.executions.execution import Execution
    from core.executions.metadata import Part
    from core.executions.service import Executions

MOST_BUCKETS = 2048
"""At least half as many are in use once there are more points: twice the dots of a plot 250 columns wide."""
LONGEST_NUMBER = 40


class Sample(NamedTuple):
    """One number: which point of its key it is, when it was printed, the value of the x axis' key, and itself."""

    number: int
    at: float
    x: float
    value: float


class _Bucket(NamedTuple):
    """The lowest and the highest of some consecutive numbers."""

    low: Sample
    high: Sample

    def joined(self, other: _Bucket) -> _Bucket:
        low = other.low if other.low.value < self.low.value else self.low
        return _Bucket(low, other.high if other.high.value > self.high.value else self.high)


def number_of(value: Any) -> float | None:  # noqa: ANN401 - whatever a metadata line holds
    """Return a value as a plot can show it, None for what is no number.

    Booleans are 0 and 1; programs often print numbers as texts, so a text that is one counts.
    """
    if isinstance(value, str):
        if len(value) > LONGEST_NUMBER or "_" in value:
            return None
    elif not isinstance(value, (bool, int, float)):
        return None
    try:
        return float(value)
    except ValueError:
        return None
    except OverflowError:
        return math.inf if value > 0 else -math.inf


class Series:
    """The numbers of one key of one execution, thinned; `x_key` is the key whose values the x axis shows, if one does.

    A point's x is the value of that key in the same line, or else the newest one before it. `points` counts all
    values, `numbers` those that are numbers, `not_finite` those of them that are NaN or infinite, which no plot can
    show. `reached` is the number of the last line that was taken in.
    """

    def __init__(self, key: str, x_key: str | None = None, most_buckets: int = MOST_BUCKETS) -> None:
        self.key = key
        self.x_key = x_key
        self.points = 0
        self.numbers = 0
        self.not_finite = 0
        self.reached = -1
        self.low: Sample | None = None
        self.high: Sample | None = None
        self.last: Sample | None = None
        self._most = most_buckets
        self._buckets: list[_Bucket] = []
        self._span = 1
        self._open: _Bucket | None = None
        self._filled = 0
        self._after = -1
        self._waiting: Part | None = None
        self._x = None if x_key is None else _NewestBefore()

    def read(self, executions: Executions, execution: Execution) -> bool:
        """Take in the next part of what was printed since the last call; return whether there is more."""
        part = self._waiting or executions.metadata_part(execution, self.key, self._after)
        self._after = part.last
        self._waiting = None
        if self._x is None or self.x_key is None or not part.values:
            self._take(part, None)
            return part.more
        x_part = executions.metadata_part(execution, self.x_key, self._x.after)
        self._x.add(x_part)
        ready = bisect_right(part.sequences, self._x.reaches) if x_part.more else len(part.values)
        self._take(part.cut(0, ready), self._x.at(part.sequences[:ready]))
        if ready < len(part.values):
            self._waiting = part.cut(ready, len(part.values))
            return True
        return part.more

    def samples(self) -> list[Sample]:
        """Return the numbers that are kept, in the order in which they were printed, with the newest at the end."""
        found: list[Sample] = []
        for low, high in self._buckets if self._open is None else [*self._buckets, self._open]:
            if low.number == high.number:
                found.append(low)
            else:
                found.extend((low, high) if low.number < high.number else (high, low))
        if self.last is not None and (not found or found[-1].number != self.last.number):
            found.append(self.last)
        return found

    def _take(self, part: Part, xs: Sequence[float] | None) -> None:
        numbers: Sequence[int] = range(self.points, self.points + len(part.values))
        times: Sequence[float] = part.times
        values: Sequence[float] = part.values
        self.points += len(values)
        self.reached = part.sequences[-1] if part.values else self.reached
        if _all_finite(part.values):
            self.numbers += len(values)
        else:
            given = [number_of(value) for value in part.values]
            kept = [index for index, value in enumerate(given) if value is not None and math.isfinite(value)]
            found = sum(value is not None for value in given)
            self.numbers += found
            self.not_finite += found - len(kept)
            values = [value for value in given if value is not None and math.isfinite(value)]
            numbers, times = [numbers[index] for index in kept], [times[index] for index in kept]
            xs = None if xs is None else [xs[index] for index in kept]
        self._add(numbers, times, xs, values)

    def _add(
        self, numbers: Sequence[int], times: Sequence[float], xs: Sequence[float] | None, values: Sequence[float]
    ) -> None:
        def sample(index: int) -> Sample:
            return Sample(numbers[index], times[index], math.nan if xs is None else xs[index], float(values[index]))

        start = 0
        while start < len(values):
            end = min(len(values), start + self._span - self._filled)
            chunk = values[start:end]
            low, high = chunk.index(min(chunk)), chunk.index(max(chunk))
            self._grow(_Bucket(sample(start + low), sample(start + high)), end - start)
            start = end
        if len(values):
            self.last = sample(len(values) - 1)

    def _grow(self, bucket: _Bucket, count: int) -> None:
        whole = bucket if self.low is None or self.high is None else _Bucket(self.low, self.high).joined(bucket)
        self.low, self.high = whole
        self._open = bucket if self._open is None else self._open.joined(bucket)
        self._filled += count
        if self._filled < self._span:
            return
        self._buckets.append(self._open)
        self._open, self._filled = None, 0
        if len(self._buckets) >= self._most:
            pairs = zip(self._buckets[::2], self._buckets[1::2], strict=True)
            self._buckets = [first.joined(second) for first, second in pairs]
            self._span *= 2


class _NewestBefore:
    """Tells the newest value of a key at or before a line."""

    def __init__(self) -> None:
        self.after = -1
        self.reaches = -1
        self._sequences: array[int] = array("q")
        self._values: list[float] = []
        self._newest = math.nan

    def add(self, part: Part) -> None:
        self.after = part.last
        if part.values:
            self.reaches = part.sequences[-1]
            self._sequences += part.sequences
            found = map(number_of, part.values)
            self._values += [math.nan if value is None else value for value in found]

    def at(self, sequences: array[int]) -> list[float]:
        if sequences == self._sequences:
            found, used = self._values, len(self._values)
        else:
            found, used = self._merged(sequences)
        self._newest = found[-1] if found else self._newest
        self._sequences, self._values = self._sequences[used:], self._values[used:]
        return found

    def _merged(self, sequences: array[int]) -> tuple[list[float], int]:
        found, used, newest = [], 0, self._newest
        for sequence in sequences:
            while used < len(self._sequences) and self._sequences[used] <= sequence:
                newest = self._values[used]
                used += 1
            found.append(newest)
        return found, used


def _all_finite(values: list[Any]) -> bool:
    """Tell whether these are numbers that need no second look; a sum that leaves the range of floats needs one."""
    if not {*map(type, values)} <= {float, int}:
        return False
    try:
        return math.isfinite(sum(values))
    except OverflowError:
        return False
