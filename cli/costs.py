"""`shoal cost`."""

from __future__ import annotations

import time

import click

from cli.completing import complete_environments
from cli.opened import session
from cli.options import json_option, plain_option
from cli.output import note, print_json
from cli.resource_output import print_rows
from core.quantities import iso_time
from core.resources.bill import BYS, DEFAULT_BY, DEFAULT_SINCE, bill_of, bill_told, cost_rows


@click.command()
@click.option(
    "--by", type=click.Choice(BYS), default=DEFAULT_BY, show_default=True, help="What the bill is divided by."
)
@click.option(
    "--since",
    default=DEFAULT_SINCE,
    show_default=True,
    metavar="AGE|DAY",
    help="When it begins: 7d, 12h, or 2026-11-01.",
)
@click.option("--environment", metavar="SLUG", shell_complete=complete_environments, help="Of one environment alone.")
@plain_option
@json_option
def costs(*, by: str, since: str, environment: str | None, as_json: bool, as_plain: bool) -> None:
    """Show what machines cost, and for whom.

    What nobody ran anything in is listed as start-up, grace (idle within the grace period) and idle (beyond it), so
    that the lines sum to the machines' bill.
    """
    from core.costs import total  # noqa: PLC0415
    from core.resources.costs import COSTS  # noqa: PLC0415

    here = session()
    now = time.time()
    bill = bill_of({"by": by, "since": since} | ({"environment": environment} if environment else {}))
    rows = cost_rows(here, bill, now)
    told = [text for text, _ in bill_told(rows, bill, now)]
    if as_json:
        whole = total([row.cost for row in rows])
        print_json(
            {
                "since": iso_time(bill.begin(now)),
                "until": iso_time(now),
                "total": {"seconds": round(whole.seconds, 6), "cost": whole.cost / 1_000_000},
                "costs": [*map(COSTS.as_json, rows)],
            }
        )
        return
    print_rows(COSTS, rows, filtered=False, as_json=False, as_plain=as_plain)
    if not as_plain:
        note(" · ".join(told))
