"""`shoal files download`."""

from __future__ import annotations

from pathlib import Path

import click

from cli.completing import complete_files
from cli.opened import project_of, session
from cli.options import json_option, project_option
from cli.output import print_json
from cli.progress import progress_bar
from core.quantities import size
from core.text import plain


@click.command()
@click.argument("references", metavar="FILE...", nargs=-1, required=True, shell_complete=complete_files)
@click.option(
    "-o",
    "--output",
    "destination",
    type=click.Path(path_type=Path),
    default=".",
    help="A directory, or the new file's path (default: this directory).",
)
@click.option("--overwrite", is_flag=True, help="Replace a file that lies there.")
@project_option
@json_option
def download(
    references: tuple[str, ...], destination: Path, project: str | None, *, overwrite: bool, as_json: bool
) -> None:
    """Copy FILEs, named by id, datum://…, alias or name (the newest), to this machine, verified by checksum."""
    here = session()
    of = project_of(here, project)
    found = [here.files.get(of, reference) for reference in references]
    written = []
    for file in found:
        with progress_bar(f"downloading {file.name}") as progress:
            path = here.files.download(file, destination, progress, overwrite=overwrite)
        written.append({"uuid": file.uuid, "name": file.name, "path": str(path), "size": file.size})
        if not as_json:
            click.echo(f"{plain(str(path))}  {size(file.size)}")
    if as_json:
        print_json(written)
