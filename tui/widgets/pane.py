"""A part of a screen that is shown by a key, beside others that are hidden meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.widget import Widget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.executions.execution import Execution
    from data.changes import Change
    from tui.screens.screen import ConsoleScreen


class Pane(Widget):
    """Told what its screen is told while it is shown; reads nothing while it is hidden."""

    DEFAULT_CSS = """
    Pane { height: 1fr; width: 1fr; }
    """

    @property
    def screen_(self) -> ConsoleScreen:
        """The screen that this is a part of."""
        return cast("ConsoleScreen", self.screen)

    def on_shown(self) -> None:
        """Begin to read: the pane became visible."""

    def on_hidden(self) -> None:
        """Stop reading."""

    def execution_changed(self, execution: Execution) -> None:
        """Take the execution's row, which was read anew."""

    def on_changes(self, changes: Sequence[Change] | None) -> None:
        """Take note of what happened, None where it is too much to tell."""

    def on_commit(self) -> None:
        """Take note that something was committed."""

    def on_tick(self, now: float) -> None:
        """Take note that a second has passed."""
