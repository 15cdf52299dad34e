"""`shoal executions logs`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

import click

from cli.executions.following import LogPrinter, follow, print_log
from cli.opened import project_of, session
from cli.options import execution_argument, project_option
from cli.started import SchedulerLookout, stopped_watching, tell_end

if TYPE_CHECKING:
    from core.executions.execution import Execution
    from core.session import Session


@click.command()
@execution_argument
@project_option
@click.option("-f", "--follow", "following", is_flag=True, help="Go on until the execution has ended.")
@click.option("--tail", type=click.IntRange(0), metavar="N", help="Begin N lines before the end.")
@click.option("--timestamps", is_flag=True, help="Begin each line with its time (UTC).")
@click.option(
    "--stream",
    "streams",
    multiple=True,
    type=click.Choice(["stdout", "stderr", "status"]),
    help="Only lines of this stream; may be given several times.",
)
@click.option("--raw", is_flag=True, help="Print lines as they are, with control characters and escape sequences.")
def logs(
    number: int | Literal["latest"],
    project: str | None,
    tail: int | None,
    streams: tuple[str, ...],
    *,
    following: bool,
    timestamps: bool,
    raw: bool,
) -> None:
    """Print the log of an execution."""
    here = session()
    execution = here.executions.get(project_of(here, project), number)
    # Who looks at a terminal is told how it ended once, by the summary; a file gets the log as it is.
    outcome = not (following and sys.stdout.isatty())
    printer = LogPrinter(streams=streams, timestamps=timestamps, raw=raw, outcome=outcome)
    start = 0 if tail is None else here.executions.log_tail(execution, tail)
    if following:
        _follow(here, execution, printer, start)
    else:
        print_log(here, execution, printer.print, start)
        printer.finish()


def _follow(here: Session, execution: Execution, printer: LogPrinter, start: int) -> None:
    lookout = SchedulerLookout(here)
    try:
        if not execution.is_final:
            lookout.look()
        ended = follow(here, execution, printer.print, start, quiet=lookout.look)
    except KeyboardInterrupt:
        stopped_watching(execution)
    printer.finish()
    tell_end(ended, printer)
