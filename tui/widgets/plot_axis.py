"""One axis of a plot: its range, where a value lies on it, and ticks at values that people like to read."""

from __future__ import annotations

import math
import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from core.quantities import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGEST = sys.float_info.max
SMALLEST_SPAN = 1e-290
"""Below it, steps between ticks would have no exact values any more."""
_PRECISION = 1e-13
_FINER = 5
"""Parts of the step between ticks to which a range is rounded."""
_STEPS = (1.0, 2.0, 5.0, 10.0)
_ROOMS = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_TIMES = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


class Kind(StrEnum):
    """What the values of an axis are: numbers, lengths of time in seconds, or moments in seconds since 1970."""

    NUMBER = "number"
    SECONDS = "seconds"
    CLOCK = "clock"


class Tick(NamedTuple):
    """A value that is written at an axis, and where: 0 is the axis' beginning, 1 its end."""

    share: float
    label: str


class Axis:
    """An axis over values from `low` to `high`; `rounded` ones end a little outside, where they seldom move."""

    def __init__(
        self, low: float, high: float, ticks: int, *, log: bool = False, rounded: bool = False, kind: Kind = Kind.NUMBER
    ) -> None:
        self._log = log
        self._kind = kind
        self.low, self.high = _widened_log(low, high) if log else _widened(low, high)
        self._step = self._step_for(max(1, ticks))
        if rounded:
            self._round()
        self.ticks = self._log_ticks(max(2, ticks)) if log else self._linear_ticks(self._step)

    def share(self, value: float) -> float:
        """Return where a value lies: 0 at the beginning, 1 at the end."""
        if self._log:
            low, high = math.log10(self.low), math.log10(self.high)
            return (math.log10(value) - low) / (high - low)
        return (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)

    def places(self, values: Sequence[float], last: int) -> list[int]:
        """Return where values lie on an axis of the places 0 to `last`: `share` for many at once."""
        low, high = self.low, self.high
        if self._log:
            values = [*map(math.log10, values)]
            low, high = math.log10(low), math.log10(high)
        elif high - low > LARGEST:
            values = [value / 2 for value in values]
            low, high = low / 2, high / 2
        span = high - low
        return [min(last, max(0, round((value - low) / span * last))) for value in values]

    def value(self, share: float) -> float:
        """Return the value that lies at a place of the axis."""
        if self._log:
            low, high = math.log10(self.low), math.log10(self.high)
            return float(10 ** (low + share * (high - low)))
        return self.low * (1 - share) + self.high * share

    def _step_for(self, ticks: int) -> float:
        span = self.high / 2 - self.low / 2
        return _nice(span / ticks * 2 if span / ticks < LARGEST / 20 else span / ticks, self._kind)

    def _round(self) -> None:
        if self._log:
            self.low, self.high = _log_floor(self.low), _log_ceiling(self.high)
            return
        step = self._step / _FINER
        self.low = max(-LARGEST, math.floor(self.low / step + 1e-9) * step)
        self.high = min(LARGEST, math.ceil(self.high / step - 1e-9) * step)

    def _linear_ticks(self, step: float) -> list[Tick]:
        # Midnight is where clocks show it.
        begin = -utc_offset(self.low) if self._kind is Kind.CLOCK else 0.0
        first, last = math.ceil((self.low - begin) / step - 1e-9), math.floor((self.high - begin) / step + 1e-9)
        values = [begin + number * step for number in range(first, last + 1)]
        if len(values) < 2 and step > self._step / _FINER**2:
            return self._linear_ticks(step / _FINER)
        values = [value for value in values if abs(value) <= LARGEST] or [self.low]
        if self._kind is Kind.SECONDS:
            labels = ["0" if value == 0 else duration(value).replace(".0 s", " s") for value in values]
        elif self._kind is Kind.CLOCK:
            labels = [moment(value, step) for value in values]
        else:
            labels = _labels(values, step)
        return [Tick(self.share(value), label) for value, label in zip(values, labels, strict=True)]

    def _log_ticks(self, ticks: int) -> list[Tick]:
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        stride = max(1, math.ceil((last - first + 1) / ticks))
        values = [10.0**exponent for exponent in range(first, last + 1, stride)]
        if len(values) < 3:
            decades = range(first - 1, last + 1)
            finer = [factor * 10.0**exponent for exponent in decades for factor in (1, 2, 5)]
            values = [value for value in finer if self.low * 0.999999 <= value <= min(LARGEST, self.high * 1.000001)]
        if len(values) < 2:
            return self._linear_ticks(self._step)
        return [Tick(self.share(value), short(value)) for value in values]


