"""`shoal doctor`."""

from __future__ import annotations

from dataclasses import asdict

import click

from cli.options import json_option, plain_option
from cli.output import note, print_json, print_plain
from core.home import Home
from core.text import plain

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@plain_option
@json_option
def doctor(*, as_json: bool, as_plain: bool) -> None:
    """Look the installation over.

    Home, disk, database, files, scheduler, clock and Docker, each with what to do about it; exits with 1 where one
    fails.
    """
    from core.doctor import examine  # noqa: PLC0415

    checks = []
    for check in examine(Home.default()):
        checks.append(check)
        if not (as_json or as_plain):
            click.echo(
                f"{click.style(f'{check.state:4}', fg=_COLOURS[check.state])}  {check.name:9}  {plain(check.message)}"
            )
            if check.next_step:
                click.echo(f"{'':17}→ {plain(check.next_step)}")
    if as_json:
        print_json([asdict(check) for check in checks])
    elif as_plain:
        facts = ((check.name, check.state, check.message, check.next_step) for check in checks)
        print_plain(("CHECK", "STATE", "MESSAGE", "NEXT STEP"), facts)
    failed = sum(check.state == "fail" for check in checks)
    if failed:
        if not as_json:
            note(f"{failed} of {len(checks)} checks failed")
        click.get_current_context().exit(1)
