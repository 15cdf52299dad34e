"""`shoal settings`: what an admin may change for the whole installation."""

from __future__ import annotations

import json
from typing import Any

import click

from cli.completing import complete_settings
from cli.opened import session
from cli.options import json_option
from cli.output import Column, json_text, print_json, print_table


@click.group()
def settings() -> None:
    """See and change the installation's settings."""


@settings.command()
@json_option
def ls(*, as_json: bool) -> None:
    """List the settings, their values and meanings."""
    from core.settings import SETTINGS  # noqa: PLC0415

    here = session()
    rows = [(key, here.settings.get(key), setting.meaning) for key, setting in SETTINGS.items()]
    if as_json:
        print_json([{"key": key, "value": value, "meaning": meaning} for key, value, meaning in rows])
    else:
        columns = (Column("SETTING"), Column("VALUE"), Column("MEANING", flexible=True))
        print_table(columns, [(key, json_text(value, indent=False), meaning) for key, value, meaning in rows])


@settings.command("set")
@click.argument("key", shell_complete=complete_settings)
@click.argument("value")
def set_value(key: str, value: str) -> None:
    """Give the setting KEY a VALUE, written as JSON: 30, or '["/data"]'."""
    here = session()
    read = _read(value)
    here.settings.set(key, read)
    click.echo(f"{key} = {json_text(read, indent=False)}")


def _read(text: str) -> Any:  # noqa: ANN401 - whatever JSON can hold; the settings know what they take
    try:
        return json.loads(text)
    except ValueError:
        return text