def utc_offset(at: float) -> float:
    """Return by how many seconds clocks here are ahead of UTC at a moment."""
    clock = _clock(at)
    offset = None if clock is None else clock.utcoffset()
    return 0.0 if offset is None else offset.total_seconds()


def moment(at: float, step: float) -> str:
    """Return a moment as clocks here show it, as exactly as steps of some seconds need it."""
    clock = _clock(at)
    if clock is None:
        return short(at)
    if step >= 86400:
        return clock.strftime("%a %d")
    return clock.strftime("%H:%M" if step >= 60 else "%H:%M:%S")


def _clock(at: float) -> datetime | None:
    """Return a moment as clocks here show it, None where no calendar reaches that far."""
    try:
        return datetime.fromtimestamp(at, UTC).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def grown(low: float, high: float) -> float:
    """Return where an axis ends that values still come to, so that it moves seldom."""
    span = high - low
    if span <= 0 or span > LARGEST / 10:
        return high
    unit = 10.0 ** math.floor(math.log10(span))
    return low + next((unit * room for room in _ROOMS if unit * room >= span), span)


def short(value: float) -> str:
    """Return a number in a few characters: `0.0123`, `12,300`, `1.5e-7`, `3M`."""
    if value != value or value - value != 0:  # noqa: PLR0124 - NaN and infinity
        return str(value)
    size = abs(value)
    if size and (size < 1e-4 or size >= 1e15):
        mantissa, exponent = f"{value:.3e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    if size >= 1e5:
        unit, letter = next(unit for unit in _UNITS if unit[0] <= size)
        return f"{value / unit:.4g}{letter}" if value == int(value) and value % (unit / 10) == 0 else f"{value:,.0f}"
    return f"{value:.5g}"


def _widened(low: float, high: float) -> tuple[float, float]:
    """Give a single value some room around it."""
    size = max(abs(low), abs(high))
    if high / 2 - low / 2 > max(size * _PRECISION, SMALLEST_SPAN):
        return low, high
    room = max(size * 0.1, SMALLEST_SPAN * 10) if size else 1.0
    return max(-LARGEST, low - room), min(LARGEST, high + room)


def _widened_log(low: float, high: float) -> tuple[float, float]:
    low, high = max(low, SMALLEST_SPAN), max(high, SMALLEST_SPAN)
    return (low, high) if high / low > 1 + 1e-9 else (low / 2, min(LARGEST, high * 2))


def _nice(step: float, kind: Kind) -> float:
    if kind is not Kind.NUMBER and step > 1 and step <= _TIMES[-1]:
        return next(float(time) for time in _TIMES if time >= step)
    if kind is not Kind.NUMBER and step > _TIMES[-1]:
        return _nice(step / _TIMES[-1], Kind.NUMBER) * _TIMES[-1]
    unit = 10.0 ** math.floor(math.log10(step))
    return next((unit * factor for factor in _STEPS if unit * factor >= step * 0.999999), step)


def _log_floor(value: float) -> float:
    unit = 10.0 ** math.floor(math.log10(value))
    return max(factor * unit for factor in (0.5, 1.0, 2.0, 5.0) if factor * unit <= value * 1.000001 or factor == 0.5)


def _log_ceiling(value: float) -> float:
    unit = 10.0 ** math.floor(math.log10(value))
    return min(LARGEST, next((f * unit for f in (1.0, 2.0, 5.0) if f * unit >= value * 0.999999), value * 1.000001))


def _labels(values: Sequence[float], step: float) -> list[str]:
    """Write numbers alike: as many decimals, or the same unit, or the same power of ten."""
    biggest = max(map(abs, values), default=0.0)
    unit, suffix = 1.0, ""
    if biggest >= 1e15 or (biggest > 0 and step < 1e-4):
        exponent = math.floor(math.log10(biggest))
        unit, suffix = 10.0**exponent, f"e{exponent}"
    elif biggest >= 1e5:
        unit, suffix = next(unit for unit in _UNITS if unit[0] <= biggest)
    decimals = max(0, -math.floor(math.log10(step / unit) + 1e-9))
    if decimals > 6:
        return [f"{value:.10g}" for value in values]
    return [f"{value / unit:.{decimals}f}{suffix}" if value else "0" for value in values]
