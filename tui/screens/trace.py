"""Where a file or an execution came from and what came from it: a tree that opens both ways."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.binding import Binding

from core.lineage_children import PAGE, ChildPage, children, lineage_node
from core.lineage_reference import reference_words, resolve
from core.resources.address import address
from tui.screens.lineage import LineageScreen
from tui.widgets.lineage_rows import LineageRows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.binding import BindingType

    from core.lineage_export import Format
    from core.lineage_node import Kind, LineageNode, NodeKey, Way
    from core.projects.service import Project
    from core.session import Session
    from data.changes import Change
    from tui.app import Console
    from tui.screens.screen import ConsoleScreen
    from tui.widgets.lineage_rows import Row, Side
    from tui.widgets.lineage_tree import LineageTree

LOOK_EVERY = 2.0
"""Seconds between two looks whether there are new nodes: each reads all that is unfolded."""
UNFOLDED = 3
"""Levels that are unfolded by themselves where a node has one child only."""
EXPORTED_DEPTH = 20

_SIDES: dict[Side, str] = {"both": "both ways", "up": "what it came from", "down": "what came from it"}
_FORMATS: tuple[tuple[Format, str, str], ...] = (
    ("dot", "DOT", "for Graphviz"),
    ("mermaid", "Mermaid", "for Markdown"),
    ("json", "JSON", "nodes and edges, for scripts"),
)


class TraceScreen(LineageScreen):
    """The lineage of one file or execution."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "o",
            "side",
            "Sides",
            id="trace.side",
            tooltip="Show both sides, only what it came from, or only what came from it.",
        ),
        Binding(
            "P",
            "path",
            "Path",
            id="trace.path",
            tooltip="Show the path between two marked nodes, or from this one to the root.",
        ),
        Binding("x", "export", "Export", id="trace.export", tooltip="Write the graph to a file: DOT, Mermaid or JSON."),
    ]

    def __init__(self, kind: Kind, id: int) -> None:  # noqa: A002 - what it is everywhere else
        super().__init__()
        self._key: NodeKey = (kind, id)
        self._is_outdated = self._is_looking = False
        self._looked_at = -LOOK_EVERY
        self.address = address("trace", **{kind: str(id)})

    @property
    def heading(self) -> str:
        """Which sides are shown."""
        rows = self._tree.rows
        return "" if rows is None else _SIDES[rows.side]

    # Reading.

    async def load(self) -> None:
        """Read the root and what stands next to it."""
        opened = await self.read(_opened, self.session, self.console.project, self._key, PAGE, PAGE)
        self.address = address("trace", *opened.words)
        rows = LineageRows(opened.node, opened.pages)
        self._tree.show(rows)
        self.details_changed()
        for branch in rows.root.children:
            await self._unfold_only_child(branch)

    def on_lineage_tree_wanted(self, message: LineageTree.Wanted) -> None:
        """Read the children of a row."""
        self.work(self._read_children(message.row), group=f"children {id(message.row)}")

    async def _read_children(self, row: Row) -> None:
        rows = self._tree.rows
        try:
            page = await self.read(_page, self.session, row.key or self._key, row.way, row.next)
        except BaseException:
            self._tree.not_added(row)
            raise
        if rows is self._tree.rows:
            was_first = not row.is_loaded
            self._tree.add(row, page)
            if was_first:
                await self._unfold_only_child(row)

    async def _unfold_only_child(self, row: Row) -> None:
        """Unfold what leads on without a choice, so that one key shows where it leads."""
        rows = self._tree.rows
        for _ in range(UNFOLDED):
            if len(row.children) != 1 or not row.children[0].can_open or row.children[0].is_loaded:
                return
            row = row.children[0]
            assert row.key is not None  # noqa: S101 - a source cannot be unfolded
            page = await self.read(_page, self.session, row.key, row.way, None)
            if rows is not self._tree.rows:
                return
            self._tree.add(row, page)

    def on_changes(self, changes: Sequence[Change] | None) -> None:
        """Look again whether there are new nodes next to the root, besides what became of those that are shown."""
        super().on_changes(changes)
        if changes is None or any(each.kind in ("execution", "file") for each in changes):
            self._is_outdated = True
            self._look_if_due()

    def on_tick(self, now: float) -> None:
        """Catch up on what there was no time for."""
        super().on_tick(now)
        self._look_if_due()

    def _look_if_due(self) -> None:
        is_due = self._is_outdated and time.monotonic() - self._looked_at >= LOOK_EVERY
        if is_due and not self._is_looking and self._tree.rows is not None:
            self._is_looking, self._is_outdated = True, False
            self.work(self._looking(self._tree.rows), group="look")

    async def _looking(self, before: LineageRows) -> None:
        try:
            await self._look_again(before)
        finally:
            self._is_looking = False
            self._looked_at = time.monotonic()

    async def _look_again(self, before: LineageRows) -> None:
        up, down = (max(PAGE, _loaded(branch)) for branch in before.root.children)
        opened = await self.read(_opened, self.session, self.console.project, self._key, up, down)
        rows = LineageRows(opened.node, opened.pages)
        if before is not self._tree.rows or _outline(before) == _outline(rows):
            return
        rows.show(before.side)
        await self._unfold_as(before, rows)
        if before is self._tree.rows:
            self._tree.show(rows)

    async def _unfold_as(self, before: LineageRows, rows: LineageRows) -> None:
        """Unfold in new rows what was unfolded before."""
        for old in [*before.loaded]:
            if old.kind != "node" or not old.is_loaded or not old.children:
                continue
            new = next((row for row in rows.loaded if row.identity == old.identity), None)
            if new is not None and new.key is not None:
                limit = max(PAGE, _loaded(old))
                rows.add(new, await self.read(_page, self.session, new.key, new.way, None, limit))
                new.is_open = old.is_open
        for old, new in zip(before.root.children, rows.root.children, strict=True):
            new.is_open = old.is_open
        rows.show(rows.side)

    # Keys.

    def action_side(self) -> None:
        """Show both sides, or one."""
        if self._tree.rows is not None:
            self._tree.cycle_side()
            self.details_changed()

    def action_path(self) -> None:
        """Open the path between two nodes."""
        marked = [row.key for row in self._tree.marked if row.key is not None]
        here = self._tree.current
        ends = (
            marked if len(marked) > 1 else [*marked, *([here.key] if here is not None and here.key is not None else [])]
        )
        ends = ends if len(ends) > 1 else [*ends, self._key]
        if len(set(ends)) != 2:
            self.console.warn("a path needs two ends: space marks one, P on another line shows the path")
            return
        (kind, one), (other_kind, other) = ends[:2]
        self.console.go(address("trace", **{kind: str(one), f"to_{other_kind}": str(other)}))

    def action_export(self) -> None:
        """Ask for a format and write the graph."""
        if self._tree.rows is not None:
            self.work(self._export(), group="export")

    async def _export(self) -> None:
        from tui.screens.choose_one import ChooseOne  # noqa: PLC0415 - asked when somebody exports

        options = [(title, meaning) for _, title, meaning in _FORMATS]
        chosen = await self.app.push_screen_wait(ChooseOne("Write the graph as", options))
        if chosen is None or self._tree.rows is None:
            return
        form, side = _FORMATS[chosen][0], self._tree.rows.side
        self.console.tell(await self.long(_write, self.session, self._key, side, form, self.address))


