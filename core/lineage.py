"""Which execution made a file and from which files, which executions used it: trees for a screen, sets for a check."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Literal

from core.errors import NotFoundError
from core.lineage_node import SELECT_EXECUTION, SELECT_FILE, execution_node, file_node, file_or_source_node

if TYPE_CHECKING:
    import sqlite3

    from core.ancestry import Relatives
    from core.lineage_node import Direction, Kind, LineageNode
    from core.session import Session

BREADTH = 50
"""Children of one node that are shown."""

LEVEL = 500
"""Nodes of one level that are shown."""

COUNTED = 10_000
"""Children of one node that are counted at most."""

# Each takes the ids of parents as a JSON array, and gives each parent's first children, one more than are shown.
_EXECUTIONS = f"""
    {SELECT_EXECUTION}, p.value AS parent FROM json_each(:parents) p
"""
_FILES = f"""
    {SELECT_FILE}, p.value AS parent FROM json_each(:parents) p
"""
_NEWEST_USERS = (
    "SELECT DISTINCT execution_id FROM execution_inputs WHERE file_id = p.value ORDER BY execution_id DESC LIMIT :limit"
)
_FIRST_OUTPUTS = "SELECT id FROM files WHERE execution_id = p.value ORDER BY id LIMIT :limit"
_COMMITS = "JOIN commits c ON c.id = e.commit_id"
_MAKERS = f"""
    {_EXECUTIONS} CROSS JOIN files f ON f.id = p.value CROSS JOIN executions e ON e.id = f.execution_id {_COMMITS}
"""
_USERS = f"""
    {_EXECUTIONS} CROSS JOIN executions e ON e.id IN ({_NEWEST_USERS}) {_COMMITS}
"""
_OUTPUTS = f"""
    {_FILES} CROSS JOIN files f ON f.id IN ({_FIRST_OUTPUTS})
"""
_FIRST_INPUTS = "SELECT name, position FROM execution_inputs WHERE execution_id = p.value ORDER BY 1, 2 LIMIT :limit"
_INPUTS = f"""
    {SELECT_FILE}, p.value AS parent, i.uri, i.size AS input_size, i.sha256 AS input_sha256
    FROM json_each(:parents) p CROSS JOIN execution_inputs i
        ON i.execution_id = p.value AND (i.name, i.position) IN ({_FIRST_INPUTS})
    LEFT JOIN files f ON f.id = i.file_id
"""
_THE_FILE = f"{_FILES} JOIN files f ON f.id = p.value"
_THE_EXECUTION = f"""
    {_EXECUTIONS} JOIN executions e ON e.id = p.value {_COMMITS}
    JOIN projects r ON r.id = e.project_id WHERE r.organization_id = :organization
"""
_COUNT_USERS = "SELECT count(*) FROM (SELECT DISTINCT execution_id FROM execution_inputs WHERE file_id = ? LIMIT ?)"
_COUNT_OUTPUTS = "SELECT count(*) FROM (SELECT 1 FROM files WHERE execution_id = ? LIMIT ?)"
_COUNT_INPUTS = "SELECT count(*) FROM (SELECT 1 FROM execution_inputs WHERE execution_id = ? LIMIT ?)"

_STEPS = {
    ("file", "up"): (_MAKERS, "SELECT 1"),
    ("execution", "up"): (_INPUTS, _COUNT_INPUTS),
    ("file", "down"): (_USERS, _COUNT_USERS),
    ("execution", "down"): (_OUTPUTS, _COUNT_OUTPUTS),
}
"""For a node of a kind and a direction: the query for its children, and the one that counts them."""


class Lineage:
    """The graph of files and executions."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of_file(self, file_id: int, *, depth: int = 3, direction: Direction = "both") -> LineageNode:
        """Return a file with what it came from, what came from it or both, `depth` steps far.

        Raises:
            NotFoundError: there is no such file, or the actor may not know of it.
        """
        connection = self._session.read("file.see")
        file = self._session.files.by_id(file_id)
        root = file_node(connection.execute(_THE_FILE, {"parents": json.dumps([file.id])}).fetchone())
        return _grown(connection, root, depth, direction)

    def of_execution(self, execution_id: int, *, depth: int = 3, direction: Direction = "both") -> LineageNode:
        """Return an execution with what it came from, what came from it or both, `depth` steps far.

        Raises:
            NotFoundError: there is no such execution, or the actor may not know of it.
        """
        connection = self._session.read("execution.see")
        bound = {"parents": json.dumps([execution_id]), "organization": self._session.actor.organization_id}
        row = connection.execute(_THE_EXECUTION, bound).fetchone()
        if row is None:
            message = f"there is no execution with id {execution_id}"
            raise NotFoundError(message)
        return _grown(connection, execution_node(row), depth, direction)

    def ancestors(self, file_id: int) -> Relatives:
        """Return the ids of all executions and files that a file came from."""
        from core.ancestry import Ancestry  # noqa: PLC0415 - a tree needs no walk

        self._session.files.by_id(file_id)
        return Ancestry(self._session).ancestors(file_id)

    def descendants(self, file_id: int) -> Relatives:
        """Return the ids of all executions and files that came from a file."""
        from core.ancestry import Ancestry  # noqa: PLC0415 - a tree needs no walk

        self._session.files.by_id(file_id)
        return Ancestry(self._session).descendants(file_id)


