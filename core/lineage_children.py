"""What stands next to one node of a lineage, page by page: for a tree that is unfolded by hand, however wide it is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import NotFoundError
from core.lineage_node import SELECT_EXECUTION, SELECT_FILE, execution_node, file_node, file_or_source_node

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from core.lineage_node import Kind, LineageNode, NodeKey, Way
    from core.session import Session

PAGE = 250
"""Children given at once."""

BELOW = 100
"""Children of each child that are counted at most."""

COUNTED = 100_000
"""Children that are counted at most."""

Place = tuple[str, int]
"""Where a child stands among the others: the input's name and position, or the id."""

_BELOW_EXECUTION = {
    "up": "(SELECT count(*) FROM (SELECT 1 FROM execution_inputs WHERE execution_id = e.id LIMIT :below))",
    "down": "(SELECT count(*) FROM (SELECT 1 FROM files WHERE execution_id = e.id LIMIT :below))",
}
_BELOW_FILE = {
    "up": "(f.execution_id IS NOT NULL)",
    "down": "(SELECT count(*) FROM"
    " (SELECT DISTINCT execution_id FROM execution_inputs WHERE file_id = f.id LIMIT :below))",
}
_COMMITS = "JOIN commits c ON c.id = e.commit_id"
_MAKER = f"""
    {SELECT_EXECUTION}, '' AS place, e.id AS position, {_BELOW_EXECUTION["up"]} AS below
    FROM files m CROSS JOIN executions e ON e.id = m.execution_id {_COMMITS} WHERE m.id = :id AND :name IS NULL
"""
_INPUTS = f"""
    {SELECT_FILE}, i.name AS place, i.position, coalesce({_BELOW_FILE["up"]}, 0) AS below,
        i.uri, i.size AS input_size, i.sha256 AS input_sha256
    FROM execution_inputs i LEFT JOIN files f ON f.id = i.file_id
    WHERE i.execution_id = :id AND (:name IS NULL OR (i.name, i.position) > (:name, :position))
    ORDER BY i.name, i.position LIMIT :limit
"""
_NEWEST_USERS = """
    SELECT DISTINCT execution_id FROM execution_inputs WHERE file_id = :id AND execution_id < :before
    ORDER BY execution_id DESC LIMIT :limit
"""
_USERS = f"""
    {SELECT_EXECUTION}, '' AS place, e.id AS position, {_BELOW_EXECUTION["down"]} AS below
    FROM ({_NEWEST_USERS}) u
    CROSS JOIN executions e ON e.id = u.execution_id {_COMMITS} ORDER BY e.id DESC
"""
_OUTPUTS = f"""
    {SELECT_FILE}, '' AS place, f.id AS position, {_BELOW_FILE["down"]} AS below
    FROM files f WHERE f.execution_id = :id AND f.id > :position ORDER BY f.id LIMIT :limit
"""
_CHILDREN = {
    ("file", "up"): _MAKER,
    ("execution", "up"): _INPUTS,
    ("file", "down"): _USERS,
    ("execution", "down"): _OUTPUTS,
}
_COUNTS_AFTER = {
    ("execution", "up"): "SELECT count(*) FROM (SELECT 1 FROM execution_inputs"
    " WHERE execution_id = :id AND (name, position) > (:name, :position) LIMIT :limit)",
    ("file", "down"): "SELECT count(*) FROM (SELECT DISTINCT execution_id FROM execution_inputs"
    " WHERE file_id = :id AND execution_id < :position LIMIT :limit)",
    ("execution", "down"): "SELECT count(*) FROM (SELECT 1 FROM files"
    " WHERE execution_id = :id AND id > :position LIMIT :limit)",
}
_FILES_BY_ID = f"""
    {SELECT_FILE} FROM json_each(:ids) g CROSS JOIN files f ON f.id = g.value
    JOIN projects p ON p.id = f.project_id WHERE p.organization_id = :organization
"""
_EXECUTIONS_BY_ID = f"""
    {SELECT_EXECUTION} FROM json_each(:ids) g CROSS JOIN executions e ON e.id = g.value {_COMMITS}
    JOIN projects p ON p.id = e.project_id WHERE p.organization_id = :organization
"""


@dataclass(frozen=True, slots=True)
class Child:
    """A neighbour of a node. `place` is its own among the others; `below` of its own children are further on, `BELOW`
    where they are as many or more.
    """

    node: LineageNode
    place: Place
    below: int


@dataclass(frozen=True, slots=True)
class ChildPage:
    """Some of a node's children; `more` come after them, after the place `next`. No more than `COUNTED` are counted."""

    children: Sequence[Child]
    more: int = 0
    next: Place | None = None


def lineage_nodes(session: Session, kind: Kind, ids: Iterable[int]) -> Mapping[int, LineageNode]:
    """Return the files or the executions with these ids, without what they are connected to."""
    connection = session.read(f"{kind}.see")
    query, made = (_FILES_BY_ID, file_node) if kind == "file" else (_EXECUTIONS_BY_ID, execution_node)
    bound = {"ids": json.dumps([*ids]), "organization": session.actor.organization_id}
    return {row["id"]: made(row) for row in connection.execute(query, bound)}


def lineage_node(session: Session, key: NodeKey) -> LineageNode:
    """Return one file or execution, without what it is connected to.

    Raises:
        NotFoundError: there is none, or the actor may not know of it.
    """
    kind, id_ = key
    node = lineage_nodes(session, kind, [id_]).get(id_)
    if node is None:
        message = f"there is no {kind} with id {id_}"
        raise NotFoundError(message)
    return node


def children(session: Session, key: NodeKey, way: Way, *, after: Place | None = None, limit: int = PAGE) -> ChildPage:
    """Return what a file or an execution directly came from (`up`), or what directly came from it (`down`).

    Inputs come in their own order, outputs as they came to be, executions newest first. `after` is the `next` of the
    page before.

    Raises:
        NotFoundError: there is no such node, or the actor may not know of it.
    """
    lineage_node(session, key)
    kind, id_ = key
    connection = session.read("file.see")
    name, position = after or (None, 0)
    bound = {
        "id": id_,
        "name": name,
        "position": position,
        "before": position if after else 2**63 - 1,
        "limit": limit + 1,
        "below": BELOW,
    }
    rows = connection.execute(_CHILDREN[kind, way], bound).fetchall()
    found = [_child(row, kind, way) for row in rows[:limit]]
    if len(rows) <= limit:
        return ChildPage(found)
    return ChildPage(found, _count_after(connection, key, way, found[-1].place), found[-1].place)


def _count_after(connection: sqlite3.Connection, key: NodeKey, way: Way, place: Place) -> int:
    bound = {"id": key[1], "name": place[0], "position": place[1], "limit": COUNTED}
    return int(connection.execute(_COUNTS_AFTER[key[0], way], bound).fetchone()[0])


def _child(row: sqlite3.Row, kind: Kind, way: Way) -> Child:
    node = execution_node(row) if kind == "file" else file_or_source_node(row)
    node.direction = way
    return Child(node, (row["place"], row["position"]), row["below"])
