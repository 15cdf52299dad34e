"""What a search in a log has found so far: backward from where the log ended, and forward as it grows."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.executions.log_reader import Matches
    from core.executions.log_search import Needle

MOST = 1_000_000
"""Places that are kept, at eight bytes each; what has more is not looked through further."""


class LogMatches:
    """The places of lines that hold the needle, in the log's order, found in the part [start, end) of it."""

    def __init__(self, needle: Needle, place: int) -> None:
        self.needle = needle
        self.start = self.end = place
        self._before = array("Q")
        self._after = array("Q")

    def __len__(self) -> int:
        return len(self._before) + len(self._after)

    def __getitem__(self, index: int) -> int:
        before = len(self._before)
        return self._before[before - 1 - index] if index < before else self._after[index - before]

    @property
    def is_full(self) -> bool:
        """Whether so much was found that it is of no use to look further."""
        return len(self) >= MOST

    def take_before(self, found: Matches) -> None:
        """Take what was found before the part."""
        self._before.extend(reversed(found.offsets))
        self.start = found.start

    def take_after(self, found: Matches) -> None:
        """Take what was found after the part."""
        self._after.extend(found.offsets)
        self.end = found.end

    def first_from(self, offset: int) -> int:
        """Return the index of the first match that does not begin before `offset`."""
        return bisect_left(range(len(self)), offset, key=self.__getitem__)

    def index(self, offset: int) -> int | None:
        """Return the index of the match at `offset`, None where there is none."""
        at = self.first_from(offset)
        return at if at < len(self) and self[at] == offset else None
