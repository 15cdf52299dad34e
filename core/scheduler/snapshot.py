"""Reads what the plan needs: limits, machines, and of every queue its length and its head."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.scheduler.known_machines import KnownMachines
from core.scheduler.known_queues import KnownQueues
from core.scheduler.plan import Environment
from core.scheduler.reasons import REASONS_CHANGED
from data import changes

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping


MOST_CHANGES = 2000
"""More changes than this are not followed one by one: all is read anew."""
FRESH_AFTER = 2.0
"""Seconds after which all is read anew, if the feed stands still: nothing is lost by it, and nothing stays wrong."""
FRESH_EVERY = 60.0
"""Seconds after which all is read anew in any case."""
UNPLANNED = frozenset({"commit", "file", "project", "setting"})
"""Kinds of things whose changes mean nothing to the plan."""

_TEAM_QUOTAS = "SELECT environment_id, team_id, quota FROM environment_teams"


@dataclass(frozen=True, slots=True)
class Launching:
    """What an environment's provider of machines can do: `Environment.launchable` and what belongs to it."""

    launchable: int | None = None
    after: float = 0.0
    problem: str = ""
    fault: str | None = None


def snapshot(connection: sqlite3.Connection, launching: Mapping[int, Launching]) -> list[Environment]:
    """Return every environment as the plan sees it; `launching` says, by environment, what can be launched."""
    return SnapshotReader().read(connection, launching)


class SnapshotReader:
    """Reads one snapshot after the other. It follows the change feed and reads only what was touched.

    Whatever it does not understand, a gap in the feed, too many changes, a kind that it does not know, makes it read
    all anew. What it gives is the plan's to look at until the next reading.
    """

    def __init__(self) -> None:
        self._machines = KnownMachines()
        self._queues = KnownQueues()
        self._seen: tuple[int, int] | None = None
        self._filled_at = 0.0

    def read(self, connection: sqlite3.Connection, launching: Mapping[int, Launching]) -> list[Environment]:
        """Return every environment as the plan sees it; `launching` says, by environment, what can be launched."""
        with _one_moment(connection):
            self._catch_up(connection)
            quotas: dict[int, dict[int, int | None]] = {}
            for environment_id, team_id, quota in connection.execute(_TEAM_QUOTAS):
                quotas.setdefault(environment_id, {})[team_id] = quota
            names = {row["id"]: row["name"] for row in connection.execute("SELECT id, name FROM teams")}
            rows = connection.execute("SELECT * FROM environments WHERE deleted_at IS NULL ORDER BY id").fetchall()
            environments = []
            for row in rows:
                environment = _environment(row, launching.get(row["id"], Launching()))
                environment.team_quotas, environment.team_names = quotas.get(row["id"], {}), names
                self._populate(connection, environment, row["launch_timeout"])
                environments.append(environment)
            return environments

    def forget(self) -> None:
        """Read all anew next time."""
        self._seen = None

    def _populate(self, connection: sqlite3.Connection, environment: Environment, launch_timeout: float) -> None:
        machines, people = self._machines.of(environment.id), self._queues.of(environment.id)
        environment.idle = machines.all_idle()
        environment.starting = machines.all_starting(launch_timeout)
        environment.busy, environment.cordoned = len(machines.busy), len(machines.cordoned)
        environment.active, environment.team_active = dict(people.active), dict(people.team_active)
        environment.served = dict(people.served)
        environment.queues = people.queues(connection, environment)

    def _catch_up(self, connection: sqlite3.Connection) -> None:
        schema = connection.execute("PRAGMA schema_version").fetchone()[0]
        now_seen = (schema, changes.newest(connection))
        touched = self._touched(connection, *now_seen)
        self._seen = None
        if touched is None:
            self._machines.fill(connection)
            self._queues.fill(connection)
            self._filled_at = time.monotonic()
        else:
            self._machines.renew(connection, touched["machine"])
            self._queues.renew(connection, touched["execution"])
        self._seen = now_seen

    def _touched(self, connection: sqlite3.Connection, schema: int, newest: int) -> dict[str, set[int]] | None:
        """Return the machines and executions that changed since the last reading; None where all must be read."""
        if self._seen is None or self._seen[0] != schema:
            return None
        number, filled = newest - self._seen[1], time.monotonic() - self._filled_at
        if not 0 <= number <= MOST_CHANGES or filled > (FRESH_EVERY if number else FRESH_AFTER):
            return None
        rows = connection.execute("SELECT kind, subject, what FROM changes WHERE seq > ?", (self._seen[1],)).fetchall()
        if len(rows) != number:
            return None
        touched: dict[str, set[int]] = {"machine": set(), "execution": set()}
        for kind, subject, what in rows:
            if kind in touched:
                touched[kind].add(subject)
            elif kind not in UNPLANNED and what != REASONS_CHANGED:
                return None
        return touched


@contextlib.contextmanager
def _one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    """Have everything that is read be of one moment."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def _environment(row: sqlite3.Row, launching: Launching) -> Environment:
    return Environment(
        id=row["id"],
        enabled=bool(row["enabled"]),
        minimum_scale=row["minimum_scale"],
        maximum_scale=row["maximum_scale"],
        grace_period=row["scale_down_grace_period"],
        per_user_quota=row["per_user_quota"],
        other_teams_quota=0 if row["access"] == "teams" else None,
        launchable=launching.launchable,
        launch_after=launching.after,
        launch_problem=launching.problem,
        fault=launching.fault,
    )
