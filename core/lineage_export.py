"""A lineage as a graph of nodes and edges, written for other programs: Graphviz, Mermaid, whatever reads JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import count, pairwise
from typing import TYPE_CHECKING, Literal

from core.errors import UnavailableError
from core.quantities import iso_time
from core.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from core.lineage_node import LineageNode

Format = Literal["dot", "mermaid", "json"]
EXTENSIONS: Mapping[Format, str] = {"dot": "dot", "mermaid": "mmd", "json": "json"}
"""What the name of a file of each format ends with."""

_LONGEST = 200
_DOT_SHAPES = {"file": "note", "execution": "box", "source": "folder"}
_MERMAID_SHAPES = {"file": ("[", "]"), "execution": ("([", "])"), "source": ("[(", ")]")}


@dataclass(frozen=True, slots=True)
class Graph:
    """Each node once, by a name that lasts: its uuid, or for a source its number among the sources of this graph.

    An edge leads from what was taken to what was made. `hidden` tells of how many neighbours of a node are not here.
    """

    nodes: Mapping[str, LineageNode]
    edges: Sequence[tuple[str, str]]
    hidden: Mapping[str, int]


def graph(root: LineageNode) -> Graph:
    """Return the graph of a tree, in which what is repeated is one node."""
    names = _Names()
    edges: dict[tuple[str, str], None] = {}
    hidden: dict[str, int] = {}
    pending = [root]
    while pending:
        node = pending.pop()
        name = names.of(node)
        if node.hidden:
            hidden[name] = hidden.get(name, 0) + node.hidden
        for child in node.children:
            edges[(names.of(child), name) if child.direction == "up" else (name, names.of(child))] = None
            pending.append(child)
    return Graph(names.nodes, [*edges], hidden)


def path_graph(nodes: Sequence[LineageNode]) -> Graph:
    """Return the graph of nodes each of which came from the one before it."""
    named = {node.uuid: node for node in nodes}
    names = [*named]
    return Graph(named, [*pairwise(names)], {})


def export(shown: Graph, form: Format) -> str:
    """Return a graph in a format, without a newline at its end."""
    if form == "json":
        return json.dumps(_document(shown), indent=2)
    return "\n".join(_dot(shown) if form == "dot" else _mermaid(shown))


def write(text: str, form: Format, directory: Path, stem: str) -> Path:
    """Write a text beside what lies in a directory already; return where.

    Raises:
        UnavailableError: the directory cannot be written.
    """
    name = "".join(character if character.isalnum() or character in "-_." else "_" for character in stem)[:80].lstrip(
        "."
    )
    for number in count(1):
        path = directory / f"{name}{'' if number == 1 else f'-{number}'}.{EXTENSIONS[form]}"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(f"{text}\n")
        except FileExistsError:
            continue
        except OSError as error:
            message = f"{path} cannot be written ({error.strerror}): go to a directory of your own"
            raise UnavailableError(message) from error
        return path
    raise AssertionError


class _Names:
    def __init__(self) -> None:
        self.nodes: dict[str, LineageNode] = {}
        self._sources: dict[tuple[str, str], str] = {}

    def of(self, node: LineageNode) -> str:
        name = node.uuid
        if node.kind == "source":
            content = (node.label, node.detail)
            name = self._sources.setdefault(content, f"source-{len(self._sources) + 1}")
        self.nodes.setdefault(name, node)
        return name


def _document(shown: Graph) -> dict[str, object]:
    return {
        "nodes": [
            {
                "id": name,
                "kind": node.kind,
                "name": node.label,
                "detail": node.detail,
                "status": node.status,
                "at": iso_time(node.at) if node.at else None,
                "hidden": shown.hidden.get(name, 0),
            }
            for name, node in shown.nodes.items()
        ],
        "edges": [{"from": source, "to": target} for source, target in shown.edges],
    }


def _label(node: LineageNode) -> str:
    return " ".join(filter(None, (plain(node.label, limit=_LONGEST), node.status)))


def _dot(shown: Graph) -> Iterator[str]:
    yield "digraph lineage {"
    yield "  rankdir=LR;"
    for name, node in shown.nodes.items():
        more = f" (+{shown.hidden[name]:,})" if name in shown.hidden else ""
        yield f"  {_quoted(name)} [label={_quoted(_label(node) + more)}, shape={_DOT_SHAPES[node.kind]}];"
    for source, target in shown.edges:
        yield f"  {_quoted(source)} -> {_quoted(target)};"
    yield "}"


def _quoted(text: str) -> str:
    # A label's backslash begins a command, such as \N, and its ampersand a character reference.
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
    return f'"{escaped}"'


def _mermaid(shown: Graph) -> Iterator[str]:
    yield "flowchart LR"
    short = {name: f"n{number}" for number, name in enumerate(shown.nodes, 1)}
    for name, node in shown.nodes.items():
        opening, closing = _MERMAID_SHAPES[node.kind]
        more = f" (+{shown.hidden[name]:,})" if name in shown.hidden else ""
        yield f'  {short[name]}{opening}"{_mermaid_text(_label(node) + more)}"{closing}'
    for source, target in shown.edges:
        yield f"  {short[source]} --> {short[target]}"


def _mermaid_text(text: str) -> str:
    """Escape all that could be Markdown, HTML or an end of the text; a list's number and the like only at its start."""
    escaped = [
        character
        if character.isalpha() or (position and (character.isalnum() or character in " ./-,"))
        else _code(character)
        for position, character in enumerate(text)
    ]
    return "".join(escaped)


def _code(character: str) -> str:
    return f"#{ord(character)};"
