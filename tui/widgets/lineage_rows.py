"""The rows of a lineage tree: what is loaded, what is unfolded, and the list of those that can be seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from core.lineage_children import Child, ChildPage, Place
    from core.lineage_node import LineageNode, NodeKey, Way

RowKind = Literal["root", "branch", "node", "more"]
Side = Literal["both", "up", "down"]

_NOTHING = {
    ("file", "up"): "nothing here: it was brought in by hand",
    ("file", "down"): "nothing has used it yet",
    ("execution", "up"): "no inputs",
    ("execution", "down"): "no files so far",
}


@dataclass(slots=True, eq=False)
class Row:
    """One line: the root, one of its two branches, a node, or what stands for the children that are not loaded.

    `below` is how many children there are further on, as far as they were counted; `next` the place after which the
    next ones come, `left` how many these are. `same` is the row of the same node that was there first.
    """

    kind: RowKind
    way: Way
    node: LineageNode | None = None
    parent: Row | None = None
    place: Place = ("", 0)
    depth: int = 0
    ordinal: int = 0
    below: int = 0
    children: list[Row] = field(default_factory=list)
    next: Place | None = None
    left: int = 0
    is_loaded: bool = False
    is_loading: bool = False
    is_open: bool = False
    same: Row | None = None

    @property
    def key(self) -> NodeKey | None:
        """The file or the execution that the row shows."""
        return None if self.node is None or self.node.kind == "source" else (self.node.kind, self.node.id)

    @property
    def identity(self) -> tuple[object, ...]:
        """What a row is known by when the tree is made anew: the way to it."""
        own = (self.kind, self.way, self.key, self.place)
        return own if self.parent is None else (*self.parent.identity, own)

    @property
    def order(self) -> tuple[int, ...]:
        """The rows' orders compare as the rows are read from top to bottom."""
        return (self.ordinal,) if self.parent is None else (*self.parent.order, self.ordinal)

    @property
    def can_open(self) -> bool:
        """Whether there is something to unfold."""
        return self.same is None and (bool(self.children) or self.below > 0)


class LineageRows:
    """A root with two branches: what it came from, and what came from it."""

    def __init__(self, root: LineageNode, pages: Mapping[Way, ChildPage]) -> None:
        self.root = Row("root", "up", root, is_open=True, is_loaded=True)
        self.side: Side = "both"
        self.visible: list[Row] = []
        self._first: dict[tuple[Way, NodeKey], Row] = {}
        self._by_key: dict[NodeKey, list[Row]] = {}
        self._register(self.root)
        for ordinal, (way, page) in enumerate(pages.items()):
            below = len(page.children) + page.more
            branch = Row("branch", way, None, self.root, depth=0, ordinal=ordinal, below=below, is_open=True)
            self.root.children.append(branch)
            self.add(branch, page)
        self.visible = [*self._seen_from(self.root)]

    @classmethod
    def of_path(cls, nodes: Sequence[LineageNode]) -> LineageRows:
        """Return the nodes of a path, each below the one that it came from."""
        rows = cls(nodes[0], {})
        for number, node in enumerate(nodes[1:], 1):
            row = Row("node", "down", node, rows.root, depth=0, ordinal=number, is_loaded=True)
            rows.root.children.append(row)
            rows._register(row)
        rows.visible = [*rows._seen_from(rows.root)]
        return rows

    @property
    def loaded(self) -> Iterator[Row]:
        """All rows that there are, folded or not, as they are read."""
        return self._below(self.root, everything=True)

    def index(self, row: Row) -> int:
        """Return where a row can be seen, -1 where it cannot."""
        return next((index for index, each in enumerate(self.visible) if each is row), -1)

    def rows_of(self, key: NodeKey) -> Sequence[Row]:
        """Return the rows that show a node."""
        return self._by_key.get(key, [])

    @property
    def executions(self) -> set[int]:
        """The ids of the executions that are loaded."""
        return {id_ for kind, id_ in self._by_key if kind == "execution"}

    def nothing(self, branch: Row) -> str:
        """Return what an empty branch says."""
        assert self.root.node is not None  # noqa: S101 - a root always has one
        return _NOTHING[self.root.node.kind, branch.way]

    def add(self, parent: Row, page: ChildPage) -> Sequence[Row]:
        """Take the next children of a row; return their rows. Those that can be seen are in `visible` afterwards."""
        index = self.index(parent) if self._is_seen(parent) else -1
        before = self._length(parent) if index >= 0 else 0
        if parent.children and parent.children[-1].kind == "more":
            parent.children.pop()
        start = len(parent.children)
        new = [self._child(parent, child, start + number) for number, child in enumerate(page.children)]
        parent.children += new
        parent.next, parent.left, parent.is_loaded, parent.is_loading = page.next, page.more, True, False
        if page.next is not None:
            more = Row("more", parent.way, None, parent, depth=parent.depth + 1, ordinal=len(parent.children))
            parent.children.append(more)
        if index >= 0:
            self.visible[index + 1 : index + 1 + before] = self._below(parent)
        return new

    def open(self, row: Row) -> None:
        """Unfold what is loaded of a row."""
        if not row.is_open:
            row.is_open = True
            if (index := self.index(row)) >= 0:
                self.visible[index + 1 : index + 1] = self._below(row)

    def close(self, row: Row) -> None:
        """Fold a row."""
        if row.is_open:
            if (index := self.index(row)) >= 0:
                del self.visible[index + 1 : index + 1 + self._length(row)]
            row.is_open = False

    def show(self, side: Side) -> None:
        """Show both branches, or one of them."""
        self.side = side
        self.visible = [*self._seen_from(self.root)]

    def reveal(self, row: Row) -> None:
        """Unfold all that a row lies in."""
        if self.side not in ("both", row.way):
            self.side = "both"
        parent = row.parent
        while parent is not None:
            parent.is_open = True
            parent = parent.parent
        self.visible = [*self._seen_from(self.root)]

    def _child(self, parent: Row, child: Child, ordinal: int) -> Row:
        row = Row(
            "node",
            parent.way,
            child.node,
            parent,
            place=child.place,
            depth=parent.depth + 1,
            ordinal=ordinal,
            below=child.below,
        )
        self._register(row)
        return row

    def _register(self, row: Row) -> None:
        if (key := row.key) is not None:
            first = self._first.setdefault((row.way, key), row)
            row.same = None if first is row else first
            self._by_key.setdefault(key, []).append(row)

    def _is_seen(self, row: Row) -> bool:
        while row.parent is not None:
            row = row.parent
            if not row.is_open:
                return False
        return True

    def _length(self, row: Row) -> int:
        return sum(1 for _ in self._below(row))

    def _seen_from(self, row: Row) -> Iterator[Row]:
        yield row
        yield from self._below(row)

    def _below(self, row: Row, *, everything: bool = False) -> Iterator[Row]:
        pending = self._unfolded(row, everything=everything)
        while pending:
            each = pending.pop()
            yield each
            pending += self._unfolded(each, everything=everything)

    def _unfolded(self, row: Row, *, everything: bool) -> list[Row]:
        if not (row.is_open or everything):
            return []
        if row.kind == "root" and not everything and self.side != "both":
            return [child for child in row.children if child.way == self.side]
        return row.children[::-1]
