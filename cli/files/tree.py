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
    """Yield the lines of a lineage, each at most as wide as the terminal.

    With `both`, each branch of the root says whether it leads up, to what the root came from, or down.
    """
    strokes = _LINES if (sys.stdout.encoding or "").lower().replace("-", "") == "utf8" else _ASCII
    width = terminal_width()
    yield _line("", root, strokes, width)
    yield from _branches(root, strokes, "", width, both=both)


def _branches(
    node: LineageNode, strokes: _Strokes, indent: str, width: int | None, *, both: bool = False
) -> Iterator[str]:
    remaining = len(node.children) + (node.hidden > 0)
    for child in node.children:
        remaining -= 1
        arrow = f"{strokes.up if child.direction == 'up' else strokes.down} " if both else ""
        yield _line(f"{indent}{strokes.branch if remaining else strokes.last}{arrow}", child, strokes, width)
        yield from _branches(child, strokes, indent + (strokes.pass_by if remaining else "   "), width)
    if node.hidden:
        yield f"{indent}{strokes.last}{node.hidden} more"


def _line(start: str, node: LineageNode, strokes: _Strokes, width: int | None) -> str:
    label = plain(node.label, limit=_LONGEST_NAME)
    parts = ["shown elsewhere in this tree"] if node.repeated else [_status(node), node.detail]
    facts = f" {strokes.dot} ".join(plain(part, limit=_LONGEST_NAME) for part in parts if part)
    if width is not None:
        label = fit(label, max(8, width - cells(start)))
        facts = fit(facts, width - cells(start) - cells(label) - 2)
    shown = click.style(label, bold=True) if node.kind == "execution" else label
    return f"{start}{shown}{click.style(f'  {facts}', dim=True) if facts else ''}"


def _status(node: LineageNode) -> str:
    return f"{node.status} {age(time.time() - node.at)} ago" if node.status else ""
