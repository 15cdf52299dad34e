"""Machines, those that are present and those that were: what each runs and ran, and whether it takes work."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, NamedTuple

from core.errors import NotFoundError
from core.machines.usage import BILL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.session import Session

STATES = ("starting", "idle", "leased", "draining", "gone")
PAST = ("gone",)

NOW = "((julianday('now') - 2440587.5) * 86400.0)"
END = f"coalesce(m.gone_at, {NOW})"
RUNNING = """(SELECT r.id FROM machine_usage o JOIN executions r ON r.id = o.execution_id
    WHERE o.machine_id = m.id AND o.ended_at IS NULL
    AND r.project_id IN (SELECT id FROM projects WHERE organization_id = :organization))"""
WORKED = f"""(SELECT coalesce(sum(max(coalesce(u.ended_at, {NOW}) - u.began_at, 0)), 0) FROM machine_usage u
    WHERE u.machine_id = m.id AND u.kind = 'execution')"""  # noqa: S608 - of constants
RAN = "(SELECT count(*) FROM machine_usage w WHERE w.machine_id = m.id AND w.kind = 'execution')"
ROW = f"""
    SELECT m.id, m.uuid, m.name, m.state, m.state_at, m.requested_at, m.ready_at, m.gone_at, m.cordoned,
        m.gpu_devices, m.reason, v.slug, h.name, e.id, e.counter, e.step, p.name,
        {RAN}, {WORKED}, {BILL.format(at=END, machine="m")}, m.price_per_hour, {NOW}
    FROM machines m JOIN environments v ON v.id = m.environment_id LEFT JOIN hosts h ON h.id = m.host_id
    LEFT JOIN executions e ON e.id = {RUNNING} LEFT JOIN projects p ON p.id = e.project_id
"""  # noqa: S608 - of constants


class Machine(NamedTuple):
    """A machine; from `execution_id` to `project` is what it runs, if it runs something.

    `ran` executions were given to it, `worked` seconds of its life were theirs, and `cost` is its bill,
    all of it at the moment `read_at`.
    """

    id: int
    uuid: str
    name: str
    state: str
    state_at: float
    requested_at: float
    ready_at: float | None
    gone_at: float | None
    cordoned: bool
    gpu_devices: str
    reason: str
    environment: str
    host: str | None
    execution_id: int | None
    counter: int | None
    step: str | None
    project: str | None
    ran: int
    worked: float
    cost: int
    price_per_hour: int
    read_at: float

    @property
    def is_gone(self) -> bool:
        """Whether it has left."""
        return self.state in PAST

    def utilization(self, now: float) -> float | None:
        """Return which part of its life it worked, None where that has just begun."""
        lifetime = (now if self.gone_at is None else self.gone_at) - self.requested_at
        since = 0.0 if self.execution_id is None or self.is_gone else max(now - self.read_at, 0.0)
        return min((self.worked + since) / lifetime, 1.0) if lifetime >= 1 else None


class Usage(NamedTuple):
    """What a machine did from when to when (None: still), and what that cost so far."""

    kind: str
    began_at: float
    ended_at: float | None
    cost: int
    execution_id: int | None
    counter: int | None
    step: str | None


class Machines:
    """Finds machines, and says whether they take work."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, name: str) -> Machine:
        """Return the machine of that name, present or gone.

        Raises:
            NotFoundError: there was none of that name.
        """
        rows = self._session.read("machine.see").execute(
            f"{ROW} WHERE m.name = :name", {"organization": self._session.actor.organization_id, "name": name}
        )
        row = rows.fetchone()
        if row is None:
            message = f"there is no machine {name!r:.120}: `shoal machines ls` lists those that are present"
            raise NotFoundError(message, field="machine")
        return Machine(*row)

    def by_ids(self, ids: Sequence[int]) -> Mapping[int, Machine]:
        """Return the machines with these ids."""
        rows = self._session.read("machine.see").execute(
            f"{ROW} WHERE m.id IN (SELECT value FROM json_each(:ids))",  # noqa: S608 - made of constants
            {"organization": self._session.actor.organization_id, "ids": json.dumps([*ids])},
        )
        return {row["id"]: Machine(*row) for row in rows}

    def usage(self, machine: Machine, limit: int = 50) -> Sequence[Usage]:
        """Return what a machine did, newest first."""
        rows = self._session.read("machine.see").execute(
            "SELECT u.kind, u.began_at, u.ended_at, CASE WHEN u.ended_at IS NOT NULL THEN u.cost ELSE"  # noqa: S608
            f" {BILL.format(at=NOW, machine='m')} - {BILL.format(at='u.began_at', machine='m')} END,"
            " e.id, e.counter, e.step FROM machine_usage u JOIN machines m ON m.id = u.machine_id"
            " LEFT JOIN executions e ON e.id = u.execution_id AND e.project_id IN"
            " (SELECT id FROM projects WHERE organization_id = :organization)"
            " WHERE u.machine_id = :machine ORDER BY u.id DESC LIMIT :limit",
            {"organization": self._session.actor.organization_id, "machine": machine.id, "limit": limit},
        )
        return [Usage(*row) for row in rows]

    def cordon(self, machine: Machine) -> str:
        """Let a machine take no new work, with its whole host where it has one; return what was done."""
        if machine.host is not None:
            self._session.hosts.cordon(self._session.hosts.get(machine.host))
            return f"host {machine.host} takes no new work"
        self._flag(machine, on=True)
        return f"machine {machine.name} takes no new work"

    def uncordon(self, machine: Machine) -> str:
        """Let a machine take work again, with its whole host where it has one; return what was done."""
        if machine.host is not None:
            self._session.hosts.uncordon(self._session.hosts.get(machine.host))
            return f"host {machine.host} takes work again"
        self._flag(machine, on=False)
        return f"machine {machine.name} takes work again"

    def drain(self, machine: Machine) -> str:
        """Let a machine go as soon as it is empty, with its whole host where it has one; return what was done."""
        from core.scheduler import machines  # noqa: PLC0415 - a list drains nothing

        if machine.host is not None:
            self._session.hosts.drain(self._session.hosts.get(machine.host))
            return f"host {machine.host} drains: its machines leave as they become empty"
        with self._session.write("machine.edit") as connection:
            machines.drain(connection, machine.id, self._session.actor.id)
        return f"machine {machine.name} leaves as soon as it is empty"

    def _flag(self, machine: Machine, *, on: bool) -> None:
        from core.scheduler import machines  # noqa: PLC0415

        with self._session.write("machine.edit") as connection:
            machines.cordon(connection, machine.id, on=on, actor=self._session.actor.id)


def lifetime(machine: Machine) -> float:
    """Return how long a machine was held, in seconds."""
    return max(0.0, (time.time() if machine.gone_at is None else machine.gone_at) - machine.requested_at)
