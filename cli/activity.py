"""`shoal activity`: who did what, listed or as it happens."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import click

from cli.opened import session
from cli.options import json_option, project_option
from cli.resource_group import ResourceGroup
from cli.resource_options import clean, conditions_given, project_given, where_options
from core.activity import BrowsedActivity
from core.quantities import clock_time
from core.resources.activity import ACTIVITY
from core.resources.resource import Query
from core.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core.activity import Activity
    from core.session import Session

POLL = 0.1
"""Seconds between two looks whether anything was committed, each of which takes microseconds."""


@click.group(
    cls=ResourceGroup,
    resource="activity",
    lazy={"follow": "cli.activity:follow"},
    aliases={"list": "ls", "info": "show", "tail": "follow"},
)
def activity() -> None:
    """See who did what, and when."""


@click.command()
@click.option("--filter", "text", default="", metavar="TEXT", help="Only what shows every word of this.")
@click.option("--invert", "inverted", is_flag=True, help="With --filter: only what does not.")
@click.option(
    "--last", default=10, show_default=True, type=click.IntRange(0, 1000), help="Begin with so many of before."
)
@where_options("; ".join(f"{each.key}: {each.meaning}" for each in ACTIVITY.filters))[0]
@project_option
@click.option("--all-projects", is_flag=True, help="Whatever the project.")
@json_option
def follow(*, text: str, inverted: bool, last: int, as_json: bool, **given: Any) -> None:  # noqa: ANN401
    """Print what is done, as it is done, until ctrl+c: a line each, or a JSON document on a line of its own."""
    here = session()
    where = conditions_given(ACTIVITY, given["conditions"])
    query = Query(project_given(here, ACTIVITY, given), clean(text), inverted=inverted, where=where)
    for rows in _followed(here, query, last):
        _print(rows, as_json=as_json)


def _followed(here: Session, query: Query, last: int) -> Iterator[Sequence[Activity]]:
    """Yield the last changes, and then what comes after them."""
    from core.feed import newest_change  # noqa: PLC0415

    source = BrowsedActivity()
    version = here.database.data_version()
    seen = newest_change(here)
    shown: list[int] = []
    for part in source.ids(here, query) if last else ():
        shown += part
        if len(shown) >= last:
            break
    rows = source.rows(here, shown[:last])
    yield [rows[seq] for seq in sorted(rows) if seq <= seen]
    while True:
        while here.database.data_version() == version:
            time.sleep(POLL)
        version = here.database.data_version()
        newest = newest_change(here)
        yield from source.between(here, query, seen, newest)
        seen = max(seen, newest)


def _print(rows: Sequence[Activity], *, as_json: bool) -> None:
    for row in rows:
        if as_json:
            click.echo(json.dumps(ACTIVITY.as_json(row), ensure_ascii=False))
        else:
            when, who = click.style(clock_time(row.at), dim=True), f"{plain(row.who):10}"
            subject = f"{row.kind} {row.subject}".strip()
            project = click.style(f" ({plain(row.project)})", dim=True) if row.project else ""
            click.echo(f"{when}  {who}  {plain(subject)}{project}: {plain(row.told)}")
