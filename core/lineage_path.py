"""The shortest way from one node of the graph to another: how the one came from the other."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.errors import InvalidInputError, NotFoundError, UnavailableError
from core.lineage_children import lineage_node, lineage_nodes

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from core.lineage_node import Kind, LineageNode, NodeKey, Way
    from core.session import Session

MOST = 500_000
"""Nodes that are looked at before the search is given up."""

_STEPS: dict[tuple[Kind, Way], str] = {
    ("execution", "up"): "SELECT g.value, i.file_id FROM json_each(?) g CROSS JOIN execution_inputs i"
    " ON i.execution_id = g.value WHERE i.file_id IS NOT NULL",
    ("file", "up"): "SELECT g.value, f.execution_id FROM json_each(?) g CROSS JOIN files f ON f.id = g.value"
    " WHERE f.execution_id IS NOT NULL",
    ("execution", "down"): "SELECT g.value, f.id FROM json_each(?) g CROSS JOIN files f ON f.execution_id = g.value",
    ("file", "down"): "SELECT g.value, i.execution_id FROM json_each(?) g CROSS JOIN execution_inputs i"
    " ON i.file_id = g.value",
}


@dataclass(slots=True)
class _Side:
    """A search that goes one way from one end, level by level; `came` tells over which node each was reached."""

    way: Way
    kind: Kind
    frontier: list[int]
    came: dict[NodeKey, int | None] = field(default_factory=dict)

    def advance(self, connection: sqlite3.Connection) -> None:
        other: Kind = "file" if self.kind == "execution" else "execution"
        cursor = connection.cursor()
        cursor.row_factory = None
        reached = []
        for source, target in cursor.execute(_STEPS[self.kind, self.way], (json.dumps(self.frontier),)):
            if (other, target) not in self.came:
                self.came[other, target] = source
                reached.append(target)
        self.kind, self.frontier = other, reached

    def way_to(self, key: NodeKey) -> list[NodeKey]:
        """Return the nodes from this side's end to `key`."""
        way = [key]
        while (source := self.came[key]) is not None:
            key = ("file" if key[0] == "execution" else "execution", source)
            way.append(key)
        return way[::-1]


def lineage_path(session: Session, one: NodeKey, other: NodeKey) -> Sequence[LineageNode]:
    """Return the nodes from the earlier of two to the later one, over as few others as there can be.

    Raises:
        InvalidInputError: they are the same.
        NotFoundError: one of them is not there, or neither came from the other.
        UnavailableError: so many nodes lie around them that the search was given up.
    """
    first, second = lineage_node(session, one), lineage_node(session, other)
    if one == other:
        message = f"a path leads from one node to another: {first.label} was given twice"
        raise InvalidInputError(message, field="path")
    connection = session.read("file.see")
    keys = _search(connection, one, other) or _search(connection, other, one)
    if keys is None:
        message = f"{first.label} and {second.label} are not connected: neither came from the other"
        raise NotFoundError(message, field="path")
    kinds: tuple[Kind, Kind] = ("file", "execution")
    found = {kind: lineage_nodes(session, kind, [id_ for each, id_ in keys if each == kind]) for kind in kinds}
    return [found[kind][id_] for kind, id_ in keys]


def _search(connection: sqlite3.Connection, earlier: NodeKey, later: NodeKey) -> list[NodeKey] | None:
    """Go down from the one and up from the other, always where fewer nodes are, until they meet."""
    down, up = _Side("down", *_begun(earlier)), _Side("up", *_begun(later))
    while down.frontier and up.frontier:
        side, opposite = (down, up) if len(down.frontier) <= len(up.frontier) else (up, down)
        side.advance(connection)
        for id_ in side.frontier:
            if (side.kind, id_) in opposite.came:
                meeting = (side.kind, id_)
                return down.way_to(meeting) + up.way_to(meeting)[-2::-1]
        if len(down.came) + len(up.came) > MOST:
            message = f"more than {MOST:,} files and executions lie around them: the search was given up"
            raise UnavailableError(message)
    return None


def _begun(end: NodeKey) -> tuple[Kind, list[int], dict[NodeKey, int | None]]:
    return end[0], [end[1]], {end: None}
