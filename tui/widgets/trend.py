"""The last hour of an environment in one line: what waited, and how many machines were busy."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text

from core.environments.samples import history
from tui.widgets.bar import Bar
from tui.widgets.sparkline import sparkline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.environments.environment import Environment
    from core.environments.samples import Sample
    from core.session import Session

HOUR = 3600.0
APART = 30.0
"""Seconds between two looks at it."""
POINTS = 60
_LABELS = ("last hour: waiting ", "   busy ")


class Trend(Bar):
    """Two rows of bars, each on a scale of its own; the numbers at their ends are the highest."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"trend--label", "trend--waiting", "trend--busy"}
    DEFAULT_CSS = """
    Trend > .trend--label { color: $text-muted; }
    Trend > .trend--waiting { color: $text-warning; }
    Trend > .trend--busy { color: $text-primary; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._samples: Sequence[Sample | None] = ()
        self._read_at = 0.0

    @property
    def is_due(self) -> bool:
        """Whether it was not read for a while."""
        return time.monotonic() - self._read_at >= APART

    def begin(self) -> None:
        """Take note that it is being read."""
        self._read_at = time.monotonic()

    def take(self, samples: Sequence[Sample | None]) -> None:
        """Show one sample for each minute, None where nothing is known."""
        self._samples = samples
        self.look_again()

    def line(self, width: int) -> Text:
        """Return both rows of bars in what room there is."""
        text = Text(" ", no_wrap=True, end="", overflow="ellipsis")
        if not any(self._samples):
            return text.append("last hour: nothing was recorded", self.get_component_rich_style("trend--label"))
        room = max(8, (width - sum(map(len, _LABELS)) - 20) // 2)
        for name, label in zip(("waiting", "busy"), _LABELS, strict=True):
            values = [None if each is None else float(getattr(each, name)) for each in self._samples]
            top = max(value for value in values if value is not None)
            text.append(label, self.get_component_rich_style("trend--label"))
            text.append(sparkline(_fitted(values, room)), self.get_component_rich_style(f"trend--{name}"))
            text.append(f" ≤ {top:,.0f}", self.get_component_rich_style("trend--label"))
        text.truncate(width, overflow="ellipsis")
        return text


def last_hour(session: Session, environment: Environment) -> Sequence[Sample | None]:
    """Return how an environment stood in each minute of the last hour."""
    since = time.time() - HOUR
    found: list[Sample | None] = [None] * POINTS
    for sample in history(session, environment, since, POINTS):
        found[min(POINTS - 1, max(0, round((sample.at - since) / HOUR * POINTS)))] = sample
    return found


def _fitted(values: Sequence[float | None], width: int) -> Sequence[float | None]:
    """Return the most of what shares a character, where there are fewer characters than values."""
    if width >= len(values):
        return values
    shares = [values[at * len(values) // width : (at + 1) * len(values) // width] for at in range(width)]
    return [max((value for value in share if value is not None), default=None) for share in shares]
