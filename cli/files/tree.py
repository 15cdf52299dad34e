"""A lineage as a tree of lines."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from cli.output import terminal_width
from core.text import cells, fit, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.lineage import LineageNode

_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class _Strokes:
    branch: str
    last: str
    pass_by: str
    up: str
    down: str
    dot: str


_LINES = _Strokes("├─ ", "└─ ", "│  ", "↑", "↓", "·")
_ASCII = _Strokes("|- ", "`- ", "|  ", "^", "v", "-")


def tree_lines(root: LineageNode, *, both: bool = False) -> Iterator[str]:
    """Yield the lines of a lineage; with `both`, each branch of the root says whether it leads up or down."""
    return _Tree(root).lines(both=both)


class _Tree:
    """Prints each node's branches once, where it comes first, which need not be where the lineage expanded it."""

    def __init__(self, root: LineageNode) -> None:
        self._root = root
        self._strokes = _LINES if (sys.stdout.encoding or "").lower().replace("-", "") == "utf8" else _ASCII
        self._width = terminal_width()
        self._expanded: dict[tuple[str, str], LineageNode] = {}
        self._printed: set[tuple[str, str]] = set()
        self._find(root)

    def lines(self, *, both: bool) -> Iterator[str]:
        yield self._described(self._root, "")
        yield from self._branches(self._root, "", both=both)

    def _find(self, root: LineageNode) -> None:
        pending = [root]
        while pending:
            node = pending.pop()
            if node.children or node.hidden:
                self._expanded[node.direction, _identity(node)] = node
            pending.extend(node.children)

    def _branches(self, node: LineageNode, indent: str, *, both: bool = False) -> Iterator[str]:
        remaining = len(node.children) + (node.hidden > 0)
        for child in node.children:
            remaining -= 1
            arrow = f"{self._strokes.up if child.direction == 'up' else self._strokes.down} " if both else ""
            place = (child.direction, _identity(child))
            stroke = self._strokes.branch if remaining else self._strokes.last
            yield self._described(child, f"{indent}{stroke}{arrow}", seen=place in self._printed)
            if place not in self._printed and place in self._expanded:
                self._printed.add(place)
                deeper = indent + (self._strokes.pass_by if remaining else "   ")
                yield from self._branches(self._expanded[place], deeper)
        if node.hidden:
            yield f"{indent}{self._strokes.last}{node.hidden} more"

    def _described(self, node: LineageNode, lead: str, *, seen: bool = False) -> str:
        label = plain(node.label, limit=_LONGEST_NAME)
        parts = [plain(part, limit=_LONGEST_NAME) for part in (node.status, node.detail) if part]
        facts = (
            f"  {f' {self._strokes.dot} '.join([*(['see above'] if seen else []), *parts])}" if parts or seen else ""
        )
        if self._width is not None:
            facts = fit(facts, max(self._width - cells(f"{lead}{label}"), 0))
        return f"{lead}{click.style(label, bold=node.kind == 'execution')}{click.style(facts, dim=True)}"


def _identity(node: LineageNode) -> str:
    return node.uuid or f"source {node.label}"
