"""What an execution is: how it stands, its code, machine, command, parameters, inputs and times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.executions.details import details
from tui.widgets.description_view import DescriptionView
from tui.widgets.pane import Pane

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from core.executions.execution import Execution


class DetailsPane(Pane):
    """The description of an execution; lines of code and inputs lead on."""

    def __init__(self, execution: Execution) -> None:
        super().__init__()
        self._execution = execution

    def compose(self) -> ComposeResult:
        """Yield the lines."""
        yield DescriptionView()

    def on_shown(self) -> None:
        """Read, and take the keys."""
        self.query_one(DescriptionView).focus()
        self._read()

    def execution_changed(self, execution: Execution) -> None:
        """Show the execution as it is now."""
        self._execution = execution
        if self.display:
            self._read()

    def on_description_view_followed(self, message: DescriptionView.Followed) -> None:
        """Go where the line leads."""
        self.screen_.console.go(message.address)

    def _read(self) -> None:
        self.screen_.work(self._load(), group="details")

    async def _load(self) -> None:
        sections = await self.screen_.read(details, self.screen_.session, self._execution)
        self.query_one(DescriptionView).sections = sections
