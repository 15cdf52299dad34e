"""What an execution is: how it stands, its code, machine, command, parameters, inputs and times."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from core.executions.details import details
from tui.widgets.description_view import DescriptionView
from tui.widgets.pane import Pane

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from core.executions.execution import Execution
    from data.changes import Change


LOOK_EVERY = 15.0
"""Seconds between two looks at what has not ended, although nothing happened: an estimate comes closer."""


class DetailsPane(Pane):
    """The description of an execution; lines of code and inputs lead on."""

    def __init__(self, execution: Execution) -> None:
        super().__init__()
        self._execution = execution
        self._is_outdated = False
        self._read_at = 0.0

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

    def on_changes(self, changes: Sequence[Change] | None) -> None:
        """Take note that others began or ended: the place in the queue may be another one."""
        if changes is None or any(change.kind in ("execution", "environment") for change in changes):
            self._is_outdated = True

    def on_tick(self, now: float) -> None:
        """Look again at what is not over yet: after others changed, and now and then, since time passes."""
        if not self._execution.is_final and (self._is_outdated or now - self._read_at > LOOK_EVERY):
            self._read()

    def on_description_view_followed(self, message: DescriptionView.Followed) -> None:
        """Go where the line leads."""
        self.screen_.console.go(message.address)

    def _read(self) -> None:
        self._is_outdated, self._read_at = False, time.time()
        self.screen_.work(self._load(), group="details")

    async def _load(self) -> None:
        sections = await self.screen_.read(details, self.screen_.session, self._execution)
        self.query_one(DescriptionView).sections = sections
