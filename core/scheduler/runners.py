"""The runners of one scheduler: a thread for each attempt that is open."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

from core.scheduler import attempts
from core.scheduler.image_supply import ImageSupply
from core.scheduler.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.scheduler.engines.engine import Engines
    from core.session import Session

RETRY_AFTER = 5.0
"""Seconds before a runner that failed is started again."""
GIVE_UP_AFTER = 5
"""Failures of an attempt's runner after which its execution is ended."""
LEAVE_WITHIN = 5.0
"""Seconds that runners get to let go."""

logger = logging.getLogger(__name__)


class Runners:
    """Starts them, passes stops on to them, and starts those again that failed.

    `ended` is called when one has ended.
    """

    def __init__(self, session: Session, engines: Engines, instance: str, ended: Callable[[], None]) -> None:
        self._session = session
        self._engines = engines
        self._images = ImageSupply(engines)
        self._instance = instance
        self._ended = ended
        self._failures: Counter[int] = Counter()
        self._running: dict[int, tuple[Runner, threading.Thread]] = {}

    def __bool__(self) -> bool:
        return bool(self._running)

    def start(self, attempt_id: int, *, is_new: bool = False) -> None:
        """Run an attempt; `is_new` says that no container can carry its name yet."""
        runner = Runner(self._session, self._engines, self._images, attempt_id, self._instance, is_new=is_new)
        thread = threading.Thread(target=self._run, args=(runner, attempt_id), name=runner.name, daemon=True)
        self._running[attempt_id] = (runner, thread)
        thread.start()

    def look_after(self) -> None:
        """Forget those that have ended, take up open attempts that nobody runs, and pass stops on."""
        for attempt_id, (_, thread) in list(self._running.items()):
            if not thread.is_alive():
                del self._running[attempt_id]
        connection = self._session.read("execution.run")
        for attempt_id in attempts.open_attempts(connection):
            if attempt_id not in self._running:
                self._take_up(attempt_id)
        for attempt_id in attempts.stopping_attempts(connection):
            if attempt_id in self._running:
                self._running[attempt_id][0].signals.stop.set()

    def lose(self, host_id: int, why: str) -> None:
        """Give up what runs on a host: each of its attempts is lost. It may be said again while that is written down.

        `why` goes into sentences, as in "machine gpu-2-1 was lost: host gpu-2 did not answer for 5 min".
        """
        for attempt_id in attempts.attempts_on(self._session.read("execution.run"), host_id):
            if attempt_id not in self._running:
                self._take_up(attempt_id)
            if attempt_id in self._running:
                self._running[attempt_id][0].signals.lose(why)

    def leave(self) -> bool:
        """Let go of what runs: the containers go on, and the next scheduler takes them over.

        False when one of them did not let go in time: then this process must end before another one starts.
        """
        for runner, _ in self._running.values():
            runner.signals.detach.set()
        deadline = time.monotonic() + LEAVE_WITHIN
        for _, thread in self._running.values():
            thread.join(timeout=max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for _, thread in self._running.values())

    def _take_up(self, attempt_id: int) -> None:
        """Start an open attempt; one that cannot be started must not keep others from it."""
        try:
            self.start(attempt_id)
        except Exception:
            logger.exception("attempt %s cannot be taken up", attempt_id)

    def _run(self, runner: Runner, attempt_id: int) -> None:
        try:
            if self._failures[attempt_id] < GIVE_UP_AFTER:
                runner.run()
            else:
                runner.give_up()
            del self._failures[attempt_id]
        except Exception:
            self._failures[attempt_id] += 1
            logger.exception("%s: its runner failed; it is taken up again", runner.name)
            runner.signals.detach.wait(RETRY_AFTER)
        finally:
            self._session.database.close_reader()
            self._ended()