class _Opened(NamedTuple):
    """A root, what stands next to it, and the words of its address."""

    node: LineageNode
    pages: Mapping[Way, ChildPage]
    words: Sequence[str]


async def trace_screen(console: Console, words: Sequence[str], given: Mapping[str, str]) -> ConsoleScreen:
    """Return the trace that an address names, or the path: `trace model.pkl`, `trace 12`, `trace model.pkl to 12`.

    Raises:
        ShoalError: there is no such file or execution, or no path.
    """
    from tui.screens.trace_path import path_screen  # noqa: PLC0415 - opened when somebody goes there

    ends = {key.removeprefix("to_"): value for key, value in given.items() if key.startswith("to_")}
    session, project = console.session, console.project
    if "to" in words or ends:
        first, last = (words[: words.index("to")], words[words.index("to") + 1 :]) if "to" in words else (words, [])
        common = {"project": given["project"]} if "project" in given else {}
        one = await console.read(resolve, session, project, first, given)
        return await path_screen(console, one, await console.read(resolve, session, project, last, common | ends))
    key = await console.read(resolve, session, project, words, given)
    await console.read(lineage_node, session, key)
    return TraceScreen(*key)


def _opened(session: Session, project: Project | None, key: NodeKey, up: int, down: int) -> _Opened:
    pages: dict[Way, ChildPage] = {
        "up": children(session, key, "up", limit=up),
        "down": children(session, key, "down", limit=down),
    }
    return _Opened(lineage_node(session, key), pages, reference_words(session, project, key))


def _page(session: Session, key: NodeKey, way: Way, after: tuple[str, int] | None, limit: int = PAGE) -> ChildPage:
    return children(session, key, way, after=after, limit=limit)


def _loaded(row: Row) -> int:
    return sum(1 for child in row.children if child.kind == "node")


def _outline(rows: LineageRows) -> object:
    return [(row.below, row.left, [child.identity for child in row.children]) for row in rows.root.children]


def _write(session: Session, key: NodeKey, side: Side, form: Format, name: str) -> str:
    from core.lineage_export import export, graph, write  # noqa: PLC0415 - needed when somebody exports

    of = session.lineage.of_file if key[0] == "file" else session.lineage.of_execution
    shown = graph(of(key[1], depth=EXPORTED_DEPTH, direction=side))
    path = write(export(shown, form), form, Path(os.getcwd()), name.replace(" ", "-"))  # noqa: PTH109 - as it was entered
    return f"{len(shown.nodes):,} nodes and {len(shown.edges):,} edges are in {path}"
