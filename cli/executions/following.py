"""Following an execution: its log as it grows, until it has ended."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from core.executions.execution import FINAL
from core.quantities import iso_time
from core.text import last_overwritten, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from core.executions.execution import Execution
    from core.executions.logs import LogLine
    from core.session import Session

    Show = Callable[[Sequence[LogLine]], None]

POLL = 0.04
"""Seconds between two looks at the database's version, each of which takes microseconds."""
LOOKS_A_SECOND = 25
_WITHOUT_FIGURES = str.maketrans("", "", "0123456789")
LONGEST_SHOWN = 16 * 1024


class LogPrinter:
    """Prints log lines on stdout, or on stderr with `err`; a line that came in several records is joined again.

    Without `outcome` it leaves out the status line that says how the execution ended; `outcome_shown` tells whether
    that one was printed.
    """

    def __init__(
        self,
        *,
        streams: Collection[str] = (),
        timestamps: bool = False,
        raw: bool = False,
        err: bool = False,
        outcome: bool = True,
    ) -> None:
        self.outcome_shown = False
        self._outcome = outcome
        self._streams = streams
        self._timestamps = timestamps
        self._raw = raw
        self._err = err
        self._open: str | None = None
        # What goes to a file is kept whole.
        self._limit = LONGEST_SHOWN if sys.stdout.isatty() else None

    def print(self, lines: Sequence[LogLine]) -> None:
        """Print some lines at once."""
        wanted = [line for line in lines if self._wants(line)]
        text = "".join(map(self._shown, wanted))
        if text:
            self._write(text)

    def finish(self) -> None:
        """End a line that was left open."""
        if self._open is not None:
            self._write("\n")
            self._open = None

    def _wants(self, line: LogLine) -> bool:
        if self._streams and line.stream not in self._streams:
            return False
        if line.stream != "status" or line.text.partition(":")[0] not in FINAL:
            return True
        self.outcome_shown = self._outcome
        return self._outcome

    def _write(self, text: str) -> None:
        # Raw escape sequences are let through to whatever reads them; ours are only for a terminal.
        click.echo(text, nl=False, err=self._err, color=True if self._raw else None)

    def _shown(self, line: LogLine) -> str:
        goes_on = self._open == line.stream
        start = "\n" if self._open is not None and not goes_on else ""
        if self._timestamps and not goes_on:
            start += f"{iso_time(line.at)} "
        self._open = line.stream if line.partial else None
        text = line.text if self._raw else plain(last_overwritten(line.text), limit=self._limit)
        if line.stream == "status" and not self._raw:
            text = click.style(text, dim=True)
        return f"{start}{text}{'' if line.partial else chr(10)}"


def print_log(session: Session, execution: Execution, show: Show, after: int = 0) -> int:
    """Show what the log holds from offset `after` on; return the offset to go on from."""
    while True:
        lines, offset = session.executions.log(execution, after)
        if offset == after:
            return offset
        show(lines)
        after = offset


def follow(
    session: Session,
    execution: Execution,
    show: Show,
    after: int = 0,
    *,
    changed: Callable[[Execution], None] = lambda _: None,
    quiet: Callable[[], None] = lambda: None,
) -> Execution:
    """Show the log as it grows until the execution has ended; return it as it is then.

    `changed` is told of the execution first and whenever its status or reason is another one, not for figures that
    grow in it; `quiet` is called about once a second while nothing happens.
    """
    told: tuple[str, str] | None = None
    while True:
        version = session.database.data_version()
        # The status is read before the log, so that the log of an execution that has ended is whole.
        current = session.executions.by_id(execution.id)
        after = print_log(session, execution, show, after)
        if told != (current.status, words := current.reason.translate(_WITHOUT_FIGURES)):
            told = (current.status, words)
            changed(current)
        if current.is_final:
            return current
        looks = 0
        while session.database.data_version() == version:
            time.sleep(POLL)
            looks += 1
            if looks % LOOKS_A_SECOND == 0:
                quiet()
