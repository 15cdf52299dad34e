"""The log of an execution among its panes: the lines, where one is in them, and the line in which one searches."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from core.executions.log_reader import LogReader
from core.quantities import size
from tui.widgets.filter_line import FilterLine
from tui.widgets.log_paint import TIMES
from tui.widgets.log_status import LogStatus
from tui.widgets.log_view import LogView
from tui.widgets.pane import Pane

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from core.executions.execution import Execution


class LogPane(Pane):
    """Reads while it is shown: told that something was committed, it looks whether the log has grown."""

    DEFAULT_CSS = """
    LogPane { layout: vertical; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", id="log.search", tooltip="Look for a text in all of the log."),
        Binding("c", "copy", "Copy", id="log.copy", show=False, tooltip="Copy the line found, or those in sight."),
        Binding("S", "save", "Save", id="log.save", show=False, tooltip="Write the log to a file in this directory."),
    ]

    def __init__(self, execution: Execution) -> None:
        super().__init__()
        self._execution = execution

    def compose(self) -> ComposeResult:
        """Yield the log, its status and the search."""
        kept = self.screen_.console.view
        times = kept.get("log.times", "off")
        self._reader = LogReader(self.screen_.session, self._execution)
        self._log = LogView(
            self._reader,
            began=self._execution.started_at or self._execution.created_at,
            wrap=kept.get("log.wrap", False),
            times=next((each for each in TIMES if each == times), "off"),
        )
        self._log.empty_text = self._why_empty
        self._status = LogStatus(self._log)
        self._status.ended = self._execution.is_final
        yield self._log
        yield FilterLine()
        yield self._status

    def on_shown(self) -> None:
        """Read, and take the keys."""
        self._log.focus()
        self._log.look()

    def on_commit(self) -> None:
        """Look whether the log has grown."""
        if self.display and self.is_mounted:
            self._log.look()

    def execution_changed(self, execution: Execution) -> None:
        """Take the execution as it is now: it may have begun, or ended."""
        self._execution = execution
        self._status.ended = execution.is_final
        self._log.began = execution.started_at or execution.created_at
        self.on_commit()

    def on_tick(self, now: float) -> None:  # noqa: ARG002
        """Say it when nothing new has come for a while."""
        self._status.look_again()

    def on_log_view_moved(self, message: LogView.Moved) -> None:
        """Say where the view is now."""
        message.stop()
        self._status.look_again()

    def on_log_view_chosen(self, message: LogView.Chosen) -> None:
        """Keep how the person likes it."""
        message.stop()
        self.screen_.console.view.put("log.wrap", self._log.wrap)
        self.screen_.console.view.put("log.times", self._log.times)

    # Searching.

    def action_search(self) -> None:
        """Open the line in which to type what to look for."""
        matches = self._log.reading.matches
        self.query_one(FilterLine).open("" if matches is None else matches.needle.text)

    def on_filter_line_changed(self, message: FilterLine.Changed) -> None:
        """Look for what was typed."""
        message.stop()
        self._log.search(message.text)

    def on_filter_line_closed(self, message: FilterLine.Closed) -> None:
        """Give the keys back to the log."""
        message.stop()
        self._log.focus()

    # Taking it elsewhere.

    def action_copy(self) -> None:
        """Copy the line that was found and is in sight, else all that are in sight."""
        found = [row.line.text for row in self._log.window.visible if row.line.offset == self._log.reading.found]
        lines = found[:1] or self._log.page()
        if lines:
            self.screen_.console.copy("\n".join(lines))

    def action_save(self) -> None:
        """Write the whole log to a new file in the current directory."""
        self.screen_.work(self._save(), group="log-save")

    async def _save(self) -> None:
        name = f"{re.sub(r'[^A-Za-z0-9_-]+', '-', self._execution.step)}-{self._execution.counter}"
        path, written = await self.screen_.long(self._reader.save, Path.cwd(), name)
        self.screen_.console.tell(f"The log is in {path} ({size(written)})")

    def _why_empty(self) -> str:
        reading, execution = self._log.reading, self._execution
        if reading.state.missing:
            return f"the file of this log is gone: {self._reader.path} — `shoal doctor` says what else is missing"
        if reading.place is not None or reading.window.start > 0 or reading.window.end < reading.state.size:
            return "reading…"
        if reading.state.size:
            return f"no line of {reading.streams[0]} — o shows another stream"
        if execution.is_final:
            return f"nothing was printed — {execution.status}: {execution.reason}"
        if execution.status in ("created", "queued"):
            return f"not started yet — {execution.reason}"
        return "no output yet — the container has not printed anything"
