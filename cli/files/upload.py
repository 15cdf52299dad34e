"""`shoal files upload`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cli.opened import project_of, session
from cli.options import json_option, project_option
from cli.output import print_json
from cli.progress import progress_bar
from core.errors import InvalidInputError
from core.quantities import size
from core.text import plain


@click.command()
@click.argument("sources", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@project_option
@click.option("--name", help="Another name than the file's; for one file.")
@click.option("--tag", "tags", multiple=True, help="A tag; may be given several times.")
@click.option("--alias", help="Let this alias point to it; for one file.")
@json_option
def upload(
    sources: tuple[Path, ...],
    project: str | None,
    name: str | None,
    tags: tuple[str, ...],
    alias: str | None,
    *,
    as_json: bool,
) -> None:
    """Bring FILEs of this machine into the project's store; the same file again is the same one."""
    if len(sources) > 1 and (name or alias):
        message = "--name and --alias are for one file: upload them one by one"
        raise InvalidInputError(message, field="name" if name else "alias")
    here = session()
    of = project_of(here, project)
    stored: list[dict[str, Any]] = []
    for source in sources:
        with progress_bar(f"uploading {source}") as progress:
            file = here.files.upload(of, source, name=name, tags=tags, progress=progress)
        if alias:
            here.files.set_alias(of, alias, file)
            file = here.files.by_id(file.id)
        if as_json:
            from core.resources.fields import file_fields  # noqa: PLC0415

            stored.append(file_fields(file))
        else:
            click.echo(f"{file.uri}  {plain(file.name)}  {size(file.size)}")
    if as_json:
        print_json(stored)
