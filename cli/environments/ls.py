"""`shoal environments ls`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli.opened import session
from cli.options import json_option, plain_option
from cli.output import Column, print_json, print_list
from core.quantities import duration

if TYPE_CHECKING:
    from core.environments import Environment
    from core.session import Session

_COLUMNS = (
    Column("ENVIRONMENT", flexible=True),
    Column("NAME", flexible=True),
    Column("BUSY", right=True),
    Column("IDLE", right=True),
    Column("WAITING", right=True),
    Column("SCALE", right=True),
    Column("GRACE", right=True),
    Column("QUOTA", right=True),
    Column("STATE"),
)


@click.command()
@plain_option
@json_option
def ls(*, as_json: bool, as_plain: bool) -> None:
    """List environments: their machines, what waits for them, and their limits."""
    here = session()
    environments = here.environments.list()
    if as_json:
        print_json([_document(here, environment) for environment in environments])
    else:
        print_list(_COLUMNS, [_cells(here, environment) for environment in environments], plainly=as_plain)


def _cells(here: Session, environment: Environment) -> tuple[str, ...]:
    machines = here.environments.machines(environment)
    busy = sum(machine.execution_id is not None for machine in machines)
    return (
        environment.slug,
        environment.name,
        str(busy),
        str(len(machines) - busy),
        str(here.environments.waiting(environment)),
        f"{environment.minimum_scale}-{environment.maximum_scale}",
        duration(environment.scale_down_grace_period),
        str(environment.per_user_quota or "none"),
        "enabled" if environment.enabled else "disabled",
    )


def _document(here: Session, environment: Environment) -> dict[str, Any]:
    from core.resources.fields import environment_fields, machine_fields  # noqa: PLC0415

    return {
        **environment_fields(environment),
        "waiting": here.environments.waiting(environment),
        "machines": [machine_fields(machine) for machine in here.environments.machines(environment)],
    }
