"""`shoal files trace`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from cli.completing import complete_files
from cli.opened import project_of, session
from cli.options import json_option, project_option
from cli.output import json_text, print_json
from core.errors import InvalidInputError, NotFoundError
from core.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.lineage import LineageNode
    from core.projects.service import Project
    from core.session import Session
    from core.storage.files import File

_COMPARED = 1000
"""Newest files whose names are compared with one that is not found."""
_SHAPES = {"file": "note", "execution": "box", "source": "folder"}


@click.command()
@click.argument("reference", metavar="FILE", shell_complete=complete_files)
@project_option
@click.option("--depth", type=click.IntRange(1, 100), default=6, show_default=True, help="How many steps to go.")
@click.option("--up", is_flag=True, help="Only what it came from.")
@click.option("--down", is_flag=True, help="Only what came from it.")
@json_option
@click.option("--dot", is_flag=True, help="Print a graph for Graphviz's dot.")
def trace(reference: str, project: str | None, depth: int, *, up: bool, down: bool, as_json: bool, dot: bool) -> None:
    """Show where a FILE came from and what was made from it, as a tree.

    FILE is an id, datum://…, alias or name, then the newest; the last part of a name is enough.
    """
    if as_json and dot:
        message = "--json and --dot are two forms: give one of them"
        raise InvalidInputError(message, field="dot")
    here = session()
    file = _found(here, project_of(here, project), reference)
    direction: Literal["up", "down", "both"] = "both" if up == down else "up" if up else "down"
    root = here.lineage.of_file(file.id, depth=depth, direction=direction)
    if as_json:
        from cli.fields import lineage_fields  # noqa: PLC0415

        print_json(lineage_fields(root))
    elif dot:
        click.echo("\n".join(_dot_lines(root)))
    else:
        from cli.files.tree import tree_lines  # noqa: PLC0415

        click.echo("\n".join(tree_lines(root, both=direction == "both")))


def _found(here: Session, project: Project, reference: str) -> File:
    """Return the file that `reference` names, else the newest whose name ends with it.

    Raises:
        NotFoundError: there is none; the message offers the most similar name.
    """
    try:
        return here.files.get(project, reference)
    except NotFoundError as error:
        literally = "".join(f"[{character}]" if character in "*?[" else character for character in reference)
        if found := here.files.list(project, name=f"*/{literally}", limit=1).rows:
            return found[0]
        from core.projects.manifest import close_match  # noqa: PLC0415 - for a mistake only

        names = [file.name for file in here.files.list(project, limit=_COMPARED).rows]
        hint = close_match(reference, {*names, *(name.rpartition("/")[2] for name in names)})
        raise NotFoundError(f"{error.message}{hint}", field="file") from error


def _dot_lines(root: LineageNode) -> Iterator[str]:
    yield "digraph lineage {"
    yield "  rankdir=LR;"
    nodes: dict[str, LineageNode] = {}
    edges: dict[tuple[str, str], None] = {}
    pending = [root]
    while pending:
        node = pending.pop()
        nodes.setdefault(_key(node), node)
        for child in node.children:
            made = (_key(child), _key(node)) if child.direction == "up" else (_key(node), _key(child))
            edges[made] = None
            pending.append(child)
    for key, node in nodes.items():
        # A JSON text is what dot takes as a quoted one: its backslashes and quotes are escaped.
        yield f"  {json_text(key, indent=False)} [label={_label(node)}, shape={_SHAPES[node.kind]}];"
    for source, target in edges:
        yield f"  {json_text(source, indent=False)} -> {json_text(target, indent=False)};"
    yield "}"


def _key(node: LineageNode) -> str:
    return node.uuid or f"source {plain(node.label)}"


def _label(node: LineageNode) -> str:
    text = " ".join(filter(None, (plain(node.label, limit=200), node.status)))
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
