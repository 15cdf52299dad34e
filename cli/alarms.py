"""`shoal alarms`."""

from __future__ import annotations

import click

from cli.opened import session
from cli.options import json_option, plain_option
from cli.resource_output import print_rows


@click.command()
@plain_option
@json_option
def alarms(*, as_json: bool, as_plain: bool) -> None:
    """List what somebody should see to; exits with 1 where there is anything.

    A scheduler that does not answer, work that waits while nothing begins, a host that is down, machines that do not
    come up, a disk that fills.
    """
    from core.alarms import alarms as found  # noqa: PLC0415
    from core.resources.alarms import ALARMS  # noqa: PLC0415

    rows = found(session())
    print_rows(ALARMS, rows, filtered=False, as_json=as_json, as_plain=as_plain)
    if rows:
        click.get_current_context().exit(1)
