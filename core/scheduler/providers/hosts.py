"""Machines of kind `hosts`: slots of Docker Engines that are reached over SSH.

All that it does follows from rows and from what was seen last, so that the next scheduler goes on where one died: a
machine that is `starting` has its host's start command run once, whose failure is the machine's; a host whose last
machine has gone has its stop command run, until one was done.
"""

from __future__ import annotations

import logging
import math
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

from core.quantities import duration
from core.scheduler import machines
from core.scheduler.attempts import attempts_on
from core.scheduler.engines.engine import EngineDownError, RefusedError
from core.scheduler.host_choice import health_sentence, is_stopping, offers, retry_at
from core.scheduler.host_commands import HostCommand, HostCommands, ending
from core.scheduler.providers.host_state import HostState, read_hosts, target_of
from core.scheduler.snapshot import Launching
from core.scheduler.sweep import sweep
from data.changes import SYSTEM, record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from core.metrics.publishing import Failure
    from core.scheduler.engines.engines import Engines, Seen
    from core.session import Session

    Act = Callable[[sqlite3.Connection], object]
    """Something to write."""

SHOWN_PROBLEMS = 2
SWEEP_AGAIN = 10.0
"""Seconds after which a host is swept again where that failed."""
LOSE_AGAIN = 1.0
"""Seconds after which attempts that are still open on a host that was given up are given up again."""

logger = logging.getLogger(__name__)


