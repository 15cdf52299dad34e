"""Where two lines differ, so that no more than that is drawn."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from rich.segment import Segment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.strip import Strip


def difference(old: Strip, new: Strip) -> tuple[int, int] | None:
    """Return from which cell to which two lines of the same width differ, None where they do not."""
    if old == new:
        return None
    start = _alike([*old], [*new])
    end = new.cell_length - _alike(_turned(old), _turned(new))
    return start, max(end, start + 1)


def _turned(strip: Strip) -> Sequence[Segment]:
    """Return the pieces from the last to the first, each with its text the other way round."""
    return [Segment(segment.text[::-1], segment.style) for segment in reversed(strip)]


def _alike(old: Sequence[Segment], new: Sequence[Segment]) -> int:
    """Return how many cells the pieces take with which both begin, and the spaces with which the next ones do."""
    pairs = [*zip(old, new, strict=False)]
    same = [*takewhile(lambda pair: pair[0] == pair[1], pairs)]
    taken = sum(segment.cell_length for segment, _ in same)
    if len(same) == len(pairs) or pairs[len(same)][0].style != pairs[len(same)][1].style:
        return taken
    return taken + min(_blank(segment.text) for segment in pairs[len(same)])


def _blank(text: str) -> int:
    """Return how many spaces a text begins with."""
    return len(text) - len(text.lstrip(" "))
