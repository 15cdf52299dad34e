"""Traces in a graph of a million edges, each beside a plain recursive query on the same rows.

Run: python -m bench.trace
"""

from __future__ import annotations

import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.lineage_graph import GraphShape, build
from bench.report import line, spread
from core.ancestry import pack_finished_blocks
from core.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.session import Session

SCREENS = 200
WALKS = 9

_THREE_LEVELS = """
WITH RECURSIVE up (kind, id, depth) AS (
    VALUES ('file', ?, 0)
    UNION SELECT 'execution', (SELECT execution_id FROM files WHERE id = up.id), depth + 1 FROM up
        WHERE up.kind = 'file' AND depth < 3
    UNION SELECT 'file', i.file_id, depth + 1 FROM up CROSS JOIN execution_inputs i ON i.execution_id = up.id
        WHERE up.kind = 'execution' AND depth < 3 AND i.file_id IS NOT NULL
) SELECT * FROM up
"""
_ANCESTORS = """
WITH RECURSIVE up (id) AS (
    VALUES (?)
    UNION SELECT i.file_id FROM up CROSS JOIN files f ON f.id = up.id
        CROSS JOIN execution_inputs i ON i.execution_id = f.execution_id WHERE i.file_id IS NOT NULL
) SELECT up.id, f.execution_id FROM up CROSS JOIN files f ON f.id = up.id
"""
_DESCENDANTS = """
WITH RECURSIVE down (id) AS (
    VALUES (?)
    UNION SELECT f.id FROM down CROSS JOIN execution_inputs i ON i.file_id = down.id
        CROSS JOIN files f ON f.execution_id = i.execution_id
) SELECT down.id, f.execution_id FROM down CROSS JOIN files f ON f.id = down.id
"""


def seconds(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def side_by_side(
    session: Session, what: str, ours: Callable[[int], object], floor: str, files: list[int], aim: str = ""
) -> None:
    """Measure both in turns, so that whatever else the machine does falls on both."""
    connection = session.database.reader()
    mine, theirs = [], []
    for file in files:
        mine.append(seconds(partial(ours, file)))
        theirs.append(seconds(lambda file=file: connection.execute(floor, (file,)).fetchall()))  # type: ignore[misc]
    ratio = statistics.median(theirs) / statistics.median(mine)
    line(what, spread(mine), aim)
    line("  floor: recursive query", spread(theirs), f"ours is {ratio:.2f} times as fast")


def pack_all(session: Session) -> list[float]:
    """Pack every block; return how long each took."""
    each: list[float] = []
    while True:
        begin = time.perf_counter()
        packed = pack_finished_blocks(session)
        if not packed:
            return each
        each += [(time.perf_counter() - begin) / packed] * packed


def main(shape: GraphShape | None = None) -> None:
    """Build the graph and print the table."""
    shape = shape or GraphShape()
    edges = shape.executions * (shape.inputs + 1)
    with tempfile.TemporaryDirectory() as directory:
        shoal = build(Home(Path(directory) / "home"), shape)
        session = shoal.session()
        lineage = session.lineage
        middle, last = shape.executions // 2, shape.executions
        screens = [*range(last - SCREENS, last)]

        print(f"trace: {2 * shape.executions:,} nodes, {edges:,} edges")
        up = partial(lineage.of_file, depth=3, direction="up")
        side_by_side(session, "first screen, 3 levels up", up, _THREE_LEVELS, screens, "aim 5 ms")
        both = [seconds(partial(lineage.of_file, file)) for file in range(middle, middle + SCREENS)]
        line("first screen, 3 levels both ways", spread(both), "aim 5 ms")

        line("all ancestors, no block packed yet", spread([seconds(lambda: lineage.ancestors(last))]))
        line("packing a block, as an idle scheduler does", spread(pack_all(shoal.system_session())))
        found = lineage.ancestors(last)
        what = f"all {len(found.executions) + len(found.files):,} ancestors"
        side_by_side(session, what, lineage.ancestors, _ANCESTORS, [last] * WALKS, "aim 150 ms")
        found = lineage.descendants(1)
        what = f"all {len(found.executions) + len(found.files):,} descendants"
        side_by_side(session, what, lineage.descendants, _DESCENDANTS, [1] * WALKS)
        shoal.close()


if __name__ == "__main__":
    main()
