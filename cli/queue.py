"""`shoal queue`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli.completing import complete_environments, complete_projects
from cli.opened import session
from cli.options import json_option, limit_option, plain_option
from cli.output import note
from cli.resource_options import clean, first_rows, sort_given
from cli.resource_output import print_rows
from cli.started import SchedulerLookout

if TYPE_CHECKING:
    from core.session import Session

FILTERS = ("environment", "user", "project", "team", "status")


def _known(here: Session, name: str, value: str) -> str:
    """Return what a filter names, as the list calls it: of a name that nothing has the queue would look empty."""
    if name == "environment":
        return here.environments.get(value).slug
    if name == "user":
        return here.members.get(value).name
    if name == "team":
        return here.teams.get(value).name
    return here.projects.get(value).name if name == "project" else value


@click.command()
@click.option("--environment", metavar="SLUG", shell_complete=complete_environments, help="Of one environment.")
@click.option("--user", metavar="NAME", help="What this person created.")
@click.option("--project", metavar="NAME", shell_complete=complete_projects, help="Of one project.")
@click.option("--team", metavar="NAME", help="What counts for this team.")
@click.option("--status", metavar="STATUS", help="created, queued, started or stopping; several after commas.")
@click.option("--filter", "text", default="", metavar="TEXT", help="Only those that show every word of this.")
@click.option("--invert", "inverted", is_flag=True, help="With --filter: only those that do not.")
@click.option(
    "--sort", "key", metavar="KEY", help="By this column: environment, user, project, team, step, number, age."
)
@click.option("--reverse", is_flag=True, help="The other way round.")
@limit_option
@plain_option
@json_option
def queue(*, key: str | None, limit: int, as_json: bool, as_plain: bool, **given: Any) -> None:  # noqa: ANN401
    """Show what runs and what waits in all environments: in which order, why, and when it starts.

    What waits has its place in the queue of its environment; what a quota keeps has none before it is let in.
    `shoal executions why NUMBER` says more about one of them.
    """
    from core.resources.queue import QUEUE  # noqa: PLC0415 - the help needs none
    from core.resources.resource import Query  # noqa: PLC0415

    here = session()
    where = {name: _known(here, name, clean(given[name])) for name in FILTERS if given[name] is not None}
    query = Query(
        text=clean(given["text"]),
        inverted=given["inverted"],
        where=where,
        sort=sort_given(QUEUE, key),
        descending=given["reverse"],
    )
    rows, more = first_rows(here, QUEUE, query, limit)
    print_rows(QUEUE, rows, filtered=bool(query.text or where), as_json=as_json, as_plain=as_plain)
    if not (as_json or as_plain):
        assert QUEUE.summary is not None  # noqa: S101 - it has one
        note(" · ".join(part for part, _ in QUEUE.summary(here, query)))
        if any(row.waits for row in rows):
            SchedulerLookout(here).look()
    if more:
        note(f"more follow: --limit {min(10_000, limit * 10)} lists more of them")
