"""The loop: look, plan, carry out, wait for the change feed to move."""

from __future__ import annotations

import logging
import sqlite3
import time
from typing import TYPE_CHECKING

from core.ancestry import pack_finished_blocks
from core.scheduler import machines
from core.scheduler.carry_out import carry_out, is_empty, known_reasons, reasons_of, write_reasons
from core.scheduler.engines.engine import EngineDownError, RefusedError
from core.scheduler.lease import RENEW_EVERY
from core.scheduler.plan import Decision, plan
from core.scheduler.runners import Runners
from core.scheduler.snapshot import snapshot
from core.scheduler.sweep import instance_of, sweep

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from core.scheduler.engines.engine import Engine
    from core.scheduler.lease import Lease
    from core.scheduler.plan import Environment
    from core.session import Session
    from data.changes import Bell

ENGINE_RETRY = 2.0
"""Seconds between two looks at an engine that does not answer."""
PACK_EVERY = 60.0
"""Seconds between two looks for parts of the lineage that are finished."""
OPTIMIZE_EVERY = 600.0
"""Seconds between two refreshes of the planner's statistics."""

logger = logging.getLogger(__name__)


class Scheduler:
    """Carries out the plan. `open_engine` makes an engine for one thread."""

    def __init__(self, session: Session, bell: Bell, lease: Lease, open_engine: Callable[[], Engine]) -> None:
        self._session = session
        self._bell = bell
        self._lease = lease
        self._open_engine = open_engine
        self._engine = open_engine()
        self._instance = instance_of(session)
        self._runners = Runners(session, open_engine, self._instance, bell.ring)
        self._fault: str | None = None
        self._fault_checked_at = 0.0
        self._optimized_at: float | None = None
        self._packed_at = 0.0

    def recover(self) -> None:
        """Take over what an earlier scheduler left: attempts go on, leftovers are removed."""
        with self._session.write("machine.run") as connection:
            machines.release_unused(connection)
        self._runners.look_after()

    def run(self, stop: threading.Event, exit_when_idle: float | None = None) -> None:
        """Work until `stop` is set, or until nothing ran or waited for `exit_when_idle` seconds."""
        self._sweep()
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
        self._engine.close()
        return self._runners.leave()

    def has_work(self) -> bool:
        """Tell whether anything runs or waits; a database that cannot say counts as yes."""
        try:
            return bool(self._runners) or self._unfinished()
        except sqlite3.Error:
            return True

    def _tick(self) -> float | None:
        """Look and act until there is nothing to do; return when time alone makes something to do."""
        try:
            return self._act()
        except sqlite3.OperationalError as error:
            logger.warning("trying again: %s", error)
        except Exception:
            logger.exception("this look at things failed; the next one comes")
        return time.time() + ENGINE_RETRY

    def _act(self) -> float | None:
        self._lease.renew()
        self._runners.look_after()
        while True:
            decision = plan(self._look(), time.time())
            if (decision.assign or decision.launch or self._fault) and self._engine_fault():
                decision = plan(self._look(), time.time())
            if not self._carry_out(decision):
                self._tidy()
                return decision.wake_at

    def _look(self) -> list[Environment]:
        return snapshot(self._session.read("machine.run"), self._fault)

    def _engine_fault(self) -> bool:
        """Ask the engine whether it answers; True when that changed what the plan must know."""
        before = self._fault
        if before is not None and time.monotonic() - self._fault_checked_at < ENGINE_RETRY:
            return False
        self._fault_checked_at = time.monotonic()
        try:
            self._engine.ping()
            if before is not None:
                self._fault = None
                self._sweep()
        except (EngineDownError, RefusedError) as error:
            if before is None:
                self._fault = f"since {time.strftime('%H:%M:%S')} {error.message}"
                logger.warning(self._fault)
        return self._fault != before

    def _sweep(self) -> None:
        try:
            sweep(self._session, self._engine, self._instance)
        except (EngineDownError, RefusedError, OSError, sqlite3.Error) as error:
            logger.warning("nothing swept: %s", error)

    def _carry_out(self, decision: Decision) -> bool:
        """Write the decision down, then start what it assigns; True when another look may find more to do."""
        reasons = reasons_of(decision)
        nothing = is_empty(decision)
        if nothing and reasons == known_reasons(self._session.read("machine.run")):
            return False
        with self._session.write("machine.run") as connection:
            begun = carry_out(connection, decision)
            write_reasons(connection, reasons)
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
        pause = RENEW_EVERY if self._fault is None else ENGINE_RETRY
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
