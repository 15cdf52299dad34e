"""How the queue and the machines of an environment were, over an hour, a day or a week."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from core.environments.samples import history
from tui.widgets.pane import Pane
from tui.widgets.plot import Plot
from tui.widgets.plot_axis import Kind
from tui.widgets.plot_picture import Axes, Curve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from core.environments.environment import Environment
    from data.changes import Change

PERIODS = {"an hour": 3600.0, "a day": 86400.0, "a week": 7 * 86400.0}
APART = 10.0
"""Seconds between two pictures of something that lasts hours."""
POINTS = 400
_KEPT = "environment.period"


class HistoryPane(Pane):
    """The queue above, the machines below: each on a scale of its own, since thousands may wait for five."""

    DEFAULT_CSS = """
    HistoryPane { layout: vertical; }
    HistoryPane > Plot { padding: 0 1 0 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "period", "Period", id="environment.period", tooltip="Show an hour, a day or a week."),
        Binding("left", "look(-1)", "Read values", id="environment.left", tooltip="Read values further left."),
        Binding(
            "right", "look(1)", "Read values", id="environment.right", show=False, tooltip="Read values further on."
        ),
        Binding(
            "backspace",
            "no_cursor",
            "No cursor",
            id="environment.no-cursor",
            show=False,
            tooltip="Take the plot's cursor away: the newest values are shown again.",
        ),
    ]

    def __init__(self, environment: Environment) -> None:
        super().__init__()
        self._environment = environment
        self._queue = Plot()
        self._machines = Plot()
        self._period = next(iter(PERIODS))
        self._read_at = 0.0
        self._is_due = False

    def compose(self) -> ComposeResult:
        """Yield the plots."""
        yield self._queue
        yield self._machines

    def on_mount(self) -> None:
        """Show the period that was chosen at the last visit."""
        kept = str(self.screen_.console.view.get(_KEPT, ""))
        self._period = kept if kept in PERIODS else self._period

    def on_shown(self) -> None:
        """Read, and take the keys."""
        self._queue.focus()
        self._begin()

    def on_changes(self, changes: Sequence[Change] | None) -> None:
        """Read again before long."""
        del changes
        self._is_due = True

    def on_tick(self, now: float) -> None:
        """Read what has come, once in a while."""
        del now
        if self._is_due and time.monotonic() - self._read_at >= APART:
            self._begin()

    def action_period(self) -> None:
        """Show the next longer period, behind the longest the shortest."""
        names = [*PERIODS]
        self._period = names[(names.index(self._period) + 1) % len(names)]
        self.screen_.console.view.put(_KEPT, self._period)
        self._begin()

    def action_look(self, by: int) -> None:
        """Move the cursor of both plots."""
        self._queue.move_cursor(by)
        self._machines.move_cursor(by)

    def action_no_cursor(self) -> None:
        """Take the cursor away."""
        self._queue.move_cursor(None)
        self._machines.move_cursor(None)

    def _begin(self) -> None:
        self._is_due, self._read_at = False, time.monotonic()
        self.screen_.work(self._read(), group="history")

    async def _read(self) -> None:
        since = time.time() - PERIODS[self._period]
        apart = 1.5 * PERIODS[self._period] / POINTS
        samples = await self.screen_.read(history, self.screen_.session, self._environment, since, POINTS)
        note = "" if samples else f"nothing was recorded within {self._period}"
        axes = Axes(self._period, Kind.CLOCK, counted=True)
        waiting = _curve("waiting", [(each.at, each.waiting) for each in samples], apart)
        self._queue.show([waiting], axes, note)
        present = _curve("present", [(each.at, each.busy + each.idle + each.starting) for each in samples], apart)
        busy = _curve("machines busy", [(each.at, each.busy) for each in samples], apart)
        self._machines.show([busy, present], replace(axes, x_title=""), note)


def _curve(label: str, points: Sequence[tuple[float, int]], apart: float) -> Curve:
    """Return a line that stays where it is until there is a new number, and ends where no scheduler told one."""
    found: list[tuple[float, float]] = []
    for at, number in points:
        if found and found[-1][1] != number and at - found[-1][0] <= apart:
            found.append((at, found[-1][1]))
        found.append((at, float(number)))
    return Curve(label, found, apart)
