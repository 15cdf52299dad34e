"""Somebody else at work, who changes what a list shows first. Run: python -m bench.changes HOME A_SECOND [LIST].

LIST is executions (the newest), or queue (what runs and the first that wait); `ends` has what runs end, one after the
other, and the next one begin.
"""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from core.executions.transitions import Outcome, end, start
from core.home import Home
from core.resources.registry import resource
from core.resources.resource import Query
from core.scheduler.machines import lease, release
from core.shoal import Shoal

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.session import Session

AMONG = 30
"""The first executions that are changed in turn: all of them are in sight of a console of 40 lines."""


def main(home: str, rate: str, what: str = "executions") -> None:
    """Change one after the other until somebody ends the process."""
    shoal = Shoal.open(Home(Path(home)))
    change = ending(shoal.system_session()) if what == "ends" else titling(shoal.session(), what)
    begin = time.perf_counter()
    for number in itertools.count():
        change(number)
        time.sleep(max(0.0, begin + (number + 1) / float(rate) - time.perf_counter()))


def titling(session: Session, name: str) -> Callable[[int], object]:
    """Return what gives another title to one of the first executions of a list."""
    ids = next(iter(resource(name).source.ids(session, Query())))[:AMONG]
    executions = [session.executions.by_id(id_) for id_ in ids]
    return lambda number: session.executions.set_title(executions[number % len(executions)], f"e{number % 1000}")


def ending(system: Session) -> Callable[[int], object]:
    """Return what ends what has run for longest, and begins what waits first."""

    def change(number: int) -> None:  # noqa: ARG001
        with system.write("execution.run") as connection:
            row = connection.execute(
                "SELECT id, machine_id FROM executions WHERE status = 'started' ORDER BY started_at LIMIT 1"
            ).fetchone()
            end(connection, row["id"], Outcome("complete", "exit code 0", 0))
            release(connection, row["machine_id"])
            following = next(iter(system.queue.front(1, 1)))
            leased = lease(connection, row["machine_id"], following.id)
            start(connection, following.id, row["machine_id"], leased)

    return change


if __name__ == "__main__":
    main(*sys.argv[1:])
