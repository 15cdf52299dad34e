"""The scheduler as a process."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sqlite3
import threading
from typing import TYPE_CHECKING, TypeVar

from core.errors import ConflictError
from core.scheduler.engines.docker import DockerEngine
from core.scheduler.engines.engines import Engines
from core.scheduler.lease import Lease
from core.scheduler.scheduler import Scheduler
from core.shoal import Shoal

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.home import Home
    from core.scheduler.engines.engine import Engine

Result = TypeVar("Result")
logger = logging.getLogger(__name__)


def run_scheduler(
    home: Home,
    *,
    exit_when_idle: float | None = None,
    ready: Callable[[], None] = lambda: None,
    open_engine: Callable[[], Engine] = DockerEngine,
) -> None:
    """Schedule until SIGTERM or SIGINT, or until nothing ran or waited for `exit_when_idle` seconds.

    Raises:
        ConflictError: a scheduler runs in this home already.
    """
    shoal = _patiently(lambda: Shoal.create(home))
    lease = Lease(home, shoal.database)
    _patiently(lease.acquire)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _stop(stop, shoal))
    try:
        shoal.bell.listen()
        session = shoal.system_session()
        scheduler = Scheduler(session, shoal.bell, lease, Engines(session, open_engine, shoal.bell.ring))
        _patiently(scheduler.recover)
        _tell_systemd("READY=1")
        ready()
        _run(scheduler, lease, stop, exit_when_idle)
    finally:
        shoal.close()


def _run(scheduler: Scheduler, lease: Lease, stop: threading.Event, exit_when_idle: float | None) -> None:
    """Run, and give the lease back where nothing of ours goes on.

    Somebody may have created an execution between the last look and the release, seeing that a scheduler ran.
    """
    while True:
        scheduler.run(stop, exit_when_idle)
        if not scheduler.leave():
            return
        lease.release()
        if stop.is_set() or not scheduler.has_work():
            return
        try:
            _patiently(lease.acquire)
        except ConflictError:
            return


def _patiently(action: Callable[[], Result]) -> Result:
    """Do it once nobody else holds the database: a scheduler that leaves for that would have to be missed first."""
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            logger.warning("waiting for the database: %s", error)


def _stop(stop: threading.Event, shoal: Shoal) -> None:
    stop.set()
    shoal.bell.ring()


def _tell_systemd(state: str) -> None:
    """Send a state to systemd, where it started us (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        try:
            notify.sendto(state.encode(), address.replace("@", "\0", 1) if address.startswith("@") else address)
        except OSError as error:
            logger.warning("systemd was not told %s: %s", state, error)
