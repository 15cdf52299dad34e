"""`shoal executions metadata`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal

import click

from cli.opened import project_of, session
from cli.options import execution_argument, json_option, plain_option, project_option
from cli.output import note, print_json, print_pairs, print_plain
from core.json_text import json_text, value_text
from core.quantities import iso_time
from core.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core.executions.execution import Execution
    from core.session import Session


@click.command()
@execution_argument
@click.argument("keys", nargs=-1)
@project_option
@plain_option
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print points as CSV, of all keys where none is given.")
def metadata(
    number: int | Literal["latest"],
    keys: tuple[str, ...],
    project: str | None,
    *,
    as_plain: bool,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Print the newest value of each metadata key, or every point of some KEYS.

    Points are printed with the number of their line in the log and their time: with --json one JSON object on each
    line, with --plain a tab between two values, else as CSV.
    """
    here = session()
    execution = here.executions.get(project_of(here, project), number)
    latest = here.executions.metadata_latest(execution)
    if not keys and not as_csv:
        _print_newest(latest, as_plain=as_plain, as_json=as_json)
        return
    for key in keys:
        if key not in latest:
            note(f"#{execution.counter} printed no metadata with the key {key!r}")
    points = _points(here, execution, keys or [*latest])
    if as_json:
        for point in points:
            click.echo(json_text(point, indent=False))
    elif as_plain:
        rows = ((point["key"], str(point["line"]), point["time"], value_text(point["value"])) for point in points)
        print_plain(("KEY", "LINE", "TIME", "VALUE"), rows)
    else:
        _print_csv(points)


def _print_newest(latest: dict[str, Any], *, as_plain: bool, as_json: bool) -> None:
    if as_json:
        print_json(latest)
    elif as_plain:
        print_plain(("KEY", "VALUE"), ((key, value_text(value)) for key, value in latest.items()))
    elif latest:
        print_pairs((plain(key, limit=60), value_text(value)) for key, value in latest.items())
    else:
        note('no metadata: print a JSON object on a line of its own, such as {"epoch": 1, "accuracy": 0.9}')


def _points(here: Session, execution: Execution, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
    for key in keys:
        after, more = -1, True
        while more:
            part = here.executions.metadata_part(execution, key, after)
            after, more = part.last, part.more
            for line, at, value in zip(part.sequences, part.times, part.values, strict=True):
                yield {"key": key, "line": line, "time": iso_time(at), "value": value}


def _print_csv(points: Iterator[dict[str, Any]]) -> None:
    import csv  # noqa: PLC0415 - only here

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["key", "line", "time", "value"])
    for point in points:
        value = point["value"]
        text = json_text(value, indent=False) if isinstance(value, (dict, list, bool)) or value is None else value
        writer.writerow([_escaped(point["key"]), point["line"], point["time"], _escaped(text)])


def _escaped(value: object) -> object:
    """Return a text that no terminal takes for a command: what is not printable is written as in JSON."""
    if not isinstance(value, str) or value.isprintable():
        return value
    return json_text(value, indent=False)[1:-1]
