"""`shoal executions ls`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from cli.completing import complete_statuses
from cli.executions.status import coloured
from cli.opened import project_of, session
from cli.options import after_option, json_option, limit_option, plain_option, project_option
from cli.output import Column, note, print_json, print_list
from core.errors import InvalidInputError
from core.quantities import age, duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.executions.execution import Execution
    from core.session import Session

_COLUMNS = (
    Column("#", right=True),
    Column("STATUS", style=coloured),
    Column("STEP", flexible=True),
    Column("AGE", right=True),
    Column("RAN", right=True),
    Column("ENVIRONMENT", flexible=True),
    Column("DETAIL", flexible=True),
)
_PLAIN_ONLY = (Column("WHO"), Column("MACHINE"), Column("TAGS"))
"""What a terminal has no room for."""


@click.command()
@project_option
@click.option("--all-projects", is_flag=True, help="List those of every project.")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    shell_complete=complete_statuses,
    help="Only those with this status; may be given several times.",
)
@click.option("--tag", help="Only those with this tag.")
@click.option("--creator", metavar="USER", help="Only those that this user created.")
@click.option("--sort", "key", metavar="KEY", help="By the latest value of this metadata key, largest first.")
@click.option("--ascending", is_flag=True, help="With --sort: smallest first.")
@limit_option
@after_option
@plain_option
@json_option
def ls(
    project: str | None,
    statuses: tuple[str, ...],
    tag: str | None,
    creator: str | None,
    key: str | None,
    limit: int,
    after: int | None,
    *,
    all_projects: bool,
    ascending: bool,
    as_json: bool,
    as_plain: bool,
) -> None:
    """List executions, newest first, or sorted by a metadata key."""
    here = session()
    if key is not None:
        if all_projects or statuses or tag or creator or after is not None:
            message = "--sort lists one project whole: give it without other filters"
            raise InvalidInputError(message, field="sort")
        from cli.executions.ranking import print_ranking  # noqa: PLC0415

        of = project_of(here, project)
        print_ranking(here, of, key, ascending=ascending, limit=limit, as_json=as_json, as_plain=as_plain)
        return
    page = here.executions.list(
        None if all_projects else project_of(here, project),
        statuses=statuses,
        tag=tag,
        creator=creator,
        limit=limit,
        after=after,
    )
    if as_json:
        from core.resources.fields import execution_fields  # noqa: PLC0415

        print_json([execution_fields(execution) for execution in page.rows])
    elif page.rows or as_plain:
        _print(here, page.rows, all_projects=all_projects, plainly=as_plain)
    else:
        note("no executions here: `shoal run STEP --watch` starts one")
    if page.next is not None:
        note(f"more follow: --after {page.next}")
    if not (as_json or as_plain) and any(not execution.is_final for execution in page.rows):
        from cli.started import note_missing_scheduler  # noqa: PLC0415

        note_missing_scheduler(here, page.rows)


def _print(here: Session, executions: Sequence[Execution], *, all_projects: bool, plainly: bool) -> None:
    now = time.time()
    columns = (*_COLUMNS, *_PLAIN_ONLY) if plainly else _COLUMNS
    rows = [_cells(execution, now)[: len(columns)] for execution in executions]
    if not all_projects:
        print_list(columns, rows, plainly=plainly)
        return
    names = {project.id: project.name for project in here.projects.list()}
    named = [(names.get(execution.project_id, ""), *row) for execution, row in zip(executions, rows, strict=True)]
    print_list((Column("PROJECT", flexible=True), *columns), named, plainly=plainly)


def _cells(execution: Execution, now: float) -> tuple[str, ...]:
    ran = execution.duration(now)
    return (
        str(execution.counter),
        execution.status,
        execution.step,
        age(now - execution.created_at),
        "" if ran is None else duration(ran),
        execution.environment,
        " · ".join(filter(None, (execution.title, "" if execution.status == "complete" else execution.reason))),
        execution.user,
        execution.machine or "",
        " ".join(execution.tags),
    )
