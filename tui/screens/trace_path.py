"""How one file or execution came from another: the shortest path, from the earlier one down to the later one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.lineage_path import lineage_path
from core.lineage_reference import reference_words
from core.resources.address import address
from tui.lanes import Lane
from tui.screens.lineage import LineageScreen
from tui.widgets.lineage_rows import LineageRows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.lineage_node import LineageNode, NodeKey
    from core.projects.service import Project
    from core.session import Session
    from tui.app import Console


class PathScreen(LineageScreen):
    """Each line is what was made from the line above it."""

    def __init__(self, nodes: Sequence[LineageNode], address: str) -> None:
        super().__init__()
        self._path = nodes
        self.address = address

    @property
    def heading(self) -> str:
        """How long the path is."""
        steps = len(self._path) - 1
        return "a path of one step" if steps == 1 else f"a path of {steps} steps"

    async def load(self) -> None:
        """Show the path, which is there already."""
        self._tree.show(LineageRows.of_path(self._path))
        self.details_changed()


async def path_screen(console: Console, one: NodeKey, other: NodeKey) -> PathScreen:
    """Return the path between two nodes.

    Raises:
        ShoalError: there is none.
    """
    nodes = await console.lanes.run(Lane.LONG, lineage_path, console.session, one, other)
    ends = [(node.kind, node.id) for node in (nodes[0], nodes[-1])]
    return PathScreen(nodes, await console.read(_address, console.session, console.project, *ends))


def _address(session: Session, project: Project | None, one: NodeKey, other: NodeKey) -> str:
    first, second = reference_words(session, project, one), reference_words(session, project, other)
    elsewhere = [word for word in first if word.startswith("project=")]
    return address("trace", *(word for word in first if word not in elsewhere), "to", *second)
