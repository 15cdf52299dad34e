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
def init(directory: Path, project: str | None) -> None:
    """Link a DIRECTORY (default: this one) to a project; home, project and valohai.yaml are made where missing."""
    here = opened(create=True).session()
    directory = directory.resolve()
    linked, made = _project(here, directory, project)
    here.projects.link(directory, linked)
    click.echo(f"{plain(str(directory))} is linked to {'the new ' if made else ''}project {plain(linked.name)}")
    from core.projects.first_manifest import write_first_manifest  # noqa: PLC0415

    written = write_first_manifest(directory, linked.yaml_path)
    if written is not None:
        click.echo(f"{plain(str(written))} is new: a first step that runs as it is")
        note("next: `shoal run hello --adhoc --watch`")
    else:
        note("next: `shoal lint`, then `shoal run STEP --adhoc --watch`")


def _project(here: Session, directory: Path, name: str | None) -> tuple[Project, bool]:
    """Return the project to link, and whether it is new: the one named, the one linked already, or the directory's."""
    if name is None:
        try:
            return here.projects.linked(directory), False
        except NotFoundError:
            name = directory.name or "project"
    try:
        return here.projects.get(name), False
    except NotFoundError:
        return here.projects.create(name), True
