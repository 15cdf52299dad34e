"""`shoal environments simulate`: what other settings would have done."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from cli.completing import complete_environments
from cli.opened import session
from cli.options import json_option, plain_option
from cli.output import Column, note, print_json, print_plain, print_table
from core.errors import InvalidInputError
from core.quantities import iso_time, read_since

if TYPE_CHECKING:
    from core.environments.what_if import WhatIf

_MADE_UP = 2_000


@click.command()
@click.argument("slug", metavar="ENVIRONMENT", shell_complete=complete_environments)
@click.option("--max", "maximum_scale", metavar="N", help="Maximum scale: machines at most.")
@click.option("--min", "minimum_scale", metavar="N", help="Minimum scale: machines always kept once launched.")
@click.option("--grace", "scale_down_grace_period", metavar="TIME", help="How long an idle machine is kept: 90s, 15m.")
@click.option("--quota", "per_user_quota", metavar="N", help="Machines that one user may use at once, 0 for no limit.")
@click.option("--price", "price_per_hour", metavar="PRICE", help="Price of one machine hour, such as 1.25.")
@click.option(
    "--since", default="7d", show_default=True, metavar="AGE|DAY", help="Replay from here on: 7d, 12h, or 2026-11-01."
)
@click.option("--synthetic", is_flag=True, help="Replay a made-up week of a team in the place of what was recorded.")
@plain_option
@json_option
def simulate(*, slug: str, since: str, synthetic: bool, as_plain: bool, as_json: bool, **limits: str | None) -> None:
    """Replay what an ENVIRONMENT was asked for, with other settings; nothing is changed.

    Both today's settings and the others are simulated by the scheduler's own plan, and compared; beside them stands
    what was measured.
    """
    from core.environments.what_if import what_if  # noqa: PLC0415
    from core.scheduler.synthetic_load import synthetic_load  # noqa: PLC0415 - with what it simulates

    here = session()
    environment = here.environments.get(slug)
    answers = {name: text for name, text in limits.items() if text is not None}
    # Half of today's machines are busy on average: enough to wait in the rush of a day, and to be through by night.
    load = synthetic_load(_MADE_UP, machines=max(1, environment.maximum_scale) / 2) if synthetic else None
    result = what_if(here, environment, answers, _since(since), load=load)
    if as_json:
        print_json(_fields(environment.slug, result))
    else:
        _print(result, plainly=as_plain)


def _since(text: str) -> float:
    try:
        return read_since(text, time.time())
    except ValueError as error:
        message = f"--since cannot be {text!r:.120}: it takes 7d, 12h, or a day that has begun, such as 2026-11-01"
        raise InvalidInputError(message, field="since") from error


def _print(result: WhatIf, *, plainly: bool) -> None:
    from core.environments.what_if import in_short  # noqa: PLC0415
    from core.resources.what_if import FIGURES, made_of  # noqa: PLC0415

    if result.today is None or result.proposed is None:
        note(result.missing)
        return
    outcomes = [result.today, result.proposed, *([result.measured] if result.measured else [])]
    titles = ["", "TODAY'S SETTINGS", "THESE SETTINGS", *(["MEASURED"] if result.measured else [])]
    rows = [[figure.label, *(figure.text(each) for each in outcomes)] for figure in FIGURES]
    if plainly:
        print_plain(["FIGURE", *titles[1:]], rows)
        return
    click.echo(in_short(result.today, result.proposed))
    click.echo()
    print_table([Column(title, right=bool(title)) for title in titles], rows)
    for sentence in made_of(result):
        note(sentence)


def _fields(slug: str, result: WhatIf) -> dict[str, Any]:
    from core.environments.what_if import in_short  # noqa: PLC0415
    from core.resources.what_if import FIGURES  # noqa: PLC0415

    history = result.history
    fields: dict[str, Any] = {
        "environment": slug,
        "since": iso_time(result.since),
        "until": iso_time(result.until),
        "made_up": history.is_made_up,
        "executions": {
            "ended": history.ended,
            "running": history.running,
            "waiting": history.waiting,
            "withdrawn": history.withdrawn,
        },
        "resolution": result.resolution,
        "missing": result.missing or None,
    }
    if result.today is not None and result.proposed is not None:
        fields["in_short"] = in_short(result.today, result.proposed)
        for name, outcome in (("today", result.today), ("proposed", result.proposed), ("measured", result.measured)):
            fields[name] = None if outcome is None else {figure.key: figure.value(outcome) for figure in FIGURES}
    return fields
