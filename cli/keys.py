"""`shoal keys`."""

from __future__ import annotations

import click

from cli.options import json_option, plain_option


@click.command()
@json_option
@plain_option
def keys(*, as_json: bool, as_plain: bool) -> None:
    """List the keys of the console, each with the id by which a keymap file changes it.

    The file is ~/.config/shoal/keymap.yaml (or the one that `shoal console --keymap` names); each of its lines gives an
    id other keys: `list.filter: f`, or `list.filter: f, ctrl+f`.
    """
    from cli.output import Column, print_json, print_list  # noqa: PLC0415
    from tui.all_keys import all_keys  # noqa: PLC0415 - it imports every screen

    every = all_keys()
    if as_json:
        print_json([{"id": key.id, "keys": [*key.keys], "title": key.title, "meaning": key.meaning} for key in every])
        return
    columns = [Column("ID"), Column("KEYS"), Column("MEANING", flexible=True)]
    print_list(columns, [(key.id, ", ".join(key.keys), key.meaning) for key in every], plainly=as_plain)
