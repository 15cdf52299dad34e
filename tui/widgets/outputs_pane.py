"""The files that an execution made, while it runs and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from core.resources.address import address
from core.resources.files import FILES
from core.resources.resource import Empty, Query
from tui.widgets.empty_text import EmptyText
from tui.widgets.live_table import LiveTable
from tui.widgets.pane import Pane
from tui.widgets.table_model import TableModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from core.executions.execution import Execution
    from core.storage.files import File
    from data.changes import Change

MOST = 10_000
"""Files that are listed; where there are more, the list of files says so with this execution as its filter."""
_COLUMNS = [column for column in FILES.columns if column.key != "from" and not column.wide]


class OutputsPane(Pane):
    """A list of files."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "trace", "Trace", id="outputs.trace", tooltip="Show what was made from the file."),
        Binding("D", "download", "Download", id="outputs.download", tooltip="Copy the files to this directory."),
        Binding("c", "copy", "Copy", id="outputs.copy", show=False, tooltip="Copy the file's address for inputs."),
    ]

    def __init__(self, execution: Execution) -> None:
        super().__init__()
        self._execution = execution
        self._model: TableModel[File] = TableModel()
        self._table: LiveTable[File] = LiveTable(_COLUMNS, self._model)

    def compose(self) -> ComposeResult:
        """Yield the list and what stands in its place."""
        yield self._table
        yield EmptyText(Empty("No output yet.", "What a step writes to /valohai/outputs is kept when it ends."))

    def on_mount(self) -> None:
        """Show neither before it is known which."""
        self._table.display = self.query_one(EmptyText).display = False

    def on_shown(self) -> None:
        """Read, and take the keys."""
        self._read()
        self._table.focus()

    def on_changes(self, changes: Sequence[Change] | None) -> None:
        """Read again when files came."""
        if changes is None or any(change.kind in ("file", "execution") for change in changes):
            self._read()

    def _read(self) -> None:
        self.screen_.work(self._load(), group="outputs")

    async def _load(self) -> None:
        session, screen = self.screen_.session, self.screen_
        project = await screen.read(session.projects.by_id, self._execution.project_id)
        query = Query(project, where={"execution": str(self._execution.counter)})
        ids = await screen.read(lambda: [id_ for part in FILES.source.ids(session, query) for id_ in part][:MOST])
        if [*self._model.ids] != ids:
            self._model.set_ids(ids)
            self._table.reordered()
        had_focus = self.screen.focused is None or self._table.has_focus
        self._table.display, self.query_one(EmptyText).display = bool(ids), not ids
        if ids and had_focus and self.display:
            self._table.focus()

    async def on_live_table_needed(self, message: LiveTable.Needed) -> None:
        """Read the rows that came into sight."""
        message.stop()
        self.screen_.work(self._read_rows(message.ids), group="rows")

    async def _read_rows(self, ids: Sequence[int]) -> None:
        self._model.put(await self.screen_.read(FILES.source.rows, self.screen_.session, ids))
        self._table.refresh_rows(ids)

    def on_live_table_opened(self, message: LiveTable.Opened) -> None:
        """Show everything about the file."""
        message.stop()
        self.screen_.console.go(address("describe", "file", id=str(message.id)))

    def action_trace(self) -> None:
        """Show what was made from the file, of the execution where there is none."""
        if self._table.cursor_id is None:
            self.screen_.console.go(address("trace", execution=str(self._execution.id)))
        else:
            self.screen_.console.go(address("trace", file=str(self._table.cursor_id)))

    def action_download(self) -> None:
        """Copy the files to the directory in which the console was started."""
        self.screen_.work(self._download(self._table.selection()), group="download")

    async def _download(self, ids: Sequence[int]) -> None:
        action = next(action for action in FILES.actions if action.id == "download")
        files = await self.screen_.read(FILES.source.rows, self.screen_.session, ids)
        if action.run is not None:
            for file in files.values():
                self.screen_.console.tell(await self.screen_.long(action.run, self.screen_.session, file))

    def action_copy(self) -> None:
        """Copy the address by which an input names the file."""
        self.screen_.work(self._copy(self._table.selection()), group="copy")

    async def _copy(self, ids: Sequence[int]) -> None:
        files = await self.screen_.read(FILES.source.rows, self.screen_.session, ids)
        self.screen_.console.copy("\n".join(file.uri for file in files.values()))
