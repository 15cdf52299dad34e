"""`shoal demo`."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.executions.following import LogPrinter, follow, print_log
from cli.opened import opened
from cli.output import print_pairs
from cli.started import Keeper, ensure_scheduler_runs
from core.json_text import json_text
from core.quantities import duration, size
from core.text import fit, plain

if TYPE_CHECKING:
    from core.demo import Demo, DemoStep
    from core.executions.execution import Execution
    from core.session import Session

_NEXT = (
    ("cd {directory}", ""),
    ("shoal executions ls", "what ran"),
    ("shoal executions show {number}", "all about the last one"),
    ("shoal run train --adhoc --watch --learning-rate=0.1", "train again, with another value"),
    ("shoal files ls", "every file, and what made it"),
    ("shoal files trace {file} --down", "what was made from the raw data"),
)
_LOG_LINES = 15


@click.command()
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default="shoal-demo",
    show_default=True,
    help="Where to lay the demo project out.",
)
def demo(directory: Path) -> None:
    """Run the demo: learn to tell penguins apart.

    Lays a project out, makes its image, runs preprocess, train and evaluate, and ends with the trace of the last file.
    """
    from core.demo import DATA_FILE, STEPS, Demo  # noqa: PLC0415

    begun = time.monotonic()
    here = opened(create=True).session()
    journey = Demo(here, directory.absolute())
    journey.set_up(lambda text: click.echo(f"· {plain(text)}"))
    ensure_scheduler_runs(here)
    last = [_run(here, journey, step) for step in STEPS][-1]
    _print_trace(here, last)
    click.echo(f"\ndone in {duration(time.monotonic() - begun)}")
    click.echo("\nWhat to type next:")
    names = {"directory": shlex.quote(str(directory)), "number": last.counter, "file": DATA_FILE}
    print_pairs((f"  {command.format(**names)}", what or " ") for command, what in _NEXT)


def _run(here: Session, journey: Demo, step: DemoStep) -> Execution:
    """Run one step and tell in a few lines how it went; a failure shows the end of its log and leaves."""
    begun = journey.start(step)
    click.echo(f"\n#{begun.counter} {plain(step.name)}")
    told = _Told(here)
    ended = follow(here, begun, lambda _: told.metadata(begun), changed=told.status, quiet=Keeper(here).look)
    told.end()
    if ended.status != "complete":
        print_log(here, ended, LogPrinter(outcome=False).print, here.executions.log_tail(ended, _LOG_LINES))
        click.get_current_context().exit(1)
    if latest := here.executions.metadata_latest(ended):
        click.echo(f"   {_summary(latest)}")
    for file in here.files.list(journey.project, execution=ended.id).rows[::-1]:
        click.echo(f"   → {plain(file.name)}  {size(file.size)}")
    return ended


class _Told:
    """Says where an execution stands: its status as lines, its newest metadata on one line that is overwritten."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._live = sys.stdout.isatty()
        self._drawn = False

    def status(self, execution: Execution) -> None:
        if execution.status in ("created", "queued"):
            return
        self.end()
        ran = execution.duration(time.time())
        took = f" in {duration(ran)}" if execution.is_final and ran is not None else ""
        reason = f": {plain(execution.reason)}" if execution.reason else ""
        click.echo(f"   {execution.status}{took}{reason}")

    def metadata(self, execution: Execution) -> None:
        latest = self._session.executions.metadata_latest(execution) if self._live else {}
        if latest:
            self._drawn = True
            click.echo(f"\r   {fit(_summary(latest), 76)}\x1b[K", nl=False)

    def end(self) -> None:
        if self._drawn:
            self._drawn = False
            click.echo("\r\x1b[K", nl=False)


def _summary(latest: dict[str, Any]) -> str:
    return plain(
        " · ".join(f"{key} {_value(value)}" for key, value in latest.items() if not isinstance(value, (list, dict)))
    )


def _value(value: Any) -> str:  # noqa: ANN401
    return f"{value:.4g}" if isinstance(value, float) else json_text(value, indent=False).strip('"')


def _print_trace(here: Session, last: Execution) -> None:
    from cli.files.tree import tree_lines  # noqa: PLC0415

    outputs = here.files.list(here.projects.by_id(last.project_id), execution=last.id).rows
    file = outputs[0]
    click.echo(f"\nWhere {plain(file.name)} came from:\n")
    for line in tree_lines(here.lineage.of_file(file.id, depth=10, direction="up")):
        click.echo(line)
