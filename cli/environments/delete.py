"""`shoal environments delete`: take one away, and move what waits there."""

from __future__ import annotations

import click

from cli.completing import complete_environments
from cli.opened import session
from cli.options import json_option
from cli.output import print_json
from cli.resource_options import decide, yes_option
from core.resources.environment_removal import removal_consequence


@click.command()
@click.argument("slug", metavar="ENVIRONMENT", shell_complete=complete_environments)
@click.option(
    "--move-to",
    metavar="ENVIRONMENT",
    shell_complete=complete_environments,
    help="Where what waits there goes; without it, nothing may wait.",
)
@yes_option
@json_option
def delete(slug: str, *, move_to: str | None, yes: bool, as_json: bool) -> None:
    """Delete an ENVIRONMENT in which nothing runs; what ran there stays."""
    here = session()
    here.require("environment.edit")
    environment = here.environments.get(slug)
    target = None if move_to is None else here.environments.get(move_to)
    decide(removal_consequence(here, environment, target), yes=yes)
    moved = here.environments.delete(environment.slug, move_to=move_to)
    if as_json:
        print_json({"environment": environment.slug, "moved": moved, "moved_to": target.slug if target else None})
        return
    told = f", and {moved} that waited there {'was' if moved == 1 else 'were'} moved to {target.slug}" if target else ""
    click.echo(f"environment {environment.slug} was deleted{told}")
