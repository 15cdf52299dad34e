"""How far something is that takes long, as it is told to whoever asked for it."""

from __future__ import annotations

from collections.abc import Callable

from core.quantities import duration, size

Progress = Callable[[str, int, int], None]
"""Takes what is being done, its bytes done and its bytes in all, as often as there is something to tell."""

SURE = 0.02
"""The part that has to be done before the time that is left is told."""


def not_told(_what: str, _done: int, _total: int) -> None:
    """Take a progress that nobody looks at."""


def amounts(done: int, total: int, seconds: float) -> str:
    """Return how much is done of something that began so many seconds ago: `412.0 of 900.0 MB, 38 s left`."""
    (value, unit), whole = size(done).split(" "), size(total)
    text = f"{value if whole.endswith(f' {unit}') else f'{value} {unit}'} of {whole}"
    share = min(1.0, done / total) if total > 0 else 0.0
    if share < SURE or share >= 1.0 or seconds < 1:
        return text
    return f"{text}, {duration(round(seconds / share - seconds)).replace('.0 s', ' s')} left"