class HostsProvider:
    """`lose` is told of a host that was away for too long, and why; `failed` of what is to be counted."""

    def __init__(
        self,
        session: Session,
        engines: Engines,
        instance: str,
        lose: Callable[[int, str], None],
        failed: Callable[[Failure], None] = lambda _: None,
    ) -> None:
        self._session = session
        self._engines = engines
        self._instance = instance
        self._lose = lose
        self._failed = failed
        self._commands = HostCommands(session)
        self._to_run: list[tuple[int, HostCommand]] = []
        self._away_since: dict[int, float] = {}
        self._sweep_at: dict[int, float] = {}
        self._was_up: set[int] = set()

    def recover(self) -> None:
        """Settle commands that were under way; what was seen before is no evidence that a host is up now."""
        self._commands.settle()
        with self._session.write("machine.run") as connection:
            rows = connection.execute("UPDATE hosts SET health = 'unknown' WHERE health = 'up' RETURNING id").fetchall()
        self._was_up = {row["id"] for row in rows}

    def reconcile(self, now: float) -> float | None:
        """Write down how hosts are, and do what follows from it."""
        connection = self._session.read("machine.run")
        hosts = read_hosts(connection)
        self._engines.watch((target_of(host.row) for host in hosts), (host.id for host in hosts if host.starting))
        wake_at: float | None = None
        for host in hosts:
            self._keep_away(host, now)
            due = self._lose_when_due(host, now)
            if due is not None:
                wake_at = due if wake_at is None else min(wake_at, due)
        acts = [act for host in hosts for act in self._acts(connection, host, now)]
        if acts:
            self._carry_out(acts)
        return wake_at

    def launching(self, connection: sqlite3.Connection, environment_id: int, now: float) -> Launching:
        """Return what its hosts give."""
        given = offers(connection, environment_id, now)
        fault = self._fault(connection, environment_id)
        if free := sum(offer.free for offer in given if now >= offer.after):
            return Launching(free, fault=fault)
        if later := [offer for offer in given if offer.free]:
            first = min(later, key=lambda offer: offer.after)
            return Launching(sum(offer.free for offer in later), first.after, first.problem, fault)
        return Launching(0, problem=_problem([offer.problem for offer in given]), fault=fault)

    def doubt(self, *, begins: bool) -> bool:  # noqa: ARG002
        """Return False: hosts are looked at all the time."""
        return False

    def is_busy(self) -> bool:
        """Tell whether a command runs, or a host will have to be stopped."""
        connection = self._session.read("machine.run")
        row = connection.execute(
            "SELECT 1 FROM machines m JOIN hosts h ON h.id = m.host_id"
            " WHERE m.host_id IS NOT NULL AND m.state != 'gone' AND (h.stop_command != '' OR m.state = 'starting')"
        ).fetchone()
        return bool(self._commands) or row is not None

    def leave(self) -> None:
        """End commands and tunnels; containers go on."""
        self._commands.leave()
        self._engines.close()

    def _fault(self, connection: sqlite3.Connection, environment_id: int) -> str | None:
        """A machine that was idle before this scheduler came may not be there any more."""
        rows = connection.execute(
            "SELECT DISTINCT h.id, h.name FROM machines m JOIN hosts h ON h.id = m.host_id"
            " WHERE m.environment_id = ? AND m.state = 'idle' AND m.state != 'gone'",
            (environment_id,),
        )
        unseen = [row["name"] for row in rows if self._engines.seen(row["id"]) is None]
        return f"host {unseen[0]} is being looked at" if unseen else None

    def _carry_out(self, acts: Sequence[Act]) -> None:
        """Write, then run the commands that were written down: none of a transaction that came to nothing."""
        self._to_run.clear()
        with self._session.write("machine.run") as connection:
            for act in acts:
                act(connection)
        for command_id, command in self._to_run:
            self._commands.run(command_id, command)

    def _keep_away(self, host: HostState, now: float) -> None:
        """Keep since when a host is away, on the clock that does not jump."""
        seen = self._engines.seen(host.id)
        if seen is None:
            return
        if seen.health == "up":
            self._away_since.pop(host.id, None)
        elif host.id not in self._away_since:
            before = 0.0
            if host.row["health"] in ("down", "refused"):
                before = max(0.0, now - (host.row["health_at"] or now))
            self._away_since[host.id] = time.monotonic() - before

    def _lose_when_due(self, host: HostState, now: float) -> float | None:
        """Give up what runs on a host that was away for too long; return when that will be."""
        away_since = self._away_since.get(host.id)
        if away_since is None or not (host.is_working or self._attempts(host.id)):
            return None
        left: float = away_since + host.row["host_timeout"] - time.monotonic()
        if left > 0:
            return now + left
        seen = self._engines.seen(host.id)
        away = f"for {duration(host.row['host_timeout'])}"
        why = f"host {host.name} did not answer {away}"
        if seen is not None and not seen.detail.startswith("does not answer"):
            why = f"host {host.name} could not be used {away}: it {seen.detail}"
        if host.numbers:
            logger.warning("what runs there is given up: %s", why)
            # Before their attempts: a machine that is given back must not get other work.
            with self._session.write("machine.run") as connection:
                query = "SELECT id FROM machines WHERE host_id = ? AND state != 'gone'"
                for row in connection.execute(query, (host.id,)).fetchall():
                    machines.vanish(connection, row["id"], why)
            host.numbers, host.idle, host.starting = {}, [], []
        self._lose(host.id, why)
        self._engines.interrupt(host.id)
        return now + LOSE_AGAIN

    def _attempts(self, host_id: int) -> Sequence[int]:
        return attempts_on(self._session.read("machine.run"), host_id)

    def _acts(self, connection: sqlite3.Connection, host: HostState, now: float) -> Sequence[Act]:
        """Return what has to be written about a host now."""
        seen = self._engines.seen(host.id)
        if seen is None:
            return ()
        acts: list[Act] = []
        if (seen.health, seen.detail) != (host.row["health"], host.row["health_detail"]):
            is_as_before = seen.health == "up" and host.id in self._was_up
            self._was_up.discard(host.id)
            acts.append(lambda writing: _write_health(writing, host, seen, None if is_as_before else now))
            if host.row["health"] == "up":
                self._failed("host")
        if seen.health == "up":
            acts += self._up(host)
        else:
            self._sweep_at.pop(host.id, None)
            why = _sentence(host, seen)
            acts += [_vanishing(machine_id, why) for machine_id in host.idle]
        if not host.numbers:
            acts += self._stop(connection, host, seen, now)
        elif host.starting and seen.health != "up":
            acts += self._start(connection, host, seen)
        return acts

    def _up(self, host: HostState) -> Sequence[Act]:
        if time.monotonic() >= self._sweep_at.get(host.id, 0.0):
            self._sweep_at[host.id] = math.inf
            threading.Thread(target=self._sweep, args=(host.id,), name=f"sweep {host.name}", daemon=True).start()
        acts = [_readying(machine_id) for machine_id in host.starting]
        if host.row["failures"]:
            acts.append(lambda writing: _forget_failures(writing, host.id))
        return acts

    def _start(self, connection: sqlite3.Connection, host: HostState, seen: Seen) -> Sequence[Act]:
        """Have a host brought up for the machines that wait for it, or give them up."""
        waiting = host.starting
        if seen.health == "refused":
            return [_giving_up(waiting, _sentence(host, seen))]
        if not host.row["start_command"]:
            return [_giving_up(waiting, f"{_sentence(host, seen)}, and it has no start command")]
        last = connection.execute(
            "SELECT * FROM host_commands WHERE host_id = ? ORDER BY id DESC LIMIT 1", (host.id,)
        ).fetchone()
        if last is not None and last["ended_at"] is None:
            return ()
        ours = last is not None and last["kind"] == "start" and last["machine_id"] in waiting
        if not ours or last["exit_code"] is None:
            return [lambda writing: self._begin(writing, host, "start", waiting[0])]
        if last["exit_code"] != 0:
            self._failed("launch")
            why = ending("start", host.name, last["exit_code"])
            return [_giving_up(waiting, f"{why}: `shoal hosts show {host.name}` has what it printed")]
        return ()

    def _stop(self, connection: sqlite3.Connection, host: HostState, seen: Seen, now: float) -> Sequence[Act]:
        """Have a host stopped that has had machines and has none any more."""
        if not host.row["stop_command"] or seen.health != "up" or not _is_stop_due(connection, host, now):
            return ()
        return [lambda writing: self._begin_stop(writing, host)]

    def _begin_stop(self, connection: sqlite3.Connection, host: HostState) -> None:
        present = connection.execute("SELECT 1 FROM machines WHERE host_id = ? AND state != 'gone'", (host.id,))
        if present.fetchone() is None and not attempts_on(connection, host.id):
            self._begin(connection, host, "stop", _last_machine(connection, host.id))

    def _begin(self, connection: sqlite3.Connection, host: HostState, kind: str, machine_id: int | None) -> None:
        row = host.row
        command = HostCommand(
            host.id,
            machine_id,
            "start" if kind == "start" else "stop",
            row["start_command"] if kind == "start" else row["stop_command"],
            row["command_timeout"],
            {"SHOAL_HOST": host.name, "SHOAL_HOST_ADDRESS": row["address"]},
        )
        logger.info("host %s: %s command begins", host.name, kind)
        self._to_run.append((self._commands.begin(connection, command), command))

    def _sweep(self, host_id: int) -> None:
        """Remove from a host what earlier schedulers left there, and what went on there after it was given up."""
        try:
            engine = self._engines.open(host_id)
            try:
                sweep(self._session, engine, self._instance)
            finally:
                engine.close()
        except (EngineDownError, RefusedError, OSError, sqlite3.Error) as error:
            self._sweep_at[host_id] = time.monotonic() + SWEEP_AGAIN
            logger.warning("host %s: not swept, that is tried again: %s", host_id, error)
        finally:
            self._session.database.close_reader()


