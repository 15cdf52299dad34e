"""`shoal environments set` and `create`: one option for each limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.completing import complete_environments, completer
from cli.opened import session
from cli.options import json_option
from cli.output import note, print_json
from core.environment_loads import load
from core.environments import LIMITS
from core.resources.environment_form import consequence
from core.resources.environment_limits import CHOICES, FLAGS, shown_limit
from core.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.completing import Completer
    from core.environments import Environment

_SHORTER = {"scale_down_grace_period": "--grace"}


def _completer_of(limit: str) -> Completer:
    return completer(
        lambda _: iter([(value, "") for value in (("on", "off") if limit in FLAGS else CHOICES.get(limit, ()))])
    )


def _limit_options(command: Callable[..., None]) -> Callable[..., None]:
    for name, limit in reversed(LIMITS.items()):
        spellings = [f"--{name.replace('_', '-')}", *filter(None, [_SHORTER.get(name)])]
        option = click.option(
            *spellings,
            name,
            metavar="VALUE",
            shell_complete=_completer_of(name),
            help=f"{limit.meaning[0].upper()}{limit.meaning[1:]}.",
        )
        command = option(command)
    return command


@click.command("set")
@click.argument("slug", metavar="ENVIRONMENT", shell_complete=complete_environments)
@_limit_options
@json_option
def set_limits(slug: str, *, as_json: bool, **limits: str | None) -> None:
    """Change limits of an ENVIRONMENT; what runs goes on."""
    given = {name: value for name, value in limits.items() if value is not None}
    here = session()
    before = here.environments.get(slug)
    foretold = consequence(here, load(here, before), given)
    after = here.environments.set(before.slug, **given)
    if as_json:
        _print_json(after)
        return
    if foretold:
        note(foretold)
    changed = [name for name in LIMITS if getattr(before, name) != getattr(after, name)]
    for name in changed:
        click.echo(f"{name}: {plain(shown_limit(before, name))} → {plain(shown_limit(after, name))}")
    if not changed:
        note("nothing changed: see `shoal environments set --help` for the limits")


@click.command()
@click.argument("slug")
@_limit_options
@json_option
def create(slug: str, *, as_json: bool, **limits: str | None) -> None:
    """Add an environment of machines on this Docker Engine, called SLUG."""
    created = session().environments.create(
        slug, **{name: value for name, value in limits.items() if value is not None}
    )
    if as_json:
        _print_json(created)
    else:
        click.echo(f"environment {created.slug} is there: `shoal run STEP --environment {created.slug}` uses it")


def _print_json(environment: Environment) -> None:
    from core.resources.fields import environment_fields  # noqa: PLC0415

    print_json(environment_fields(environment))
