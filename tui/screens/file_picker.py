"""The files of a project, from which some are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.resources.files import FILES
from core.resources.resource import Query
from tui.screens.resource_list import ResourceList

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from core.projects.service import Project
    from core.storage.files import File
    from tui.app import Console


class FilePicker(ResourceList):
    """The list of files as it is everywhere; enter takes the marked ones, or this one, and goes back."""

    resource = FILES

    def __init__(self, project: Project, input_name: str, taken: Callable[[Sequence[File]], None]) -> None:
        super().__init__(Query(project))
        self._input_name = input_name
        self._taken = taken

    @property
    def heading(self) -> str:
        """What enter does, and how many files there are."""
        marked = len(self._table.marks)
        what = f"the {marked} marked" if marked else "this file"
        return f"enter takes {what} · {super().heading}"

    def composed_address(self, console: Console) -> str:  # noqa: ARG002 - the same everywhere
        """Return what is done here; no address leads to it, so that nobody is led here who goes to the files."""
        return f"files for {self._input_name}"

    async def _open(self, id_: int) -> None:
        ids = self.chosen_ids or [id_]
        found = await self.read(self.resource.source.rows, self.session, ids)
        files = [found[each] for each in ids if each in found]
        if not files:
            self.console.warn("the file is gone")
            return
        self._taken(files)
        self.console.back()
