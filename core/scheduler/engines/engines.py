"""The Docker Engines of all machines: this box's, and those of hosts, each behind a tunnel that is looked after.

Every host has a thread of its own, so that one that does not answer delays no other.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import UnavailableError
from core.scheduler.engines.docker import DockerEngine
from core.scheduler.engines.engine import EngineDownError
from core.scheduler.engines.ssh_tunnel import Health, HostError, SshTunnel, Target, socket_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from core.scheduler.engines.engine import Engine
    from core.session import Session

LOOK_EVERY = 5.0
"""Seconds between two looks at a host."""
HURRIED = 1.0
"""Seconds between two looks at a host that is being started."""
LONGEST_PAUSE = 60.0
"""Seconds between two tries at a host that refuses us, at most: servers ban who knocks too often."""
LEAVE_WITHIN = 5.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the last look at a host found."""

    health: Health
    detail: str


class Engines:
    """Opens engines. `changed` is called, from any thread, when a look at a host found something new."""

    def __init__(
        self,
        session: Session,
        open_local: Callable[[], Engine] = DockerEngine,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._session = session
        self._open_local = open_local
        self._changed = changed
        self._watches: dict[int, _Watch] = {}
        self._ending: dict[int, threading.Thread] = {}

    def open(self, host_id: int | None) -> Engine:
        """Open the engine of a host, of this box for None, for one thread.

        Raises:
            EngineDownError: the host does not answer, or nobody looks at it (yet).
        """
        if host_id is None:
            return self._open_local()
        watch = self._watches.get(host_id)
        if watch is None:
            message = "its host is not looked at: it may be removed"
            raise EngineDownError(message)
        if watch.seen is None or watch.seen.health != "up":
            detail = watch.seen.detail if watch.seen is not None else "was not looked at yet"
            message = f"host {watch.target.name} {detail}"
            raise EngineDownError(message)
        return DockerEngine(f"unix://{watch.socket}")

    def watch(self, targets: Iterable[Target], hurried: Iterable[int] = ()) -> None:
        """Look at these hosts from now on, and at no others; more often at those that are `hurried`."""
        wanted = {target.id: target for target in targets}
        for host_id, watch in list(self._watches.items()):
            if wanted.get(host_id) != watch.target:
                watch.end()
                self._ending[host_id] = self._watches.pop(host_id).thread
        for host_id, target in wanted.items():
            if host_id in self._watches:
                self._watches[host_id].target = target
            else:
                self._watches[host_id] = _Watch(self._session, target, self._changed, self._ending.pop(host_id, None))
                self._watches[host_id].thread.start()
        hurry = set(hurried)
        for host_id, watch in self._watches.items():
            if host_id in hurry and not watch.hurried:
                watch.wake.set()
            watch.hurried = host_id in hurry

    def seen(self, host_id: int) -> Seen | None:
        """Return how a host is, None before the first look is over."""
        watch = self._watches.get(host_id)
        return None if watch is None else watch.seen

    def interrupt(self, host_id: int) -> None:
        """Cut off what waits for an answer of a host, and open its tunnel anew: an engine that hangs never answers."""
        if (watch := self._watches.get(host_id)) is not None:
            watch.interrupt()

    def close(self) -> None:
        """End all tunnels."""
        self.watch(())
        deadline = time.monotonic() + LEAVE_WITHIN
        for thread in self._ending.values():
            thread.join(timeout=max(0.0, deadline - time.monotonic()))


class _Watch:
    """Keeps the tunnel to one host and looks whether its engine answers."""

    def __init__(
        self, session: Session, target: Target, changed: Callable[[], None], after: threading.Thread | None
    ) -> None:
        self.target = target
        self.seen: Seen | None = None
        self.hurried = False
        self.stop = threading.Event()
        self.wake = threading.Event()
        self._cut = threading.Event()
        self._session = session
        self._changed = changed
        self._after = after
        self._tunnel: SshTunnel | None = None
        self.socket = ""
        self.thread = threading.Thread(target=self._run, name=f"host {target.name}", daemon=True)

    def end(self) -> None:
        """Have its thread end."""
        self.stop.set()
        self.wake.set()

    def interrupt(self) -> None:
        """Have its thread close the tunnel before its next look, which comes now."""
        self._cut.set()
        self.wake.set()

    def _run(self) -> None:
        refused = 0
        try:
            if self._after is not None:
                # It has the socket's name.
                self._after.join()
            while not self.stop.is_set():
                self._look()
                refused = refused + 1 if self.seen is not None and self.seen.health == "refused" else 0
                self._pause(refused)
        finally:
            self._close()
            self._session.database.close_reader()

    def _pause(self, refused: int) -> None:
        """Wait for the next look, which comes early where the tunnel has ended."""
        pause = min(LOOK_EVERY * 2 ** min(refused, 6), LONGEST_PAUSE)
        until = time.monotonic() + (HURRIED if self.hurried and not refused else pause)
        while (left := until - time.monotonic()) > 0:
            if self.wake.wait(min(left, HURRIED)) or (self._tunnel is not None and not self._tunnel.is_open):
                break
        self.wake.clear()

    def _look(self) -> None:
        if self._cut.is_set():
            self._cut.clear()
            self._close()
        was_up = self.seen is not None and self.seen.health == "up"
        try:
            try:
                self._ask()
            except HostError:
                if not was_up:
                    raise
                # One lost answer is not worth the work that runs there.
                self._ask()
            self._see("up", "")
        except HostError as error:
            # A tunnel whose engine is only slow serves on: what runs over there is followed through it.
            self._close_if_ended()
            self._see(error.health, error.detail)
        except Exception as error:
            logger.exception("host %s: this look failed", self.target.name)
            self._close()
            self._see("down", f"could not be looked at ({type(error).__name__})")

    def _ask(self) -> None:
        self._close_if_ended()
        if self._tunnel is None:
            self._tunnel = self._opened()
        self._tunnel.check()

    def _opened(self) -> SshTunnel:
        from core.secrets import Secrets  # noqa: PLC0415 - what has no hosts has no secrets to open

        session = self._session
        try:
            key = Secrets(session.database, session.home).get(
                session.database.reader(), "hosts", self.target.id, "private_key"
            )
        except UnavailableError as error:
            raise HostError("refused", f"cannot be logged in to: {error.message}") from error
        if key is None:
            raise HostError("refused", "has no private key: give it one")
        tunnel = SshTunnel(session.home.tunnels, self.target, key)
        try:
            tunnel.open()
        except Exception:
            tunnel.close()
            raise
        if not self.socket:
            self.socket = socket_address(tunnel.socket)
        return tunnel

    def _see(self, health: Health, detail: str) -> None:
        seen = Seen(health, detail)
        if seen != self.seen:
            self.seen = seen
            if not self.stop.is_set():
                self._changed()

    def _close_if_ended(self) -> None:
        if self._tunnel is not None and not self._tunnel.is_open:
            self._close()

    def _close(self) -> None:
        if self._tunnel is not None:
            self._tunnel.close()
            self._tunnel = None
