"""What a trace and a path have in common: a tree of nodes, the details of one beside it, what is done with a node."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal

from core.lineage_children import lineage_nodes
from core.lineage_details import describe_node, describe_source
from core.resources.address import address
from core.resources.executions import EXECUTIONS
from tui.screens.screen import ConsoleScreen
from tui.widgets.description_view import DescriptionView
from tui.widgets.filter_line import FilterLine
from tui.widgets.lineage_tree import LineageTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from core.lineage_node import NodeKey
    from core.resources.resource import Section
    from core.session import Session
    from data.changes import Change
    from tui.widgets.lineage_rows import Row

WIDE = 100
"""Columns from which the details stand beside the tree."""
PAUSE = 0.08
"""Seconds that the cursor has to stay on a node for its details to be read."""
CHUNK = 500
"""Executions that are read at once."""

_NO_NODE = "there is no file or execution on this line"


class LineageScreen(ConsoleScreen):
    """Nodes of the graph of files and executions."""

    DEFAULT_CSS = """
    LineageScreen #details { width: 42%; max-width: 64; display: none; border-left: solid $panel; }
    LineageScreen.-wide #details { display: block; }
    LineageScreen.-wide.-toggled #details { display: none; }
    LineageScreen.-narrow.-toggled #details { display: block; width: 1fr; max-width: 100%; border-left: none; }
    LineageScreen.-narrow.-toggled LineageTree { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "trace", "Trace", id="lineage.trace", tooltip="Make this node the root of a trace of its own."),
        Binding("d", "details", "Details", id="lineage.details", tooltip="Show or hide what is known of the node."),
        Binding("l", "logs", "Logs", id="lineage.logs", show=False, tooltip="Read the execution's log."),
        Binding("r", "again", "Run again", id="lineage.again", tooltip="Run the execution again as it was."),
        Binding(
            "c", "copy", "Copy", id="lineage.copy", tooltip="Copy datum://…, the number or the address of the node."
        ),
        Binding("slash", "search", "Search", id="lineage.search", tooltip="Search among the nodes that are loaded."),
        Binding("n", "again_found(1)", "Next", id="lineage.next", show=False, tooltip="Go to the next that was found."),
        Binding(
            "N", "again_found(-1)", "Before", id="lineage.previous", show=False, tooltip="Go to the one found before."
        ),
        Binding("escape", "leave", "Back", id="lineage.leave", tooltip="Back to the tree, or to where you came from."),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._tree = LineageTree()
        self._details = DescriptionView()
        self._details.id = "details"
        self._searched = ""
        self._changed: set[int] = set()
        """Executions that became others and are not drawn again yet."""

    def body(self) -> ComposeResult:
        """Yield the tree, the details beside it, and the line for a search."""
        with Horizontal():
            yield self._tree
            yield self._details
        yield FilterLine()

    def on_mount(self) -> None:
        """Begin to read."""
        self._tree.focus()
        self.work(self.load(), group="load")

    async def load(self) -> None:
        """Read what is shown first."""
        raise NotImplementedError

    def on_resize(self) -> None:
        """Let the details stand beside the tree where there is room."""
        self.set_class(self.size.width >= WIDE, "-wide")
        self.set_class(self.size.width < WIDE, "-narrow")

    # What the tree says.

    def on_lineage_tree_moved(self, message: LineageTree.Moved) -> None:
        """Show the details of the node, if the cursor stays."""
        self.work(self._describe(message.row), group="details")
        self.details_changed()

    def on_lineage_tree_opened(self, message: LineageTree.Opened) -> None:
        """Open the node in full."""
        if (key := message.row.key) is None:
            self.console.warn("what lies outside is not opened here: c copies its address")
        else:
            self.console.go(address(key[0], id=str(key[1])))

    async def _describe(self, row: Row) -> None:
        await asyncio.sleep(PAUSE)
        sections = await self.read(_sections, self.session, row, time.time())
        if row is self._tree.current:
            self._details.sections = sections

    def on_description_view_followed(self, message: DescriptionView.Followed) -> None:
        """Go where the line leads."""
        self.console.go(message.address)

    # What happens elsewhere.

    def on_changes(self, changes: Sequence[Change] | None) -> None:
        """Draw the executions again that became others."""
        if self._tree.rows is None:
            return
        shown = self._tree.rows.executions
        changed = shown if changes is None else shown & {each.subject for each in changes if each.kind == "execution"}
        if changed:
            self._changed |= changed
            self.work(self._update(), group="update")

    async def _update(self) -> None:
        """Draw what changed; should a newer one take its place, that one does what is left."""
        while ids := sorted(self._changed)[:CHUNK]:
            self._tree.update(await self.read(lineage_nodes, self.session, "execution", ids))
            self._changed.difference_update(ids)
            row = self._tree.current
            if row is not None and row.key is not None and row.key[0] == "execution" and row.key[1] in ids:
                self.work(self._describe(row), group="details")

    # Keys.

    def refusal(self, action: str) -> str | None:
        """Return why a key cannot be used on this line."""
        row = self._tree.current
        key = None if row is None else row.key
        if action in ("trace", "mark") and key is None:
            return _NO_NODE
        if action == "copy" and (row is None or row.node is None):
            return _NO_NODE
        if action in ("again", "logs"):
            return self._execution_refusal(key, action)
        if action.startswith("again_found") and not self._searched:
            return "nothing was searched for yet: / searches"
        return super().refusal(action)

    def _execution_refusal(self, key: NodeKey | None, action: str) -> str | None:
        if key is None or key[0] != "execution":
            what = "can be run again" if action == "again" else "has a log"
            return f"only an execution {what}"
        if action == "again":
            return self.write_refusal("execution.create")
        return None

    def _key_for(self, action: str) -> NodeKey | None:
        """Return the node for an action, None after telling why it cannot be done."""
        if reason := self.refusal(action):
            self.console.warn(reason)
            return None
        row = self._tree.current
        return None if row is None else row.key

    def action_trace(self) -> None:
        """Open a trace of this node."""
        if key := self._key_for("trace"):
            self.console.go(address("trace", **{key[0]: str(key[1])}))

    def action_logs(self) -> None:
        """Open the log of the execution."""
        if key := self._key_for("logs"):
            self.console.go(address("execution", "logs", id=str(key[1])))

    def action_again(self) -> None:
        """Run the execution again."""
        if key := self._key_for("again"):
            self.finish(self._run_again(key[1]))

    async def _run_again(self, id_: int) -> None:
        again = next(each for each in EXECUTIONS.actions if each.id == "again")
        execution = await self.read(self.session.executions.by_id, id_)
        assert again.run is not None  # noqa: S101 - it is an action that does something
        self.console.tell(await self.act(again.run, self.session, execution))

    def action_copy(self) -> None:
        """Copy what names the node."""
        if reason := self.refusal("copy"):
            self.console.warn(reason)
        elif (row := self._tree.current) is not None and row.node is not None:
            self.console.copy(row.node.reference)

    def action_details(self) -> None:
        """Show the details, or hide them; below `WIDE` columns they stand in the tree's place."""
        self.toggle_class("-toggled")
        in_place = self.has_class("-toggled") and self.has_class("-narrow")
        (self._details if in_place else self._tree).focus()

    def action_leave(self) -> None:
        """Go back to the tree, where the details stand in its place, else to where the person came from."""
        if self.has_class("-narrow") and self.has_class("-toggled"):
            self.action_details()
        else:
            self.console.back()

    # Searching.

    def action_search(self) -> None:
        """Open the line for what is searched."""
        self.query_one(FilterLine).open(self._searched)

    def on_filter_line_changed(self, message: FilterLine.Changed) -> None:
        """Go to the first node that has the text."""
        self._searched = message.text
        self._find(0)

    def on_filter_line_closed(self) -> None:
        """Give the keys back to the tree."""
        self._tree.focus()
        self.details_changed()

    def action_again_found(self, step: int) -> None:
        """Go to the next node that has the text, or to the one before."""
        if reason := self.refusal("again_found"):
            self.console.warn(reason)
        else:
            self._find(step)

    def _find(self, step: int) -> None:
        if self._searched and not self._tree.find(self._searched, step):
            self.console.warn(f"nothing that is loaded here has {self._searched!r}")


def _sections(session: Session, row: Row, now: float) -> Sequence[Section]:
    """Return what is known of a row's node, or of the node whose branch or further children the row stands for."""
    if row.key is not None:
        return describe_node(session, row.key, now)
    above = row.parent
    while above is not None and above.key is None:
        above = above.parent
    if above is None or above.key is None:
        return []
    if row.node is None:
        return describe_node(session, above.key, now)
    return describe_source(session, above.key[1], row.place)
