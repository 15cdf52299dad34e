"""Finding one's place again in a list that has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.widgets.table_model import TableModel

_FOLLOWING = 32


@dataclass(frozen=True, slots=True)
class Place:
    """What was where when the list was last seen: its first visible row, the cursor, the ids in sight and behind it."""

    top: int = 0
    cursor: int = 0
    visible: Sequence[int] = ()
    following: Sequence[int] = ()
    length: int = 0

    @classmethod
    def of(cls, model: TableModel[Any], top: int, cursor: int, height: int) -> Place:
        """Return the place in a list as it is."""
        ids = model.ids
        return cls(top, cursor, ids[top : top + height], ids[cursor + 1 : cursor + 1 + _FOLLOWING], len(ids))

    @property
    def shows_cursor(self) -> bool:
        """Whether the cursor was in sight."""
        return self.top <= self.cursor < self.top + len(self.visible)

    def cursor_now(self, model: TableModel[Any], key: int | None) -> int:
        """Return where the cursor belongs: on its row, or on the first behind it that is left, or about there."""
        expected = self.cursor + (len(model) - self.length if self.top else 0)
        if key is not None and (index := model.index_of(key, near=expected)) is not None:
            return index
        for following in self.following:
            if (index := model.index_of(following, near=expected, far=False)) is not None:
                return index
        return max(0, min(self.cursor, len(model) - 1))

    def top_now(self, model: TableModel[Any], cursor: int) -> int:
        """Return the first row to show: what was looked at stays where it is, unless that was the list's top."""
        if self.top == 0:
            return 0
        if self.shows_cursor:
            return cursor - (self.cursor - self.top)
        expected = self.top + len(model) - self.length
        for offset, key in enumerate(self.visible):
            if (index := model.index_of(key, near=expected, far=False)) is not None:
                return index - offset
        return self.top
