"""`shoal executions stop`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import click

from cli.completing import complete_executions
from cli.opened import project_of, session
from cli.options import ExecutionNumber, json_option, project_option
from cli.output import print_json
from cli.started import note_missing_scheduler
from core.text import plain

if TYPE_CHECKING:
    from core.executions.execution import Execution


@click.command()
@click.argument(
    "numbers",
    metavar="NUMBER...",
    nargs=-1,
    required=True,
    type=ExecutionNumber(),
    shell_complete=complete_executions,
)
@project_option
@click.option("--reason", default="", help="Why; it is kept with the execution.")
@json_option
def stop(numbers: tuple[int | Literal["latest"], ...], project: str | None, reason: str, *, as_json: bool) -> None:
    """Stop executions: one that waits at once, one that runs with SIGTERM and its grace period."""
    here = session()
    of = project_of(here, project)
    stopped: list[dict[str, Any]] = []
    asked: list[Execution] = []
    for found in [here.executions.get(of, number) for number in numbers]:
        execution = here.executions.stop(found, reason)
        asked.append(execution)
        if as_json:
            from core.resources.fields import execution_fields  # noqa: PLC0415

            stopped.append(execution_fields(execution))
        else:
            click.echo(f"#{execution.counter} {plain(execution.step)} is {execution.status}")
    if as_json:
        print_json(stopped)
    else:
        note_missing_scheduler(here, asked)
