"""What a file holds, to look at without copying it anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from core.quantities import size
from core.resources.address import address
from core.resources.files import FILES
from core.resources.resource import Section
from tui.content_lines import MOST, content_lines
from tui.screens.description import found_row
from tui.screens.screen import ConsoleScreen
from tui.widgets.description_view import DescriptionView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from core.session import Session
    from core.storage.files import File
    from tui.app import Console


class FileContent(ConsoleScreen):
    """The first lines of a file."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy_line", "Copy", id="content.copy", tooltip="Copy the text of this line."),
    ]

    def __init__(self, file: File) -> None:
        super().__init__()
        self._file = file
        self.address = address("open", file.uuid)
        self._view = DescriptionView()

    @property
    def heading(self) -> str:
        """Which file it is."""
        return f"{self._file.name} · {size(self._file.size)}"

    def body(self) -> ComposeResult:
        """Yield the lines."""
        yield self._view

    def on_mount(self) -> None:
        """Begin to read."""
        self._view.focus()
        self.work(self._load(), group="load")

    def action_copy_line(self) -> None:
        """Copy the text of the line under the cursor."""
        self.console.copy(self._view.current_text)

    async def _load(self) -> None:
        content = await self.long(_beginning, self.session, self._file)
        self._view.sections = [Section("", content_lines(content, self._file.size))]


def _beginning(session: Session, file: File) -> bytes:
    with session.files.path(file).open("rb") as stream:
        return stream.read(MOST)


async def file_content_screen(console: Console, words: Sequence[str], given: Mapping[str, str]) -> FileContent:
    """Return the screen of the file that an address names.

    Raises:
        NotFoundError: there is no such file.
    """
    _, file = await found_row(console, FILES, words, given)
    return FileContent(file)
