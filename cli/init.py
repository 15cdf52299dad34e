"""`shoal init`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.opened import opened
from cli.output import note
from core.errors import NotFoundError
from core.text import plain

if TYPE_CHECKING:
    from core.projects.service import Project
    from core.session import Session


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
    from core.projects.first_manifest import write_first_manifest  # noqa: PLC0415

    here = opened(create=True).session()
    directory = directory.resolve()
    name, found = _project(here, directory, project)
    # The file comes first: where it cannot be written, nothing is created.
    written = write_first_manifest(directory, *([found.yaml_path] if found else []))
    linked = found or here.projects.create(name)
    here.projects.link(directory, linked)
    if joiner is not None:
        here.projects.set(linked, command_joiner=joiner)
    click.echo(f"{plain(str(directory))} is linked to {'' if found else 'the new '}project {plain(linked.name)}")
    if written is not None:
        click.echo(f"{plain(str(written))} is new: a first step that runs as it is")
        note("next: `shoal run hello --adhoc --watch`")
    else:
        note("next: `shoal lint`, then `shoal run STEP --adhoc --watch`")


def _project(here: Session, directory: Path, name: str | None) -> tuple[str, Project | None]:
    """Return the name of the project to link, and that project where there is one.

    It is the one named, else the one linked already, else the one called as the directory.
    """
    if name is None:
        try:
            linked = here.projects.linked(directory)
        except NotFoundError:
            name = directory.name or "project"
        else:
            return linked.name, linked
    try:
        return name, here.projects.get(name)
    except NotFoundError:
        return name, None
