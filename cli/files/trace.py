"""`shoal files trace`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from cli.completing import complete_files
from cli.opened import project_of, session
from cli.options import json_option, project_option
from core.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.lineage_export import Format, Graph
    from core.lineage_node import LineageNode, NodeKey
    from core.projects.service import Project
    from core.session import Session

Form = Literal["tree", "plain", "json", "dot", "mermaid"]


@click.command()
@click.argument("reference", metavar="FILE", shell_complete=complete_files)
@project_option
@click.option("--depth", type=click.IntRange(1, 100), default=6, show_default=True, help="How many steps to go.")
@click.option("--up", is_flag=True, help="Only what it came from.")
@click.option("--down", is_flag=True, help="Only what came from it.")
@click.option(
    "--path-to", "other", metavar="FILE", shell_complete=complete_files, help="Only the shortest path to another."
)
@click.option(
    "--plain", is_flag=True, help="Print words and indentation in place of lines and arrows, and nothing cut."
)
@json_option
@click.option("--dot", is_flag=True, help="Print a graph for Graphviz's dot.")
@click.option("--mermaid", is_flag=True, help="Print a graph for Mermaid, as Markdown shows it.")
def trace(
    reference: str,
    project: str | None,
    depth: int,
    other: str | None,
    *,
    up: bool,
    down: bool,
    as_json: bool,
    **forms: bool,
) -> None:
    """Show where a FILE came from and what was made from it, as a tree.

    FILE is an id, datum://…, alias or name, then the newest; the last part of a name is enough. A number that is no
    file's name is an execution.
    """
    form = _form(json=as_json, **forms)
    here = session()
    of = project_of(here, project)
    key = _named(here, of, reference)
    if other is not None:
        from core.lineage_path import lineage_path  # noqa: PLC0415

        _print_path(lineage_path(here, key, _named(here, of, other)), form)
        return
    direction: Literal["up", "down", "both"] = "both" if up == down else "up" if up else "down"
    grown = here.lineage.of_file if key[0] == "file" else here.lineage.of_execution
    _print_tree(grown(key[1], depth=depth, direction=direction), form, both=direction == "both")


def _form(**forms: bool) -> Form:
    asked = [name for name, given in forms.items() if given]
    if len(asked) > 1:
        message = f"{' and '.join(f'--{name}' for name in asked)} are several forms: give one of them"
        raise InvalidInputError(message, field=asked[1])
    names: tuple[Form, ...] = ("plain", "json", "dot", "mermaid")
    return next((name for name in names if name in asked), "tree")


def _named(here: Session, project: Project, reference: str) -> NodeKey:
    """Return the file that has this name, before an execution that has this number."""
    from core.lineage_reference import resolve  # noqa: PLC0415

    try:
        return "file", here.files.get(project, reference).id
    except NotFoundError:
        return resolve(here, project, [reference])


def _print_tree(root: LineageNode, form: Form, *, both: bool) -> None:
    if form == "json":
        from cli.output import print_json  # noqa: PLC0415
        from core.resources.fields import lineage_fields  # noqa: PLC0415

        print_json(lineage_fields(root))
    elif form in ("dot", "mermaid"):
        from core.lineage_export import graph  # noqa: PLC0415

        _print_graph(graph(root), form)
    else:
        from cli.files.tree import plain_lines, tree_lines  # noqa: PLC0415

        click.echo("\n".join(plain_lines(root) if form == "plain" else tree_lines(root, both=both)))


def _print_path(nodes: Sequence[LineageNode], form: Form) -> None:
    if form == "json":
        from cli.output import print_json  # noqa: PLC0415
        from core.resources.fields import lineage_fields  # noqa: PLC0415

        print_json([lineage_fields(node) for node in nodes])
    elif form in ("dot", "mermaid"):
        from core.lineage_export import path_graph  # noqa: PLC0415

        _print_graph(path_graph(nodes), form)
    else:
        from cli.files.tree import path_lines  # noqa: PLC0415

        click.echo("\n".join(path_lines(nodes, plainly=form == "plain")))


def _print_graph(shown: Graph, form: Format) -> None:
    from core.lineage_export import export  # noqa: PLC0415

    click.echo(export(shown, form))
