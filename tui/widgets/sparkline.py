"""A row of numbers as one line of bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float | None], *, most: float = 0.0) -> str:
    """Return a character for each value, of which the highest bar stands for the largest, and for `most` at least.

    None is what is not known and stays empty; what is more than nothing is seen to be.
    """
    top = max([most, *(value for value in values if value is not None)], default=0.0)
    return "".join(" " if value is None else _bar(value / top if top else 0.0) for value in values)


def _bar(share: float) -> str:
    return _BARS[0] if share <= 0 else _BARS[max(1, min(len(_BARS) - 1, round(share * (len(_BARS) - 1))))]
