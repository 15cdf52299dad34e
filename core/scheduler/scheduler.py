"""The loop: look, plan, carry out, wait for the change feed to move."""

from __future__ import annotations

import logging
import sqlite3
import time
from typing import TYPE_CHECKING

from core.ancestry import pack_finished_blocks
from core.environments.samples import Sampler
from core.metrics.publishing import Metrics
from core.scheduler import machines
from core.scheduler.carry_out import WrittenReasons, carry_out, is_empty, reasons_of
from core.scheduler.lease import RENEW_EVERY
from core.scheduler.plan import Decision, plan
from core.scheduler.providers.hosts import HostsProvider
from core.scheduler.providers.local import LocalProvider
from core.scheduler.runners import Runners
from core.scheduler.snapshot import SnapshotReader
from core.scheduler.sweep import instance_of

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from core.scheduler.engines.engines import Engines
    from core.scheduler.lease import Lease
    from core.scheduler.plan import Environment
    from core.scheduler.providers.provider import Provider
    from core.session import Session
    from data.changes import Bell

RETRY_AFTER = 2.0
"""Seconds before a look that failed is taken again."""
MOST_ROUNDS = 100
"""Plans that may follow each other at once: a decision that cannot be carried out must not be made for ever."""
CLOCK_STEP = 1.0
"""Seconds by which a clock is set back where it is not only kept right."""
PACK_EVERY = 60.0
"""Seconds between two looks for parts of the lineage that are finished."""
OPTIMIZE_EVERY = 600.0
"""Seconds between two refreshes of the planner's statistics."""

logger = logging.getLogger(__name__)


