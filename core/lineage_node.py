"""One node of the graph of files and executions, and how it is made of a row."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from textwrap import shorten
from typing import TYPE_CHECKING, Literal

from core import quantities
from core.json_text import value_text

if TYPE_CHECKING:
    import sqlite3

Kind = Literal["file", "execution", "source"]
Way = Literal["up", "down"]
Direction = Literal["up", "down", "both"]
NodeKey = tuple[Kind, int]
"""A file or an execution: its kind and its id."""

SELECT_EXECUTION = """
    SELECT e.id, e.uuid, e.counter, e.step, e.title, e.status, e.image, e.image_digest, e.parameters, c.identifier,
    coalesce(e.ended_at, e.started_at, e.created_at) AS at
"""
"""The beginning of a query: the columns of an execution `e` and its commit `c`."""

SELECT_FILE = "SELECT f.id, f.uuid, f.name, f.size, f.sha256, f.created_at AS at"
"""The beginning of a query: the columns of a file `f`."""


@dataclass(slots=True)
class LineageNode:
    """A file, an execution, or a source: an address outside from which an execution took a content.

    `direction` tells whether the node lies above or below its parent: `up` is what it came from. `hidden` children are
    not shown, because they are many; not all of very many are counted. A node that stands further up in the tree,
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

    @property
    def reference(self) -> str:
        """What names it as an input or for a command: `datum://…`, an execution's number, the address of a source."""
        if self.kind == "execution":
            return self.label.split(" ", 1)[0].removeprefix("#")
        return f"datum://{self.uuid}" if self.kind == "file" else self.label


def file_node(row: sqlite3.Row) -> LineageNode:
    """Return the file of a row with `SELECT_FILE`."""
    return LineageNode("file", row["id"], row["uuid"], row["name"], _content(row["size"], row["sha256"]), at=row["at"])


def file_or_source_node(row: sqlite3.Row) -> LineageNode:
    """Return the file of a row, or the source where the input was no file of ours."""
    if row["id"] is not None:
        return file_node(row)
    return LineageNode("source", 0, "", row["uri"], _content(row["input_size"], row["input_sha256"]))


def execution_node(row: sqlite3.Row) -> LineageNode:
    """Return the execution of a row with `SELECT_EXECUTION`."""
    image = row["image"] if row["image_digest"] is None else f"{row['image']} ({row['image_digest'][:19]})"
    parameters = " ".join(
        f"{name}={value_text(value)}" for name, value in json.loads(row["parameters"]).items() if value is not None
    )
    detail = " · ".join(
        filter(None, (shorten(parameters, 80, placeholder="…"), f"commit {row['identifier'][:12]}", image))
    )
    title = f" ({row['title']})" if row["title"] else ""
    label = f"#{row['counter']} {row['step']}{title}"
    return LineageNode("execution", row["id"], row["uuid"], label, detail, status=row["status"], at=row["at"])


def _content(size: int | None, sha256: str | None) -> str:
    return "" if size is None or sha256 is None else f"{quantities.size(size)}, sha256 {sha256[:12]}"
