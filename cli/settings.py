"""`shoal settings`: what an admin may change for the whole installation."""

from __future__ import annotations

import click

from cli.completing import complete_settings
from cli.opened import session
from cli.options import json_option, plain_option
from cli.output import Column, print_json, print_list
from cli.resource_group import ResourceGroup
from core.json_text import json_text


@click.group(
    cls=ResourceGroup,
    resource="settings",
    lazy={"ls": "cli.settings:ls", "set": "cli.settings:set_value"},
    aliases={"list": "ls", "info": "show", "edit": "set"},
)
def settings() -> None:
    """See and change the installation's settings."""


@click.command()
@plain_option
@json_option
def ls(*, as_json: bool, as_plain: bool) -> None:
    """List the settings, their values and meanings."""
    from core.settings import SETTINGS  # noqa: PLC0415

    here = session()
    rows = [(key, here.settings.get(key), setting.meaning) for key, setting in SETTINGS.items()]
    if as_json:
        print_json([{"key": key, "value": value, "meaning": meaning} for key, value, meaning in rows])
        return
    columns = (Column("SETTING"), Column("VALUE"), Column("MEANING", flexible=True))
    print_list(
        columns, [(key, json_text(value, indent=False), meaning) for key, value, meaning in rows], plainly=as_plain
    )


@click.command("set")
@click.argument("key", shell_complete=complete_settings)
@click.argument("value")
def set_value(key: str, value: str) -> None:
    """Give the setting KEY a VALUE, written as JSON: 30, or '["/data"]'."""
    from core.settings import read_value  # noqa: PLC0415 - completing needs none

    here = session()
    read = read_value(value)
    here.settings.set(key, read)
    click.echo(f"{key} = {json_text(read, indent=False)}")
