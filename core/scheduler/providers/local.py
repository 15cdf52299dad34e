"""Machines of kind `local`: slots on the Docker Engine of this box. They are there as soon as they are asked for."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

from core.quantities import clock_time
from core.scheduler import gpus
from core.scheduler.engines.engine import EngineDownError, RefusedError
from core.scheduler.snapshot import Launching
from core.scheduler.sweep import sweep, sweep_directories

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.metrics.publishing import Failure
    from core.scheduler.engines.engine import Engine, Engines
    from core.session import Session

ENGINE_RETRY = 2.0
"""Seconds between two looks at an engine that does not answer."""
ANSWERS_WITHIN = 3.0
"""Seconds in which an engine has to answer: one that hangs must not hold up the machines of others."""

logger = logging.getLogger(__name__)


class LocalProvider:
    """Knows whether this box's engine answers. It is asked when work is to begin, and while it did not answer."""

    def __init__(
        self, session: Session, engines: Engines, instance: str, failed: Callable[[Failure], None] = lambda _: None
    ) -> None:
        self._session = session
        self._failed = failed
        self._engines = engines
        self._engine = engines.open(None)
        self._instance = instance
        self._fault: str | None = None
        self._checked_at = 0.0
        self._asked: _Asked | None = None

    def recover(self) -> None:
        """Remove what earlier schedulers left."""
        self._sweep()
        try:
            sweep_directories(self._session, self._instance)
        except (OSError, sqlite3.Error) as error:
            logger.warning("no directories swept: %s", error)

    def reconcile(self, now: float) -> float | None:
        """Return when to look again: slots need nothing done, an engine that is away is looked for."""
        return None if self._fault is None else now + ENGINE_RETRY

    def launching(self, connection: sqlite3.Connection, environment_id: int, now: float) -> Launching:  # noqa: ARG002
        """Return what can be launched: any number, or as many as there are GPUs for."""
        environment = connection.execute(
            "SELECT gpu_devices, gpus_per_machine FROM environments WHERE id = ?", (environment_id,)
        ).fetchone()
        if not environment["gpus_per_machine"]:
            return Launching(fault=self._fault)
        free = len(gpus.free(connection, environment["gpu_devices"], None))
        problem = f"{free} of its GPUs are free, and one machine has {environment['gpus_per_machine']}"
        return Launching(free // environment["gpus_per_machine"], problem=problem, fault=self._fault)

    def doubt(self, *, begins: bool) -> bool:
        """Ask the engine whether it answers."""
        before = self._fault
        if before is None and not begins:
            return False
        if before is not None and time.monotonic() - self._checked_at < ENGINE_RETRY:
            return False
        self._checked_at = time.monotonic()
        try:
            self._ask()
            if before is not None:
                self._fault = None
                self._sweep()
        except (EngineDownError, RefusedError) as error:
            if before is None:
                self._fault = f"since {clock_time(time.time())} {error.message}"
                logger.warning(self._fault)
                self._failed("engine")
        return self._fault != before

    def is_busy(self) -> bool:
        """Slots keep nobody."""
        return False

    def leave(self) -> None:
        """Close the connection."""
        self._engine.close()

    def _ask(self) -> None:
        """Ask the engine whether it answers, and wait for it only as long as other engines' work can wait."""
        if self._asked is None:
            self._asked = _Asked(self._engine)
        asked = self._asked
        if not asked.is_answered.wait(ANSWERS_WITHIN if self._fault is None else 0):
            message = f"the Docker Engine of this box gives no answer within {ANSWERS_WITHIN:g} s"
            raise EngineDownError(message)
        self._asked = None
        if asked.error is not None:
            raise asked.error

    def _sweep(self) -> None:
        """Sweep in a thread of its own: an engine that takes long to answer must not hold up the work of hosts."""
        threading.Thread(target=self._swept, name="sweep of this box", daemon=True).start()

    def _swept(self) -> None:
        engine = self._engines.open(None)
        try:
            sweep(self._session, engine, self._instance)
        except (EngineDownError, RefusedError, OSError, sqlite3.Error) as error:
            logger.warning("nothing swept: %s", error)
        finally:
            engine.close()
            self._session.database.close_reader()


class _Asked:
    """One question to an engine, in a thread of its own, and what came of it."""

    def __init__(self, engine: Engine) -> None:
        self.is_answered = threading.Event()
        self.error: EngineDownError | RefusedError | None = None
        threading.Thread(target=self._ask, args=(engine,), name="engine of this box", daemon=True).start()

    def _ask(self, engine: Engine) -> None:
        try:
            engine.ping()
        except (EngineDownError, RefusedError) as error:
            self.error = error
        finally:
            self.is_answered.set()
