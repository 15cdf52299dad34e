"""`shoal init`."""

from __future__ import annotations

from pathlib import Path

import click

from cli.opened import opened
from cli.output import note
from core.text import plain


@click.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".")
@click.option("--project", metavar="NAME", help="The project's name (default: the directory's).")
@click.option(
    "--joiner",
    type=click.Choice(["newline", "and"]),
    help="How the project runs a command's lines: newline, all of them, and the last one's status counts; and, until"
    " one fails.",
)
def init(directory: Path, project: str | None, joiner: str | None) -> None:
    """Link a directory to a project.

    DIRECTORY is this one by default. Shoal's home, the project and a first valohai.yaml are made where missing.
    """
    from core.projects.linking import link_directory  # noqa: PLC0415

    here = opened(create=True).session()
    directory = directory.resolve()
    linked, is_new, written = link_directory(here, directory, project)
    if joiner is not None:
        here.projects.set(linked, command_joiner=joiner)
    click.echo(f"{plain(str(directory))} is linked to {'the new ' if is_new else ''}project {plain(linked.name)}")
    if written is not None:
        click.echo(f"{plain(str(written))} is new: a first step that runs as it is")
        note("next: `shoal run hello --adhoc --watch`")
    else:
        note("next: `shoal lint`, then `shoal run STEP --adhoc --watch`")
