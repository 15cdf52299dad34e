"""How it stands with the scheduler, as seen from a face."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from core.scheduler.lease import STALE_AFTER, Lease
from core.scheduler.presence import presence

if TYPE_CHECKING:
    from tests.enacted import Enacted


def test_it_is_missed_only_where_there_is_work(enacted: Enacted) -> None:
    assert not presence(enacted.session).is_missed
    execution = enacted.create("train")
    seen = presence(enacted.session)
    assert (seen.runs, seen.waiting, seen.is_missed) == (False, 1, True)
    enacted.start(execution)
    assert (presence(enacted.session).running, presence(enacted.session).is_missed) == (1, True)
    enacted.ends(execution)
    assert not presence(enacted.session).is_missed


def test_one_that_gives_no_sign_of_life_hangs(enacted: Enacted) -> None:
    lease = Lease(enacted.session.home, enacted.session.database)
    lease.acquire()
    assert presence(enacted.session).runs
    assert not presence(enacted.session).hangs
    with enacted.session.database.transaction() as connection:
        connection.execute("UPDATE leases SET renewed_at = ?", (time.time() - STALE_AFTER - 1,))
    assert presence(enacted.session).hangs
    lease.release()
    assert not presence(enacted.session).runs
    assert not presence(enacted.session).hangs
