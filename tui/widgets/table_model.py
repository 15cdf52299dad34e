"""What a live table shows: ids in their order, all of them, and the rows of those that were looked at."""

from __future__ import annotations

import sys
from array import array
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Row = TypeVar("Row")

ID_BYTES = 8
BLOCK = 65_536
_FEW = 16
"""Removing costs a move of what follows for each id, up to here; beyond, one pass over all of them is cheaper."""


class TableModel(Generic[Row]):
    """Ids take eight bytes each; of rows, the `kept` ones used last are there, the others have to be read again."""

    def __init__(self, *, kept: int = 4_000) -> None:
        self._ids = array("q")
        self._rows: OrderedDict[int, Row] = OrderedDict()
        self._stale: set[int] = set()
        self._kept = kept

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def ids(self) -> Sequence[int]:
        """The ids in order. It is the model's own array: to be read only."""
        return self._ids

    def set_ids(self, ids: Iterable[int]) -> None:
        """Replace all ids; rows stay, since most of them come again."""
        self._ids = array("q", ids)

    def extend(self, ids: Iterable[int]) -> None:
        """Add ids at the end."""
        self._ids.extend(ids)

    def insert(self, index: int, ids: Iterable[int]) -> None:
        """Put ids before the one at `index`."""
        self._ids[index:index] = array("q", ids)

    def remove(self, ids: Iterable[int]) -> None:
        """Take ids out, and what was read of them."""
        gone = set(ids)
        if len(gone) <= _FEW:
            for key in gone:
                index = self.index_of(key)
                if index is not None:
                    del self._ids[index]
        else:
            self._ids = array("q", (key for key in self._ids if key not in gone))
        for key in gone:
            self._rows.pop(key, None)
        self._stale -= gone

    def index_of(self, key: int, *, near: int = 0, far: bool = True) -> int | None:
        """Return where an id stands, looking around `near` first, and only there unless it is looked for `far`.

        Bytes are searched, not numbers: a million ids take a few milliseconds, and nothing has to be kept for it.
        """
        around = max(0, near - 512)
        found = self._find(key, around, around + 1024)
        if found is not None or not far:
            return found
        for start in range(0, len(self._ids), BLOCK):
            found = self._find(key, start, start + BLOCK)
            if found is not None:
                return found
        return None

    def _find(self, key: int, start: int, end: int) -> int | None:
        needle = key.to_bytes(ID_BYTES, sys.byteorder, signed=True)
        block = self._ids[start:end].tobytes()
        at = block.find(needle)
        while at >= 0 and at % ID_BYTES:
            at = block.find(needle, at + 1)
        return start + at // ID_BYTES if at >= 0 else None

    def row(self, key: int) -> Row | None:
        """Return the row with this id as far as it was read, be it stale; None where it has not been."""
        row = self._rows.get(key)
        if row is not None:
            self._rows.move_to_end(key)
        return row

    def put(self, rows: Mapping[int, Row]) -> None:
        """Take rows that were read."""
        for key, row in rows.items():
            self._rows[key] = row
            self._rows.move_to_end(key)
        self._stale.difference_update(rows)
        while len(self._rows) > self._kept:
            self._stale.discard(self._rows.popitem(last=False)[0])

    def forget(self, ids: Iterable[int] | None = None) -> None:
        """Have rows read again, None: all. They are shown as they are until they were."""
        self._stale.update(self._rows if ids is None else self._rows.keys() & set(ids))

    def needs(self, key: int) -> bool:
        """Return whether the row has to be read: it never was, or it is stale."""
        return key not in self._rows or key in self._stale
