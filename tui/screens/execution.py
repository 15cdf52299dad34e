"""One execution: what it is, its log, its metadata, its outputs, and what happened to it, each in a pane of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding
from textual.containers import Vertical

from core.errors import InvalidInputError
from core.resources.address import address
from core.resources.executions import EXECUTIONS, status_text
from tui.screens.acting import Acting
from tui.screens.description import found_row
from tui.widgets.details_pane import DetailsPane
from tui.widgets.entry_line import EntryLine
from tui.widgets.events_pane import EventsPane
from tui.widgets.outputs_pane import OutputsPane
from tui.widgets.tabs import Tabs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from core.executions.execution import Execution
    from data.changes import Change
    from tui.app import Console
    from tui.widgets.pane import Pane

PANES = ("details", "logs", "metadata", "outputs", "events")


class ExecutionScreen(Acting):
    """An execution; panes are made when they are first shown."""

    resource = EXECUTIONS

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(number), f"pane('{name}')", name, id=f"execution.{name}", show=False, tooltip=f"Show {name}.")
            for number, name in enumerate(PANES, 1)
        ),
        Binding("tab", "next_pane(1)", "Next pane", id="execution.next_pane", priority=True),
        Binding("shift+tab", "next_pane(-1)", "Pane before", id="execution.back_pane", show=False, priority=True),
        Binding("l", "pane('logs')", "Logs", id="execution.log", show=False, tooltip="Show the log."),
        Binding("t", "do('trace')", "Trace", id="execution.trace", tooltip="Show what it came from, and made."),
        Binding("r", "do('again')", "Run again", id="execution.again", tooltip="Run it again as it was."),
        Binding("R", "change", "Change and run", id="execution.change", show=False, tooltip="Run it again, changed."),
        Binding("plus", "do('raise')", "Raise", id="execution.raise", show=False, tooltip="Raise its priority."),
        Binding("minus", "do('lower')", "Lower", id="execution.lower", show=False, tooltip="Lower its priority."),
        Binding("M", "do('move')", "Move", id="execution.move", show=False, tooltip="Have it run elsewhere."),
        Binding("X", "do('stop')", "Stop", id="execution.stop", tooltip="Stop it."),
        Binding("e", "title", "Title", id="execution.edit", show=False, tooltip="Change its title in place."),
        Binding("number_sign", "tags", "Tags", id="execution.tags", show=False, tooltip="Change its tags in place."),
        Binding("y", "json", "JSON", id="execution.json", show=False, tooltip="Show it as JSON."),
    ]

    def __init__(
        self, execution: Execution, *, pane: str = "details", others: Sequence[Execution] = (), project: str = ""
    ) -> None:
        super().__init__()
        self.execution = execution
        self._project_name = project
        self._others = others
        self._shown = pane
        self._panes: dict[str, Pane] = {}

    def body(self) -> ComposeResult:
        """Yield the names of the panes, the room for the one that is shown, and the line for editing in place."""
        yield Tabs(PANES)
        yield Vertical(id="room")
        yield EntryLine()

    async def on_mount(self) -> None:
        """Show the first pane."""
        await self._show(self._shown)

    @property
    def heading(self) -> str:
        """How the execution stands."""
        return f"{self.execution.step} · {status_text(self.execution.status)}"

    @property
    def chosen_ids(self) -> Sequence[int]:
        """The execution."""
        return [self.execution.id]

    @property
    def chosen_row(self) -> Any:  # noqa: ANN401
        """The execution as it was last read."""
        return self.execution

    def refusal(self, action: str) -> str | None:
        """Return why a key cannot be used now."""
        if action in ("title", "tags"):
            return self.write_refusal("execution.edit")
        if action == "change":
            return self.write_refusal("execution.create")
        return super().refusal(action)

    # Panes.

    async def action_pane(self, name: str) -> None:
        """Show a pane."""
        await self._show(name)

    async def action_next_pane(self, by: int) -> None:
        """Show the pane beside the one that is shown."""
        await self._show(PANES[(PANES.index(self._shown) + by) % len(PANES)])

    async def _show(self, name: str) -> None:
        if (before := self._panes.get(self._shown)) is not None:
            before.display = False
            before.on_hidden()
        self._shown = name
        project = {"project": self._project_name} if self._project_name else {}
        self.address = address("execution", str(self.execution.counter), name, **project)
        pane = self._panes.get(name)
        if pane is None:
            pane = self._panes[name] = self._made(name)
            await self.query_one("#room").mount(pane)
        pane.display = True
        self.query_one(Tabs).current = name
        pane.on_shown()
        self.details_changed()

    def _made(self, name: str) -> Pane:
        if name == "logs":
            from tui.widgets.log_pane import LogPane  # noqa: PLC0415 - made when it is first shown

            return LogPane(self.execution)
        if name == "metadata":
            from tui.widgets.metadata_pane import MetadataPane  # noqa: PLC0415

            return MetadataPane(self.execution, self._others)
        return {"details": DetailsPane, "outputs": OutputsPane, "events": EventsPane}[name](self.execution)

    # What goes on.

    def on_changes(self, changes: Sequence[Change] | None) -> None:
        """Read the execution again when something happened to it; the pane that is shown hears of everything."""
        if changes is None or any(
            change.kind == "environment" or (change.kind == "execution" and change.subject == self.execution.id)
            for change in changes
        ):
            self.work(self._read_again(), group="execution")
        if self._shown in self._panes:
            self._panes[self._shown].on_changes(changes)

    def on_commit(self) -> None:
        """Let the pane that is shown look for more."""
        if self._shown in self._panes:
            self._panes[self._shown].on_commit()

    def on_tick(self, now: float) -> None:
        """Let the texts of the pane that is shown move with the clock."""
        if self._shown in self._panes:
            self._panes[self._shown].on_tick(now)

    async def _read_again(self) -> None:
        execution = await self.read(self.session.executions.by_id, self.execution.id)
        if execution == self.execution:
            return
        self.execution = execution
        for pane in self._panes.values():
            pane.execution_changed(execution)
        self.details_changed()

    # In place.

    def action_change(self) -> None:
        """Open the form for a new execution, filled from this one."""
        if reason := self.refusal("change"):
            self.console.warn(reason)
        else:
            self.console.go(address("new", copy=str(self.execution.id)))

    def action_title(self) -> None:
        """Edit the title in place."""
        self._edit("title", self.execution.title or "")

    def action_tags(self) -> None:
        """Edit the tags in place."""
        self._edit("tags", ", ".join(self.execution.tags))

    def _edit(self, what: str, value: str) -> None:
        if reason := self.refusal(what):
            self.console.warn(reason)
        else:
            self.query_one(EntryLine).open(what, value)

    def on_entry_line_entered(self, message: EntryLine.Entered) -> None:
        """Keep what was typed."""
        self.finish(self._keep(message.what, message.text))

    def on_entry_line_closed(self) -> None:
        """Return to the pane."""
        self._panes[self._shown].on_shown()

    async def _keep(self, what: str, text: str) -> None:
        if what == "title":
            await self.act(self.session.executions.set_title, self.execution, text)
        else:
            tags = [tag for part in text.split(",") if (tag := part.strip())]
            await self.act(self.session.executions.set_tags, self.execution, tags)
        self.console.tell(f"{what} kept")
        await self._read_again()


async def execution_screen(console: Console, words: Sequence[str], given: Mapping[str, str]) -> ExecutionScreen:
    """Return the screen of the execution that an address names.

    Raises:
        InvalidInputError: there is no such pane.
        NotFoundError: there is no such execution.
    """
    pane = next((word for word in words if word in PANES), "details")
    named = [word for word in words if word not in PANES]
    if len(named) > 1:
        message = f"an execution has no pane {named[1]!r}: {', '.join(PANES)}"
        raise InvalidInputError(message, field="pane")
    _, execution = await found_row(console, EXECUTIONS, named, given)
    compared = [part for part in given.get("with", "").split(",") if part.isdecimal()]
    others, project = await console.read(_around, console, execution, compared)
    return ExecutionScreen(execution, pane=pane, others=others, project=project)


def _around(console: Console, execution: Execution, compared: Sequence[str]) -> tuple[Sequence[Execution], str]:
    """Return the executions that it is compared with, and the name of its project where that is another one."""
    found = EXECUTIONS.source.rows(console.session, [int(id_) for id_ in compared])
    others = [each for id_, each in found.items() if id_ != execution.id]
    if console.project is not None and console.project.id == execution.project_id:
        return others, ""
    return others, console.session.projects.by_id(execution.project_id).name
