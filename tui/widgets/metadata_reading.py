"""What was read of the metadata of some executions: the newest value of each key, curves, and what points add up to.

Calls that begin with `read_` are made in a lane, one after the other; the others only look at what they left.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

from core.executions.metadata_series import Series
from core.text import plain
from tui.widgets.metadata_keys import LONGEST_NAME, KeyRow

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from core.executions.execution import Execution
    from core.executions.metadata import Newest
    from core.executions.service import Executions

NUMBER, TIME = "#number", "#time"
"""What the x axis shows where it is no key."""
MOST_KEYS = 10_000
MOST_STATISTICS = 400
_SMALL = 2


class MetadataReading:
    """Keys are known by the number that the state has for them, the same in all executions."""

    def __init__(self, executions: Sequence[Execution]) -> None:
        self._executions = executions
        self._newest: list[dict[int, Newest]] = [{} for _ in executions]
        self._places = [(-1, -1) for _ in executions]
        self._curves: dict[tuple[int, int, str | None], Series] = {}
        self._statistics: OrderedDict[int, Series] = OrderedDict()
        self._symbols: dict[int, str] = {}
        self._sorted: list[int] = []
        self.names: dict[int, str] = {}
        self.known: dict[str, int] = {}

    def read_newest(self, executions: Executions) -> set[int]:
        """Read some of the newest values; return the keys that have another one, none where there is nothing new."""
        changed: set[int] = set()
        for number, execution in enumerate(self._executions):
            for newest in executions.metadata_newest(execution, self._places[number]):
                key = newest.place[1]
                self._places[number] = newest.place
                if key in self.names or len(self.names) < MOST_KEYS:
                    self._newest[number][key] = newest
                    self.names[key] = newest.key
                    self.known[newest.key] = key
                    changed.add(key)
        return changed

    def read_curve(self, executions: Executions, number: int, key: int, x_key: str | None) -> tuple[bool, bool]:
        """Read on a curve; return whether there was something new, and whether there is more."""
        series = self._curves.setdefault((key, number, x_key), Series(self.names[key], x_key))
        return self._read(executions, number, key, series)

    def read_statistics(self, executions: Executions, key: int, x_key: str | None) -> tuple[bool, bool]:
        """Read on about the points of a key of the first execution; return what `read_curve` returns.

        What stands on the x axis is not read for it: that may be a million points more for each key.
        """
        series = self.statistics(key, x_key)
        if series is None:
            series = self._statistics[key] = Series(self.names[key], most_buckets=_SMALL)
            if len(self._statistics) > MOST_STATISTICS:
                self._statistics.popitem(last=False)
        return self._read(executions, 0, key, series)

    def _read(self, executions: Executions, number: int, key: int, series: Series) -> tuple[bool, bool]:
        newest = self._newest[number].get(key)
        if newest is None or series.reached >= newest.place[0]:
            return False, False
        return True, series.read(executions, self._executions[number])

    def keep(self, curves: Collection[tuple[int, int]], x_key: str | None) -> None:
        """Forget the curves that are not among these."""
        for key, number, x in [*self._curves]:
            if (key, number) not in curves or x != x_key:
                self._curves.pop((key, number, x), None)

    def curve(self, key: int, number: int, x_key: str | None) -> Series | None:
        """Return what was read of a curve."""
        return self._curves.get((key, number, x_key))

    def statistics(self, key: int, x_key: str | None) -> Series | None:
        """Return what was read of the points of a key of the first execution, be it for its curve."""
        return self._curves.get((key, 0, x_key)) or self._statistics.get(key)

    def is_behind(self, key: int, x_key: str | None) -> bool:
        """Return whether there is more to be read about the points of a key of the first execution."""
        series, newest = self.statistics(key, x_key), self._newest[0].get(key)
        return newest is not None and (series is None or series.reached < newest.place[0])

    def ids(self, words: str) -> list[int]:
        """Return the keys whose names have these words, sorted by name."""
        if len(self._sorted) != len(self.names):
            self._sorted = sorted(self.names, key=lambda key: (self.names[key].casefold(), key))
        wanted = words.casefold().split()
        if not wanted:
            return self._sorted
        return [key for key in self._sorted if all(word in self.names[key].casefold() for word in wanted)]

    def is_common(self, key: int) -> bool:
        """Return whether all executions have this key."""
        return all(key in newest for newest in self._newest)

    def row(self, key: int) -> KeyRow:
        """Return the row of a key without what its points add up to."""
        newest = tuple(each.get(key) for each in self._newest)
        return KeyRow(plain(self.names[key], limit=LONGEST_NAME), newest, self._symbols.get(key, ""))

    def marked(self, key: int, row: KeyRow) -> KeyRow:
        """Return a row with the symbol that the key has now."""
        return replace(row, symbol=self._symbols.get(key, ""))

    def set_symbols(self, symbols: Mapping[int, str]) -> list[int]:
        """Take the symbols of the keys that are plotted; return the keys that have another one."""
        before, self._symbols = self._symbols, dict(symbols)
        return [key for key in {**before, **symbols} if before.get(key) != symbols.get(key)]

    def missing(self, key: int, number: int, x_key: str | None) -> str:
        """Return why points of a curve are not on the plot."""
        series = self.curve(key, number, x_key)
        if series is None or not series.points:
            return ""
        name = plain(self.names[key], limit=40)
        if not series.numbers:
            return f"{name} is text, which no plot shows"
        if series.not_finite:
            return f"{name}: {series.not_finite:,} of {series.points:,} values are NaN or infinite"
        return ""
