"""The machines of every environment as the plan sees them, kept between looks: only what was touched is read anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.scheduler.plan import IdleMachine, StartingMachine

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

_MACHINES = "SELECT id, environment_id, name, state, idle_since, state_at, cordoned FROM machines WHERE state != 'gone'"


@dataclass(slots=True)
class PresentMachines:
    """The machines of one environment; of those that start, their names and since when they do."""

    idle: dict[int, IdleMachine] = field(default_factory=dict)
    starting: dict[int, tuple[str, float]] = field(default_factory=dict)
    busy: set[int] = field(default_factory=set)
    cordoned: set[int] = field(default_factory=set)

    def all_idle(self) -> list[IdleMachine]:
        """Return those that take work, by id."""
        return sorted(self.idle.values())

    def all_starting(self, timeout: float) -> list[StartingMachine]:
        """Return those that start, by id, with the time by which they have to be there."""
        return [StartingMachine(id_, name, at, at + timeout) for id_, (name, at) in sorted(self.starting.items())]


class KnownMachines:
    """What was read of the table of machines."""

    def __init__(self) -> None:
        self._present: dict[int, PresentMachines] = {}
        self._environments: dict[int, int] = {}

    def of(self, environment_id: int) -> PresentMachines:
        """Return the machines of one environment."""
        return self._present.setdefault(environment_id, PresentMachines())

    def fill(self, connection: sqlite3.Connection) -> None:
        """Read all machines."""
        self._present.clear()
        self._environments.clear()
        for row in connection.execute(_MACHINES):
            self._add(*row)

    def renew(self, connection: sqlite3.Connection, machine_ids: Iterable[int]) -> None:
        """Read these machines anew."""
        for machine_id in machine_ids:
            self._remove(machine_id)
            for row in connection.execute(f"{_MACHINES} AND id = ?", (machine_id,)):
                self._add(*row)

    def _add(
        self,
        machine_id: int,
        environment_id: int,
        name: str,
        state: str,
        idle_since: float | None,
        state_at: float,
        cordoned: int,
    ) -> None:
        self._environments[machine_id] = environment_id
        present = self.of(environment_id)
        if state == "starting":
            present.starting[machine_id] = (name, state_at)
        elif state != "idle":
            present.busy.add(machine_id)
        elif cordoned:
            present.cordoned.add(machine_id)
        else:
            present.idle[machine_id] = IdleMachine(machine_id, idle_since or 0.0)

    def _remove(self, machine_id: int) -> None:
        environment_id = self._environments.pop(machine_id, None)
        if environment_id is not None:
            present = self._present[environment_id]
            present.idle.pop(machine_id, None)
            present.starting.pop(machine_id, None)
            present.busy.discard(machine_id)
            present.cordoned.discard(machine_id)
