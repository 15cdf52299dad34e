"""What follows the creation of an execution: say it, see that something will run it, watch it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NoReturn

import click

from cli.exit_codes import INTERRUPTED
from cli.output import note, print_json
from core.errors import UnavailableError
from core.quantities import duration
from core.scheduler.lease import is_held
from core.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cli.executions.following import LogPrinter
    from core.executions.execution import Execution
    from core.session import Session

COMES_BACK_WITHIN = 5.0
"""Seconds for which a scheduler may be away before another one is started."""
RESTARTS = 3

watch_option = click.option(
    "--watch", is_flag=True, help="Follow its status and log to the end; the exit code is 0 when it is complete."
)


def announce(session: Session, execution: Execution, *, watch: bool, as_json: bool) -> None:
    """Tell of a new execution, and watch it to its end where that is wanted: anything but complete exits with 1."""
    if watch:
        ended = _watch(session, execution, quiet=as_json)
        if as_json:
            _print(ended)
        if ended.status != "complete":
            click.get_current_context().exit(1)
        return
    if as_json:
        _print(execution)
    else:
        click.echo(f"#{execution.counter} {plain(execution.step)} {execution.status}")
    if not is_held(session.home):
        note("no scheduler runs, so it waits: start one with `shoal up`, or run with --watch")


def note_missing_scheduler(session: Session, executions: Iterable[Execution]) -> None:
    """Say that no scheduler runs, where one of the executions needs one."""
    if any(not execution.is_final for execution in executions):
        SchedulerLookout(session).look()


class SchedulerLookout:
    """Says that no scheduler runs: when that is seen first, and again when one came and has gone."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._runs = True

    def look(self) -> None:
        """See whether one runs."""
        ran, self._runs = self._runs, is_held(self._session.home)
        if ran and not self._runs:
            note("no scheduler runs: start one with `shoal up`")


def ensure_scheduler_runs(session: Session) -> None:
    """Start a scheduler in the background where none runs, and say so."""
    if is_held(session.home):
        return
    from core.scheduler.background import IDLE_LIMIT, ensure_scheduler  # noqa: PLC0415 - a running one needs none

    if ensure_scheduler(session.home):
        note(
            f"no scheduler ran: started one in the background, which leaves after {IDLE_LIMIT:g} s without work"
            f" (log: {session.home.scheduler_log})"
        )


def _watch(session: Session, execution: Execution, *, quiet: bool) -> Execution:
    from cli.executions.following import LogPrinter, follow  # noqa: PLC0415

    printer = LogPrinter(err=quiet, outcome=False)
    keeper = Keeper(session)
    try:
        ensure_scheduler_runs(session)
        ended = follow(session, execution, printer.print, changed=_tell, quiet=keeper.look)
    except KeyboardInterrupt:
        stopped_watching(execution)
    printer.finish()
    tell_end(ended, printer)
    return ended


def tell_end(ended: Execution, printer: LogPrinter) -> None:
    """Say how an execution ended and how long it ran; the reason only where its log did not just say it."""
    ran = ended.duration(time.time())
    took = "" if ran is None else f" in {duration(ran)}"
    reason = f": {ended.reason}" if ended.reason and not printer.outcome_shown else ""
    note(f"#{ended.counter} {ended.step} {ended.status}{took}{reason}")


class Keeper:
    """Replaces a scheduler that has gone while it is needed; one that keeps dying is given up."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._gone_at: float | None = None
        self._left = RESTARTS

    def look(self) -> None:
        """See whether a scheduler runs; one that is being restarted gets some time to come back by itself."""
        if is_held(self._session.home):
            self._gone_at = None
        elif self._gone_at is None:
            self._gone_at = time.monotonic()
            note("the scheduler has gone; what runs in Docker goes on, waiting for the next one")
        elif time.monotonic() - self._gone_at > COMES_BACK_WITHIN:
            if self._left == 0:
                message = f"the scheduler ends again and again: its log {self._session.home.scheduler_log} says why"
                raise UnavailableError(message)
            self._left -= 1
            ensure_scheduler_runs(self._session)


def stopped_watching(execution: Execution) -> NoReturn:
    """Leave at ctrl+c, which ends the watching only, and say how to go on."""
    number = execution.counter
    note(
        f"stopped watching, #{number} goes on: `shoal executions logs -f {number}` shows it,"
        f" `shoal executions stop {number}` stops it"
    )
    click.get_current_context().exit(INTERRUPTED)


def _tell(execution: Execution) -> None:
    if execution.is_final:
        return
    reason = f": {execution.reason}" if execution.reason else ""
    note(f"#{execution.counter} {execution.step} {execution.status}{reason}")


def _print(execution: Execution) -> None:
    from core.resources.fields import execution_fields  # noqa: PLC0415

    print_json(execution_fields(execution))
