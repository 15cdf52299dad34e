"""Somebody else at work, who changes the newest executions. Run: python -m bench.changes HOME CHANGES_A_SECOND."""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

from core.home import Home
from core.resources.executions import EXECUTIONS
from core.resources.resource import Query
from core.shoal import Shoal

AMONG = 30
"""The newest executions that are changed in turn: all of them are in sight of a console of 40 lines."""


def main(home: str, rate: str) -> None:
    """Change one after the other until somebody ends the process."""
    session = Shoal.open(Home(Path(home))).session()
    ids = next(iter(EXECUTIONS.source.ids(session, Query())))[:AMONG]
    executions = [session.executions.by_id(id_) for id_ in ids]
    begin = time.perf_counter()
    for number, execution in enumerate(itertools.cycle(executions)):
        session.executions.set_title(execution, f"e{number % 1000}")
        time.sleep(max(0.0, begin + (number + 1) / float(rate) - time.perf_counter()))


if __name__ == "__main__":
    main(*sys.argv[1:])
