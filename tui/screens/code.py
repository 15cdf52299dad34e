"""The code of an execution, to look at: its files, and what one of them holds."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from core.errors import ConflictError
from core.projects.code_reading import code_file, code_files
from core.quantities import size
from core.resources.address import address
from core.resources.executions import EXECUTIONS
from core.resources.resource import Pair, Section
from tui.content_lines import content_lines
from tui.screens.description import found_row
from tui.screens.screen import ConsoleScreen
from tui.widgets.description_view import DescriptionView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from core.executions.execution import Execution
    from core.projects.commits import Commit
    from core.session import Session
    from tui.app import Console


class CodeScreen(ConsoleScreen):
    """The files of the code that an execution ran, or one of them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("D", "download", "Download", id="code.download", tooltip="Copy the packed code to this directory."),
        Binding("c", "copy_line", "Copy", id="code.copy", tooltip="Copy the text of this line."),
    ]

    def __init__(self, execution: Execution, name: str = "") -> None:
        super().__init__()
        self._execution = execution
        self._name = name
        self.address = address("code", *([name] if name else []), execution=str(execution.id))
        self._heading = ""
        self._view = DescriptionView()

    @property
    def heading(self) -> str:
        """Which code it is."""
        return self._heading

    def body(self) -> ComposeResult:
        """Yield the lines."""
        yield self._view

    def on_mount(self) -> None:
        """Begin to read."""
        self._view.focus()
        self.work(self._load(), group="load")

    def on_description_view_followed(self, message: DescriptionView.Followed) -> None:
        """Show what a file holds."""
        self.console.go(message.address)

    def action_copy_line(self) -> None:
        """Copy the text of the line under the cursor."""
        self.console.copy(self._view.current_text)

    def action_download(self) -> None:
        """Copy the packed code to the directory in which the console was started."""
        self.finish(self._download())

    async def _load(self) -> None:
        commit, sections = await self.long(_sections, self.session, self._execution, self._name)
        self._heading = f"#{self._execution.counter} · {commit.identifier[:16]}"
        self._view.sections = sections
        self.details_changed()

    async def _download(self) -> None:
        commit = await self.read(self.session.projects.commit_by_id, self._execution.commit_id)
        self.console.tell(f"the code was copied to {await self.long(_copied, commit, Path.cwd())}")


def _sections(session: Session, execution: Execution, name: str) -> tuple[Commit, Sequence[Section]]:
    commit = session.projects.commit_by_id(execution.commit_id)
    if name:
        return commit, [Section(name, content_lines(*code_file(commit.archive, name)))]
    files = code_files(commit.archive)
    pairs = [
        Pair(size(file.size), file.name, address("code", file.name, execution=str(execution.id))) for file in files
    ]
    return commit, [Section(f"{len(files)} files", pairs)]


def _copied(commit: Commit, directory: Path) -> Path:
    destination = directory / f"code-{commit.identifier.removeprefix('~')[:12]}.tar.gz"
    if destination.exists():
        message = f"{destination} exists already: remove it, or start the console in another directory"
        raise ConflictError(message)
    partial = destination.with_name(f".{destination.name}.partial")
    try:
        shutil.copyfile(commit.archive, partial)
        partial.rename(destination)
    finally:
        partial.unlink(missing_ok=True)
    return destination


async def code_screen(console: Console, words: Sequence[str], given: Mapping[str, str]) -> CodeScreen:
    """Return the screen of the code of the execution that an address names.

    Raises:
        NotFoundError: there is no such execution.
    """
    _, execution = await found_row(console, EXECUTIONS, [], {"id": given.get("execution", "")})
    return CodeScreen(execution, words[0] if words else "")