class Scheduler:
    """Carries out the plan, on the machines of `engines`."""

    def __init__(self, session: Session, bell: Bell, lease: Lease, engines: Engines) -> None:
        self._session = session
        self._bell = bell
        self._lease = lease
        instance = instance_of(session)
        self._runners = Runners(session, engines, instance, bell.ring)
        self._metrics = Metrics(session)
        self._providers: dict[str, Provider] = {
            "local": LocalProvider(session, engines, instance, self._metrics.failed),
            "hosts": HostsProvider(session, engines, instance, self._runners.lose, self._metrics.failed),
        }
        self._snapshots = SnapshotReader()
        self._reasons = WrittenReasons()
        self._sampler = Sampler()
        self._optimized_at: float | None = None
        self._packed_at = 0.0
        self._clock = _clock()

    def recover(self) -> None:
        """Take over what an earlier scheduler left: attempts go on, leftovers are removed."""
        with self._session.write("machine.run") as connection:
            machines.release_unused(connection)
            machines.follow_clock(connection)
        for provider in self._providers.values():
            provider.recover()
        self._runners.look_after()

    def run(self, stop: threading.Event, exit_when_idle: float | None = None) -> None:
        """Work until `stop` is set, or until nothing ran or waited for `exit_when_idle` seconds."""
        idle_since = time.monotonic()
        while not stop.is_set():
            wake_at = self._tick()
            if self.has_work():
                idle_since = time.monotonic()
            elif exit_when_idle is not None and time.monotonic() - idle_since >= exit_when_idle:
                return
            self._bell.wait(self._pause(wake_at, exit_when_idle))

    def leave(self) -> bool:
        """Let go of everything; False when this process must end before another scheduler may start."""
        done = self._runners.leave()
        for provider in self._providers.values():
            provider.leave()
        self._metrics.close()
        return done

    def has_work(self) -> bool:
        """Tell whether anything runs or waits; a database that cannot say counts as yes."""
        try:
            return bool(self._runners) or self._unfinished() or any(map(_is_busy, self._providers.values()))
        except sqlite3.Error:
            return True

    def _tick(self) -> float | None:
        """Look and act until there is nothing to do; return when time alone makes something to do."""
        began = time.monotonic()
        try:
            return self._act()
        except sqlite3.OperationalError as error:
            logger.warning("trying again: %s", error)
        except Exception:
            logger.exception("this look at things failed; the next one comes")
        finally:
            self._metrics.ticked(time.monotonic() - began)
            self._metrics.publish()
        self._metrics.failed("tick")
        self._snapshots.forget()
        self._reasons.forget()
        return time.time() + RETRY_AFTER

    def _act(self) -> float | None:
        self._lease.renew()
        self._follow_clock()
        wake_at = [_reconciled(provider) for provider in self._providers.values()]
        self._runners.look_after()
        for _ in range(MOST_ROUNDS):
            environments, decision = self._decision()
            if not self._carry_out(decision):
                self._sample(environments)
                self._tidy()
                return min((at for at in (decision.wake_at, *wake_at) if at is not None), default=None)
        logger.warning("the plan does not come to rest within %d rounds", MOST_ROUNDS)
        return time.time() + RETRY_AFTER

    def _follow_clock(self) -> None:
        clock = _clock()
        if clock < self._clock - CLOCK_STEP:
            logger.warning("the clock was set back by %.0f s", self._clock - clock)
            with self._session.write("machine.run") as connection:
                machines.follow_clock(connection)
            self._snapshots.forget()
        self._clock = clock

    def _decision(self) -> tuple[Sequence[Environment], Decision]:
        """Plan; where work would begin, only after a look whether it can."""
        environments = self._look()
        decision = plan(environments, time.time())
        begins = bool(decision.assign or decision.launch)
        doubts = [provider.doubt(begins=begins) for provider in self._providers.values()]
        if any(doubts):
            environments = self._look()
            decision = plan(environments, time.time())
        return environments, decision

    def _look(self) -> list[Environment]:
        connection = self._session.read("machine.run")
        rows = connection.execute("SELECT id, kind FROM environments WHERE deleted_at IS NULL").fetchall()
        now = time.time()
        launching = {row["id"]: self._providers[row["kind"]].launching(connection, row["id"], now) for row in rows}
        return self._snapshots.read(connection, launching)

    def _sample(self, environments: Sequence[Environment]) -> None:
        now = time.time()
        if self._sampler.due(environments, now):
            with self._session.write("machine.run") as connection:
                self._sampler.sample(connection, environments, now)

    def _carry_out(self, decision: Decision) -> bool:
        """Write the decision down, then start what it assigns; True when another look may find more to do."""
        reasons = reasons_of(decision)
        nothing = is_empty(decision)
        if nothing and self._reasons.are(self._session.read("machine.run"), reasons):
            return False
        with self._session.write("machine.run") as connection:
            begun = carry_out(connection, decision)
            self._reasons.write(connection, reasons)
        for attempt_id in begun:
            self._runners.start(attempt_id, is_new=True)
        return not nothing

    def _unfinished(self) -> bool:
        row = (
            self._session.read("execution.run")
            .execute(
                "SELECT 1 FROM execution_counts WHERE number > 0"
                " AND status IN ('created', 'queued', 'started', 'stopping') LIMIT 1"
            )
            .fetchone()
        )
        return row is not None

    def _pause(self, wake_at: float | None, exit_when_idle: float | None) -> float:
        pause = RENEW_EVERY
        if exit_when_idle is not None:
            pause = min(pause, max(exit_when_idle, 0.1))
        return pause if wake_at is None else min(pause, max(wake_at - time.time(), 0.05))

    def _tidy(self) -> None:
        """Do in quiet moments what makes later questions cheap."""
        now = time.monotonic()
        if not self._runners and now - self._packed_at > PACK_EVERY:
            # A few at a time: while there are more, the next look comes at once.
            more = pack_finished_blocks(self._session)
            self._packed_at = 0.0 if more else now
            if more:
                self._bell.ring()
        if self._optimized_at is None or now - self._optimized_at > OPTIMIZE_EVERY:
            self._optimized_at = now
            self._session.database.optimize()


def _reconciled(provider: Provider) -> float | None:
    """Let a provider see to its machines; one that cannot must not keep the others from theirs."""
    try:
        return provider.reconcile(time.time())
    except sqlite3.OperationalError as error:
        logger.warning("machines of one kind were not seen to, trying again: %s", error)
        return time.time() + RETRY_AFTER
    except Exception:
        logger.exception("machines of one kind were not seen to; that is tried again")
        return time.time() + RETRY_AFTER


def _clock() -> float:
    """Return by how much the clock is ahead of the one that nobody sets."""
    return time.time() - time.monotonic()


def _is_busy(provider: Provider) -> bool:
    return provider.is_busy()
