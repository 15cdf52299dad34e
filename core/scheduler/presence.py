"""How it stands with the scheduler, as seen from a face: whether one runs and answers, and whether one is needed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from core.scheduler.lease import STALE_AFTER, holder, is_held

if TYPE_CHECKING:
    from core.session import Session


class Presence(NamedTuple):
    """`runs` tells whether a scheduler holds the home, `silent` for how many seconds it gave no sign of life."""

    runs: bool
    name: str
    silent: float
    waiting: int
    running: int

    @property
    def hangs(self) -> bool:
        """Whether it holds the home and does nothing."""
        return self.runs and self.silent > STALE_AFTER

    @property
    def is_missed(self) -> bool:
        """Whether there is work and nobody to do it."""
        return not self.runs and self.waiting + self.running > 0


def presence(session: Session) -> Presence:
    """Look how the scheduler stands and how much there is for it to do."""
    connection = session.read("organization.see")
    rows = connection.execute("SELECT status, sum(number) FROM execution_counts GROUP BY status")
    counts = dict(tuple(row) for row in rows)
    last = holder(connection)
    return Presence(
        is_held(session.home),
        last.name if last else "",
        time.time() - last.renewed_at if last else 0.0,
        counts.get("created", 0) + counts.get("queued", 0),
        counts.get("started", 0) + counts.get("stopping", 0),
    )
