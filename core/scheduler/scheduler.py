"""The loop: look, plan, carry out, wait for the change feed to move."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

from core.executions import transitions
from core.scheduler import attempts, machines
from core.scheduler.engines.engine import EngineDownError, RefusedError
from core.scheduler.lease import RENEW_EVERY
from core.scheduler.plan import Decision, plan
from core.scheduler.runner import Runner
from core.scheduler.snapshot import snapshot
from core.scheduler.sweep import instance_of, sweep
from data.changes import newest

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.scheduler.engines.engine import Engine
    from core.scheduler.lease import Lease
    from core.scheduler.plan import Environment
    from core.session import Session
    from data.changes import Bell

ENGINE_RETRY = 2.0
"""Seconds between two looks at an engine that does not answer."""
RUNNER_RETRY = 5.0
"""Seconds before a runner that failed is started again."""
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
        self._runners: dict[int, tuple[Runner, threading.Thread]] = {}
        self._fault: str | None = None
        self._fault_checked_at = 0.0
        self._optimized_at = time.monotonic()

    def recover(self) -> None:
        """Take over what an earlier scheduler left: attempts go on, leftovers are removed."""
        with self._session.write("machine.run") as connection:
            machines.release_unused(connection)
        for attempt_id in attempts.open_attempts(self._session.read("execution.run")):
            self._start_runner(attempt_id)
        self._sweep()

    def run(self, stop: threading.Event, exit_when_idle: float | None = None) -> None:
        """Work until `stop` is set, or until nothing ran or waited for `exit_when_idle` seconds."""
        idle_since = time.monotonic()
        while not stop.is_set():
            wake_at = self._tick()
            if self._runners or self._unfinished():
                idle_since = time.monotonic()
            elif exit_when_idle is not None and time.monotonic() - idle_since >= exit_when_idle:
                break
            self._bell.wait(self._pause(wake_at, exit_when_idle))
        self._leave()

    def _tick(self) -> float | None:
        """Look and act until there is nothing to do; return when time alone makes something to do."""
        try:
            return self._act()
        except sqlite3.OperationalError as error:
            logger.warning("trying again: %s", error)
            return time.time() + ENGINE_RETRY

    def _act(self) -> float | None:
        self._lease.renew()
        self._reap()
        self._pass_on_stops()
        while True:
            decision = plan(self._look(), time.time())
            if (decision.assign or decision.launch or self._fault) and self._engine_fault():
                decision = plan(self._look(), time.time())
            if not self._carry_out(decision):
                self._optimize()
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
        except EngineDownError:
            if before is None:
                self._fault = f"the Docker Engine does not answer since {time.strftime('%H:%M:%S')}"
                logger.warning(self._fault)
        return self._fault != before

    def _sweep(self) -> None:
        try:
            sweep(self._session, self._engine, self._instance)
        except (EngineDownError, RefusedError) as error:
            logger.warning("nothing swept: %s", error)

    def _carry_out(self, decision: Decision) -> bool:
        """Write the decision down, then start what it assigns; True when another look may find more to do."""
        begun: list[int] = []
        with self._session.write("machine.run") as connection:
            before = newest(connection)
            for environment_id, user_id in decision.queue_all:
                transitions.queue_all(connection, environment_id, user_id)
            for execution_id in decision.queue:
                transitions.queue(connection, execution_id)
            for machine_id in decision.terminate:
                machines.terminate(connection, machine_id)
            for environment_id, number in decision.launch:
                for _ in range(number):
                    machines.launch(connection, environment_id)
            for execution_id, machine_id in decision.assign:
                if machines.lease(connection, machine_id):
                    attempt_id = transitions.start(connection, execution_id, machine_id)
                    if attempt_id is not None:
                        begun.append(attempt_id)
            machines.release_unused(connection)
            _write_reasons(connection, decision)
            changed = newest(connection) != before
        for attempt_id in begun:
            self._start_runner(attempt_id, is_new=True)
        return changed

    def _start_runner(self, attempt_id: int, *, is_new: bool = False) -> None:
        runner = Runner(self._session, self._open_engine(), attempt_id, self._instance, is_new=is_new)
        thread = threading.Thread(target=self._run, args=(runner,), name=runner.name, daemon=True)
        self._runners[runner.execution_id] = (runner, thread)
        thread.start()

    def _run(self, runner: Runner) -> None:
        try:
            runner.run()
        except Exception:
            logger.exception("%s: its runner failed; it is taken up again", runner.name)
            runner.detach.wait(RUNNER_RETRY)
        finally:
            self._session.database.close_reader()
            self._bell.ring()

    def _reap(self) -> None:
        """Forget runners that have ended; one that failed although its attempt is open is started again."""
        for execution_id, (_, thread) in list(self._runners.items()):
            if not thread.is_alive():
                del self._runners[execution_id]
        connection = self._session.read("execution.run")
        for attempt_id in attempts.open_attempts(connection):
            if attempts.load(connection, attempt_id).execution_id not in self._runners:
                self._start_runner(attempt_id)

    def _pass_on_stops(self) -> None:
        rows = self._session.read("execution.run").execute("SELECT id FROM executions WHERE status = 'stopping'")
        for row in rows.fetchall():
            if row["id"] in self._runners:
                self._runners[row["id"]][0].stop.set()

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

    def _optimize(self) -> None:
        if time.monotonic() - self._optimized_at > OPTIMIZE_EVERY:
            self._optimized_at = time.monotonic()
            self._session.database.optimize()

    def _leave(self) -> None:
        """Let go of what runs; containers go on and are taken over by the next scheduler."""
        for runner, _ in self._runners.values():
            runner.detach.set()
        for _, thread in self._runners.values():
            thread.join(timeout=5)
        self._engine.close()


def _write_reasons(connection: sqlite3.Connection, decision: Decision) -> None:
    """Keep the reasons of this plan only, without a write where they are the same."""
    wanted = {(r.environment_id, r.user_id, r.status): r.text for r in decision.reasons}
    rows = connection.execute("SELECT environment_id, user_id, status, reason FROM waiting_reasons")
    known = {(row[0], row[1], row[2]): row[3] for row in rows}
    for key in known.keys() - wanted.keys():
        connection.execute("DELETE FROM waiting_reasons WHERE environment_id = ? AND user_id = ? AND status = ?", key)
    for key, text in wanted.items():
        if known.get(key) != text:
            connection.execute("INSERT OR REPLACE INTO waiting_reasons VALUES (?, ?, ?, ?)", (*key, text))
