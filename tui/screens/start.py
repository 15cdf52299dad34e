"""The first steps: the demo, or a project of one's own; from nothing to a finished execution and its trace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.resources.address import address
from core.resources.executions import status_text, tone
from core.resources.resource import Pair, Section, Tone
from tui.screens.screen import ConsoleScreen
from tui.widgets.description_view import DescriptionView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from core.demo import Demo
    from core.executions.execution import Execution
    from core.projects.linking import Linked
    from data.changes import Change

MANIFEST = "valohai.yaml"
DEMO_DIRECTORY = "shoal-demo"


class Start(ConsoleScreen):
    """What somebody can begin with, and how the demo goes on once it was begun."""

    address = "start"

    def __init__(self, directory: Path | None = None) -> None:
        super().__init__()
        self._directory = (directory or Path.cwd()).absolute()
        self._view = DescriptionView()
        self._demo: Demo | None = None
        self._told: list[str] = []
        self._executions: list[Execution] = []
        self._is_starting = False

    def body(self) -> ComposeResult:
        """Yield the lines."""
        yield self._view

    def on_mount(self) -> None:
        """Show what there is to begin with."""
        self._view.focus()
        self._view.sections = [Section("Welcome to Shoal", [*_welcome()]), Section("Begin with", self._beginnings())]
        self._view.to_link()

    def _beginnings(self) -> Sequence[Pair]:
        manifest = self._directory / MANIFEST
        if manifest.exists():
            own = Pair("this project", f"{manifest}: link it and start a step of it", "here")
        else:
            own = Pair("this directory", f"{self._directory}: link it, with a first {MANIFEST} that runs", "here")
        demo = Pair("the demo", f"learn to tell penguins apart: three steps, in {self._demo_directory}", "demo")
        return [own, demo] if manifest.exists() else [demo, own]

    @property
    def _demo_directory(self) -> Path:
        return self._directory / DEMO_DIRECTORY

    def on_description_view_followed(self, message: DescriptionView.Followed) -> None:
        """Begin, or go where a line leads."""
        if message.address not in ("here", "demo"):
            self.console.go(message.address)
        elif reason := self.write_refusal("project.create"):
            self.console.warn(reason)
        elif message.address == "here":
            self.finish(self._link())
        elif self._demo is None:
            self.finish(self._begin_demo())

    # A project of one's own.

    async def _link(self) -> None:
        from core.projects.linking import link_directory  # noqa: PLC0415 - at the first visit only

        linked: Linked = await self.act(link_directory, self.session, self._directory)
        self.console.project = linked.project
        made = f", and {linked.manifest.name} was written" if linked.manifest else ""
        self.console.tell(f"{self._directory} is linked to {linked.project.name}{made}")
        if self.console.shown_screen is self:
            self.console.go("new")

    # The demo.

    async def _begin_demo(self) -> None:
        from core.demo import Demo  # noqa: PLC0415 - at the first visit only

        if self._demo is not None:
            return
        self._demo = Demo(self.session, self._demo_directory)
        self._tell("setting the demo up")
        try:
            await self.long(self._demo.set_up, self._report)
        except Exception:
            self._demo = None
            raise
        self.console.project = self._demo.project
        await self.console.scheduler.start()
        await self._next()

    def _report(self, text: str) -> None:
        # Called in the lane's thread.
        self.console.call_from_thread(self._tell, text)

    def _tell(self, text: str) -> None:
        self._told.append(text)
        self._show()

    async def _next(self) -> None:
        """Start the next step of the demo, if the one before is complete."""
        from core.demo import STEPS  # noqa: PLC0415 - at the first visit only

        if self._is_starting or self._demo is None or len(self._executions) == len(STEPS):
            return
        if self._executions and self._executions[-1].status != "complete":
            return
        self._is_starting = True
        try:
            self._executions.append(await self.act(self._demo.start, STEPS[len(self._executions)]))
        finally:
            self._is_starting = False
        self._show()
        if self.is_attached:
            self.work(self._look(), group="look")  # it may have gone on before it was known here

    def on_changes(self, changes: Sequence[Change] | None) -> None:
        """Look how the demo's executions stand."""
        if self._executions and (changes is None or any(change.kind == "execution" for change in changes)):
            self.work(self._look(), group="look")

    async def _look(self) -> None:
        last = self._executions[-1]
        self._executions[-1] = await self.read(self.session.executions.by_id, last.id)
        self._show()
        if not last.is_final and self._executions[-1].is_final:
            self.finish(self._next())

    def _show(self) -> None:
        if not self.is_attached:
            return
        steps = [
            Pair(
                f"#{execution.counter} {execution.step}",
                f"{status_text(execution.status)}{_why(execution)}",
                address("execution", "logs", id=str(execution.id)),
                tone(execution),
            )
            for execution in self._executions
        ]
        sections = [
            Section("The demo", [Pair("·", text, tone=Tone.DIM) for text in self._told]),
            Section("Executions (enter opens the log)", steps),
            Section("Next", self._endings()),
        ]
        self._view.sections = [section for section in sections if section.pairs]

    def _endings(self) -> Sequence[Pair]:
        from core.demo import STEPS  # noqa: PLC0415 - at the first visit only

        if not self._executions or not self._executions[-1].is_final:
            return []
        last = self._executions[-1]
        if last.status != "complete":
            return [Pair("the log", "says what went wrong", address("execution", "logs", id=str(last.id)))]
        if len(self._executions) < len(STEPS):
            return []
        return [
            Pair("its trace", "where the last file came from, up to the raw data", _trace(last)),
            Pair("metadata", "what the training reported, as a table and a plot", _metadata(self._executions[1])),
            Pair("all executions", "the list, which is live", "executions"),
            Pair("a step again", "with other values, in a form", "new"),
        ]


def _welcome() -> Sequence[Pair]:
    return [
        Pair("", "Shoal runs the steps of a valohai.yaml in Docker on your own machines."),
        Pair("", "It remembers what every file came from."),
        Pair("", "enter begins with what the cursor stands on; : goes to a place, ? shows the keys, :q leaves."),
    ]


def _trace(execution: Execution) -> str:
    return address("trace", execution=str(execution.id))


def _metadata(execution: Execution) -> str:
    return address("execution", "metadata", id=str(execution.id))


def _why(execution: Execution) -> str:
    return f" — {execution.reason}" if execution.reason and execution.status != "complete" else ""