def _grown(connection: sqlite3.Connection, root: LineageNode, depth: int, direction: Direction) -> LineageNode:
    for each in ("up", "down"):
        if direction in (each, "both"):
            _grow(connection, root, depth, each)
    _unfold_in_reading_order(root)
    return root


def _unfold_in_reading_order(root: LineageNode) -> None:
    """Give what hangs below a node that is met several times to the one that is read first, line by line."""
    nodes: dict[tuple[str, Kind, int], LineageNode] = {}
    pending = [root]
    for node in pending:
        if not node.repeated and node.kind != "source":
            nodes[node.direction, node.kind, node.id] = node
        pending.extend(node.children)
    read: set[tuple[str, Kind, int]] = set()
    pending = [root]
    while pending:
        node = pending.pop()
        key = (node.direction, node.kind, node.id)
        if node.repeated and key not in read and (other := nodes.get(key)) is not None:
            node.children, node.hidden, node.repeated = other.children, other.hidden, False
            other.children, other.hidden, other.repeated = [], 0, True
        read.add(key)
        pending.extend(reversed(node.children))


def _grow(connection: sqlite3.Connection, root: LineageNode, depth: int, direction: Literal["up", "down"]) -> None:
    """Add the levels of one direction, each by one query; a node is expanded where it is met first."""
    level = [root]
    met = {(root.kind, root.id)}
    for _ in range(depth):
        children = _children(connection, level, direction)
        level = []
        for child in children:
            child.repeated = child.kind != "source" and (child.kind, child.id) in met
            if not child.repeated and child.kind != "source":
                met.add((child.kind, child.id))
                level.append(child)
        if not level:
            return


def _children(
    connection: sqlite3.Connection, parents: list[LineageNode], direction: Literal["up", "down"]
) -> list[LineageNode]:
    # All nodes of one level are of one kind: a file's neighbours are executions, and the other way round.
    query, count = _STEPS[parents[0].kind, direction]
    by_id = {parent.id: parent for parent in parents}
    rows = connection.execute(query, {"parents": json.dumps([*by_id]), "limit": BREADTH + 1})
    children: list[LineageNode] = []
    added: Counter[int] = Counter()
    for row in rows:
        parent = by_id[row["parent"]]
        added[parent.id] += 1
        if added[parent.id] <= BREADTH and len(children) < LEVEL:
            child = execution_node(row) if parent.kind == "file" else file_or_source_node(row)
            child.direction = direction
            parent.children.append(child)
            children.append(child)
    _count_hidden(connection, by_id, added, count, direction)
    return children


def _count_hidden(
    connection: sqlite3.Connection,
    parents: dict[int, LineageNode],
    found: Counter[int],
    count: str,
    direction: Literal["up", "down"],
) -> None:
    for id_, number in found.items():
        parent = parents[id_]
        shown = sum(child.direction == direction for child in parent.children)
        all_ = number if number <= BREADTH else connection.execute(count, (id_, COUNTED)).fetchone()[0]
        parent.hidden += all_ - shown
