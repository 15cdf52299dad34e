"""The rows of the table of metadata keys, and what is plotted before somebody has chosen: pure."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from core.executions.metadata_series import number_of
from core.resources.resource import Column, Tone
from core.text import plain
from tui.widgets.plot_axis import short

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from core.executions.execution import Execution
    from core.executions.metadata import Newest
    from core.executions.metadata_series import Series

LONGEST_NAME = 120
X_KEYS = ("global_step", "step", "iteration", "iter", "epoch")
"""Keys that count what the other keys are measured at, the finest first."""
_SMALLER = re.compile(r"loss|err|mae|mse|rmse|perplexity|cost|distance|divergence|latency|fid\b", re.IGNORECASE)
_LARGER = re.compile(r"acc|auc|f1|precision|recall|score|reward|iou|dice|\bmap\b|bleu|psnr|ssim|r2", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key: its newest value in each execution that is shown, and what its points add up to, once they were read."""

    name: str
    newest: tuple[Newest | None, ...]
    symbol: str = ""
    count: int | None = None
    numbers: int = 0
    low: float | None = None
    high: float | None = None
    best: tuple[float, str] | None = None

    @property
    def is_text(self) -> bool:
        """Whether there is nothing to plot, as far as is known."""
        return not self.numbers if self.count else not any(map(is_number, filter(None, self.newest)))


def columns(executions: Sequence[Execution], *, narrow: bool) -> list[Column[KeyRow]]:
    """Return the columns: the newest value of each execution, and of a single one what else is known.

    In a narrow table names have their room, and other columns are shown by scrolling.
    """
    if len(executions) > 1:
        newest = [_newest(number, f"#{each.counter}") for number, each in enumerate(executions)]
        return [Column(key="key", title="KEY", text=_name, width=20), *newest]
    return [
        Column(key="key", title="KEY", text=_name, flexible=not narrow, width=20),
        _newest(0, "LATEST"),
        Column(key="best", title="BEST", text=lambda row, _: _best(row), right=True, width=9, tone=lambda _: Tone.GOOD),
        Column(key="min", title="MIN", text=lambda row, _: _extreme(row, row.low), right=True, width=9),
        Column(key="max", title="MAX", text=lambda row, _: _extreme(row, row.high), right=True, width=9),
        Column(key="count", title="COUNT", text=lambda row, _: _count(row), right=True, width=7),
        Column(key="at", title="BEST AT", text=lambda row, _: row.best[1] if row.best else "", right=True, width=10),
    ]


def _name(row: KeyRow, _: float) -> str:
    return f"{row.symbol or ' '} {row.name}"


def _newest(number: int, title: str) -> Column[KeyRow]:
    def tone(row: KeyRow) -> Tone:
        return Tone.DIM if row.is_text else Tone.STRONG if number == 0 else Tone.PLAIN

    def text(row: KeyRow, _: float) -> str:
        return newest_text(row.newest[number])

    return Column(key=f"latest-{number}", title=title, text=text, right=True, width=9, tone=tone)


def _count(row: KeyRow) -> str:
    return "" if row.count is None else f"{row.count:,}"


def _extreme(row: KeyRow, value: float | None) -> str:
    if row.count and not row.numbers:
        return "text"
    return "" if value is None else short(value)


def _best(row: KeyRow) -> str:
    if row.count and not row.numbers:
        return "text"
    return "" if row.best is None else short(row.best[0])


def with_statistics(row: KeyRow, series: Series) -> KeyRow:
    """Return the row with what its points add up to."""
    best = None
    aims = direction(row.name)
    sample = None if aims is None else series.low if aims < 0 else series.high
    if sample is not None:
        x = f"#{sample.number + 1}" if series.x_key is None or math.isnan(sample.x) else short(sample.x)
        best = sample.value, x if series.x_key is None else f"{plain(series.x_key, limit=20)} {x}"
    return KeyRow(
        row.name,
        row.newest,
        row.symbol,
        series.points,
        series.numbers,
        None if series.low is None else series.low.value,
        None if series.high is None else series.high.value,
        best,
    )


def direction(name: str) -> int | None:
    """Return -1 for what is meant to fall, 1 for what is meant to rise, None where the name does not tell."""
    if _SMALLER.search(name):
        return -1
    return 1 if _LARGER.search(name) else None


def newest_text(newest: Newest | None) -> str:
    """Return a newest value as it is shown."""
    if newest is None:
        return ""
    if newest.value is not None:
        return short(newest.value)
    value = _loaded(newest.text)
    number = number_of(value)
    if isinstance(value, str) and number is not None:
        return short(number)
    return plain(value if isinstance(value, str) else newest.text)


def is_number(newest: Newest) -> bool:
    """Return whether a newest value is one that a plot can show."""
    return newest.value is not None or number_of(_loaded(newest.text)) is not None


def _loaded(text: str) -> object:
    """Return the JSON that a text is, itself where it was cut."""
    try:
        return json.loads(text)
    except ValueError:
        return text.removeprefix('"')


def defaults(names: Mapping[int, str], is_plottable: Callable[[int], bool], most: int) -> list[int]:
    """Return what is plotted when nobody has chosen: losses, else what is of the first number's kind."""

    def found(belongs: Callable[[str], bool]) -> list[int]:
        some = (key for key, name in names.items() if name.lower() not in X_KEYS and belongs(name.lower()))
        return list(islice(filter(is_plottable, some), max(1, most)))

    chosen = found(lambda name: "loss" in name)
    if not chosen:
        first = found(lambda name: direction(name) is not None) or found(lambda _: True)
        kind = _last_word(names[first[0]].lower()) if first else ""
        chosen = list(dict.fromkeys([*first[:1], *found(lambda name: _last_word(name) == kind)]))
    return chosen[: max(1, most)]


def _last_word(name: str) -> str:
    return re.split(r"[^a-z0-9]", name)[-1]
