"""A lineage as a tree of lines."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from cli.output import terminal_width
from core.quantities import age
from core.text import cells, fit, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core.lineage_node import LineageNode

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
    """Yield the lines of a lineage, each at most as wide as the terminal.

    With `both`, each branch of the root says whether it leads up, to what the root came from, or down; a last line
    says what the arrows mean.
    """
    strokes = _strokes()
    width = terminal_width()
    yield _line("", root, strokes, width)
    pending = _below(root, strokes, "", both=both)
    while pending:
        start, indent, node = pending.pop()
        if isinstance(node, int):
            yield f"{start}{node} more"
        else:
            yield _line(start, node, strokes, width)
            pending.extend(_below(node, strokes, indent))
    if both and root.children:
        legend = f"{strokes.up} it came from this  {strokes.down} this was made from it"
        yield click.style(legend if width is None else fit(legend, width), dim=True)


def plain_lines(root: LineageNode) -> Iterator[str]:
    """Yield the lines of a lineage for somebody who hears them: words and indentation, whole values, no drawing."""
    yield _plain_line(root)
    for way, title in (("up", "came from:"), ("down", "went into:")):
        pending = [(1, child) for child in reversed(root.children) if child.direction == way]
        if pending:
            yield title
        while pending:
            depth, node = pending.pop()
            yield f"{'  ' * depth}{_plain_line(node)}"
            if node.hidden:
                yield f"{'  ' * (depth + 1)}{node.hidden} more, not shown"
            pending.extend((depth + 1, child) for child in reversed(node.children))
    if root.hidden:
        yield f"{root.hidden} more next to {plain(root.label)}, not shown"


def path_lines(nodes: Sequence[LineageNode], *, plainly: bool) -> Iterator[str]:
    """Yield a path, each line made from the one above it."""
    strokes = _strokes()
    for number, node in enumerate(nodes):
        if plainly:
            yield f"{'led to ' if number else ''}{_plain_line(node)}"
        else:
            yield _line(f"{strokes.down} " if number else "  ", node, strokes, terminal_width())


def _plain_line(node: LineageNode) -> str:
    parts = [node.label, *(["see above"] if node.repeated else [_status(node), node.detail])]
    return ", ".join(plain(part) for part in parts if part)


def _strokes() -> _Strokes:
    return _LINES if (sys.stdout.encoding or "").lower().replace("-", "") == "utf8" else _ASCII


def _below(
    node: LineageNode, strokes: _Strokes, indent: str, *, both: bool = False
) -> list[tuple[str, str, LineageNode | int]]:
    """Return what hangs on a node, the last one first: how its line starts, how those below it do, and itself."""
    found: list[tuple[str, str, LineageNode | int]] = []
    if node.hidden:
        found.append((f"{indent}{strokes.last}", "", node.hidden))
    for child in reversed(node.children):
        arrow = f"{strokes.up if child.direction == 'up' else strokes.down} " if both else ""
        stroke, passing = (strokes.branch, strokes.pass_by) if found else (strokes.last, "   ")
        found.append((f"{indent}{stroke}{arrow}", indent + passing, child))
    return found


def _line(start: str, node: LineageNode, strokes: _Strokes, width: int | None) -> str:
    label = plain(node.label, limit=_LONGEST_NAME)
    parts = ["see above"] if node.repeated else [_status(node), node.detail]
    facts = f" {strokes.dot} ".join(plain(part, limit=_LONGEST_NAME) for part in parts if part)
    if width is not None:
        label = fit(label, max(8, width - cells(start)))
        facts = fit(facts, width - cells(start) - cells(label) - 2)
    shown = click.style(label, bold=True) if node.kind == "execution" else label
    return f"{start}{shown}{click.style(f'  {facts}', dim=True) if facts else ''}"


def _status(node: LineageNode) -> str:
    return f"{node.status} {age(time.time() - node.at)} ago" if node.status else ""