def _sentence(host: HostState, seen: Seen | None) -> str:
    if seen is None or seen.health == host.row["health"]:
        return health_sentence(host.name, host.row["health"], host.row["health_at"], host.row["health_detail"])
    return health_sentence(host.name, seen.health, time.time(), seen.detail)


def _write_health(connection: sqlite3.Connection, host: HostState, seen: Seen, now: float | None) -> None:
    """Write down how a host is, since `now`; None for one that is as it was before this scheduler."""
    changed = now is not None and seen.health != host.row["health"]
    connection.execute(
        "UPDATE hosts SET health = ?, health_detail = ?, health_at = CASE WHEN ? THEN ? ELSE health_at END"
        " WHERE id = ?",
        (seen.health, seen.detail, changed, now, host.id),
    )
    if changed:
        logger.info("%s", _sentence(host, seen))
        record(connection, SYSTEM, "host", host.id, f"{seen.health}{f': {seen.detail}' if seen.detail else ''}")


def _forget_failures(connection: sqlite3.Connection, host_id: int) -> None:
    connection.execute("UPDATE hosts SET failures = 0, failed_at = NULL, failure = '' WHERE id = ?", (host_id,))


def _readying(machine_id: int) -> Act:
    return lambda connection: machines.ready(connection, machine_id)


def _vanishing(machine_id: int, why: str) -> Act:
    return lambda connection: machines.terminate(connection, machine_id, why)


def _giving_up(machine_ids: Sequence[int], why: str) -> Act:
    def act(connection: sqlite3.Connection) -> None:
        for machine_id in machine_ids:
            machines.give_up(connection, machine_id, why)

    return act


def _is_stop_due(connection: sqlite3.Connection, host: HostState, now: float) -> bool:
    """Tell whether a host was used since it was stopped the last time; a stop that failed is tried again later."""
    last = _last_machine(connection, host.id)
    if last is None or is_stopping(connection, host.row, now):
        return False
    tries = connection.execute(
        "SELECT ended_at, exit_code FROM host_commands WHERE host_id = ? AND kind = 'stop' AND machine_id = ?"
        " ORDER BY id DESC LIMIT 16",
        (host.id, last),
    ).fetchall()
    if not tries:
        return True
    if tries[0]["ended_at"] is None or tries[0]["exit_code"] == 0:
        return False
    failures = sum(each["exit_code"] is not None for each in tries)
    return now >= retry_at(tries[0]["ended_at"], failures, now)


def _last_machine(connection: sqlite3.Connection, host_id: int) -> int | None:
    row = connection.execute(
        "SELECT id FROM machines WHERE host_id = ? ORDER BY id DESC LIMIT 1", (host_id,)
    ).fetchone()
    return None if row is None else int(row["id"])


def _problem(problems: Sequence[str]) -> str:
    """Say why none of the hosts gives a machine; those whose machines are all taken are the least of it."""
    if not problems:
        return "it has no hosts yet: add one with `shoal hosts add`"
    told = [problem for problem in problems if problem]
    if not told:
        return "all slots of its host are taken" if len(problems) == 1 else "all slots of its hosts are taken"
    more = len(told) - SHOWN_PROBLEMS
    return "; ".join(told[:SHOWN_PROBLEMS] + ([f"and {more} hosts more"] if more > 0 else []))
