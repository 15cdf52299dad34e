"""The files that an execution made, while it runs and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import Binding
from textual.widgets import Static

from core.resources.address import address
from core.resources.files import FILES
from core.resources.resource import Empty, Query
from tui.widgets.empty_text import EmptyText
from tui.widgets.live_table import LiveTable
from tui.widgets.pane import Pane
from tui.widgets.table_model import TableModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from core.executions.execution import Execution
    from core.projects.service import Project
    from core.storage.files import File
    from data.changes import Change
    from tui.screens.acting import Acting

MOST = 10_000
"""Files that are listed; where there are more, the list of files says so with this execution as its filter."""
_COLUMNS = [column for column in FILES.columns if column.key != "from" and not column.wide]


class OutputsPane(Pane):
    """A list of files."""

    DEFAULT_CSS = """
    OutputsPane > #more { height: 1; color: $text-muted; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "look", "Open", id="outputs.open", tooltip="Look at what the file holds."),
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
        yield Static("", id="more", markup=False)
        yield EmptyText(Empty("No output yet.", "What a step writes to /valohai/outputs is kept when it ends."))

    def on_mount(self) -> None:
        """Show neither before it is known which."""
        self._table.display = self.query_one(EmptyText).display = self.query_one("#more").display = False

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
        project = await self.screen_.read(self.screen_.session.projects.by_id, self._execution.project_id)
        query = Query(project, where={"execution": str(self._execution.counter)})
        ids = await self._ids(query)
        is_cut = len(ids) > MOST
        del ids[MOST:]
        if [*self._model.ids] != ids:
            self._model.set_ids(ids)
            self._table.reordered()
        more = self.query_one("#more", Static)
        more.display = is_cut
        if is_cut:
            more.update(f"these are {MOST:,}: `{self._address(project)}` lists all")
        had_focus = self.screen.focused is None or self._table.has_focus
        self._table.display, self.query_one(EmptyText).display = bool(ids), not ids
        if ids and had_focus and self.display:
            self._table.focus()

    async def _ids(self, query: Query) -> list[int]:
        """Return the files' ids, one more than are listed where there are more."""
        screen = self.screen_
        parts = await screen.listing(FILES.source.ids, screen.session, query)
        ids: list[int] = []
        while len(ids) <= MOST and (part := await screen.listing(_next, parts)) is not None:
            ids.extend(part)
        return ids[: MOST + 1]

    def _address(self, project: Project) -> str:
        given = {"execution": str(self._execution.counter)}
        here = self.screen_.console.project
        return address("files", **given, **({} if here == project else {"project": project.name}))

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

    def action_look(self) -> None:
        """Look at what the file holds."""
        if self._table.cursor_id is not None:
            self.screen_.console.go(address("open", id=str(self._table.cursor_id)))

    def action_trace(self) -> None:
        """Show what was made from the file, of the execution where there is none."""
        if self._table.cursor_id is None:
            self.screen_.console.go(address("trace", execution=str(self._execution.id)))
        else:
            self.screen_.console.go(address("trace", file=str(self._table.cursor_id)))

    def action_download(self) -> None:
        """Copy the files to the directory in which the console was started."""
        self.screen_.finish(self._download(cast("Acting", self.screen), self._table.selection()))

    async def _download(self, screen: Acting, ids: Sequence[int]) -> None:
        action = next(action for action in FILES.actions if action.id == "download")
        files = await screen.read(FILES.source.rows, screen.session, ids)
        await screen.carry_out(action, [*files.values()])

    def action_copy(self) -> None:
        """Copy the address by which an input names the file."""
        self.screen_.work(self._copy(self._table.selection()), group="copy")

    async def _copy(self, ids: Sequence[int]) -> None:
        files = await self.screen_.read(FILES.source.rows, self.screen_.session, ids)
        self.screen_.console.copy("\n".join(file.uri for file in files.values()))


def _next(parts: Iterator[Sequence[int]]) -> Sequence[int] | None:
    return next(parts, None)
