"""What happened to an execution, in the order in which it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.quantities import iso_time
from core.resources.resource import Pair, Section
from tui.widgets.description_view import DescriptionView
from tui.widgets.pane import Pane

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from core.executions.execution import Execution
    from data.changes import Change


class EventsPane(Pane):
    """Times and events."""

    def __init__(self, execution: Execution) -> None:
        super().__init__()
        self._execution = execution

    def compose(self) -> ComposeResult:
        """Yield the lines."""
        yield DescriptionView()

    def on_shown(self) -> None:
        """Read, and take the keys."""
        self.query_one(DescriptionView).focus()
        self.screen_.work(self._load(), group="events")

    def on_changes(self, changes: Sequence[Change] | None) -> None:
        """Read again when something happened to the execution."""
        if changes is None or any(change.subject == self._execution.id for change in changes):
            self.screen_.work(self._load(), group="events")

    async def _load(self) -> None:
        events = await self.screen_.read(self.screen_.session.executions.events, self._execution)
        pairs = [Pair(iso_time(event.at), ": ".join(filter(None, (event.kind, event.message)))) for event in events]
        self.query_one(DescriptionView).sections = [Section("", pairs)]
