"""Which execution made a file and from which files, which executions used it: trees for a screen, sets for a check."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from textwrap import shorten
from typing import TYPE_CHECKING, Literal

from core import quantities
from core.errors import NotFoundError

if TYPE_CHECKING:
    import sqlite3

    from core.ancestry import Relatives
    from core.session import Session

Kind = Literal["file", "execution", "source"]
Direction = Literal["up", "down", "both"]

BREADTH = 50
"""Children of one node that are shown."""

LEVEL = 500
"""Nodes of one level that are shown."""

COUNTED = 10_000
"""Children of one node that are counted at most."""

# Each takes the ids of parents as a JSON array, and gives each parent's first children, one more than are shown.
_EXECUTIONS = """
    SELECT p.value AS parent, e.id, e.uuid, e.counter, e.step, e.title, e.status, e.image, e.image_digest, e.parameters,
        c.identifier, coalesce(e.ended_at, e.started_at, e.created_at) AS at
    FROM json_each(:parents) p
"""
_FILES = """
    SELECT p.value AS parent, f.id, f.uuid, f.name, f.size, f.sha256, f.created_at AS at FROM json_each(:parents) p
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
_INPUTS = """
    SELECT p.value AS parent, i.uri, i.size AS input_size, i.sha256 AS input_sha256,
        f.id, f.uuid, f.name, f.size, f.sha256, f.created_at AS at
    FROM json_each(:parents) p CROSS JOIN execution_inputs i ON i.execution_id = p.value AND (i.name, i.position) IN
        (SELECT name, position FROM execution_inputs WHERE execution_id = p.value ORDER BY 1, 2 LIMIT :limit)
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


@dataclass(slots=True)
class LineageNode:
    """A file, an execution, or a source: an address outside from which an execution took a content.

    `direction` tells whether the node lies above or below its parent: `up` is what it came from. `hidden` children are
    not shown, because they are many; no more than `COUNTED` are counted. A node that stands further up in the tree,
    read line by line, is `repeated` and has no children here. `id` is 0 and `uuid` empty for a source, `status` is that
    of an execution. `at` is when an execution ended, or got as far as it is, or when a file came to be; 0 for a source.
    """

    kind: Kind
    id: int
    uuid: str
    label: str
    detail: str
    status: str = ""
    at: float = 0.0
    direction: Direction = "up"
    repeated: bool = False
    hidden: int = 0
    children: list[LineageNode] = field(default_factory=list)


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
        root = _file_node(connection.execute(_THE_FILE, {"parents": json.dumps([file.id])}).fetchone())
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
        return _grown(connection, _execution_node(row), depth, direction)

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
            child = _execution_node(row) if parent.kind == "file" else _file_or_source_node(row)
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


def _file_node(row: sqlite3.Row) -> LineageNode:
    return LineageNode("file", row["id"], row["uuid"], row["name"], _content(row["size"], row["sha256"]), at=row["at"])


def _file_or_source_node(row: sqlite3.Row) -> LineageNode:
    if row["id"] is not None:
        return _file_node(row)
    return LineageNode("source", 0, "", row["uri"], _content(row["input_size"], row["input_sha256"]))


def _execution_node(row: sqlite3.Row) -> LineageNode:
    image = row["image"] if row["image_digest"] is None else f"{row['image']} ({row['image_digest'][:19]})"
    parameters = " ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in json.loads(row["parameters"]).items()
        if value is not None
    )
    detail = " · ".join(
        filter(None, (shorten(parameters, 80, placeholder="…"), f"commit {row['identifier'][:12]}", image))
    )
    title = f" ({row['title']})" if row["title"] else ""
    label = f"#{row['counter']} {row['step']}{title}"
    return LineageNode("execution", row["id"], row["uuid"], label, detail, status=row["status"], at=row["at"])


def _content(size: int | None, sha256: str | None) -> str:
    return "" if size is None or sha256 is None else f"{quantities.size(size)}, sha256 {sha256[:12]}"
