"""The machines of a simulated environment, and what their seconds were for."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from core.scheduler.plan import IdleMachine, StartingMachine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from core.scheduler.plan import Environment


@dataclass(slots=True)
class Account:
    """Seconds of machines, by what they were for."""

    startup: float = 0.0
    execution: float = 0.0
    grace: float = 0.0
    idle: float = 0.0

    @property
    def total(self) -> float:
        """Every second that machines were held."""
        return self.startup + self.execution + self.grace + self.idle


class SimulatedMachines:
    """Machines that start, are idle, run executions and go."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._grace = environment.grace_period
        # Those that are idle for longest first, as the plan has them: it takes them from the end, and lets them go from
        # the beginning.
        self._idle: deque[IdleMachine] = deque()
        self._busy = 0
        self._starting: dict[int, StartingMachine] = {}
        self._requested: list[float] = []
        self._gone: list[float | None] = []
        self.account = Account()
        self.present = 0
        self.peak = 0

    @property
    def idle(self) -> int:
        """How many are idle."""
        return len(self._idle)

    @property
    def starting(self) -> int:
        """How many were asked for and are not there yet."""
        return len(self._starting)

    def launch(self, now: float) -> int:
        """Ask for a machine and return its number."""
        number = len(self._requested)
        self._requested.append(now)
        self._gone.append(None)
        self._starting[number] = StartingMachine(number, "", now, math.inf)
        self.present += 1
        self.peak = max(self.peak, self.present)
        return number

    def free(self, ended: Sequence[tuple[float, int, int]], ran: int) -> None:
        """Have machines idle since these times, in their order; so many have run something, the others come up."""
        if ran < len(ended):
            for at, number, _ in ended:
                if self._starting.pop(number, None) is not None:
                    self.account.startup += at - self._requested[number]
        self._busy -= ran
        self._idle.extend([IdleMachine(number, at) for at, number, _ in ended])

    def lease(self, numbers: Sequence[int], now: float) -> None:
        """Take idle machines for executions."""
        self._busy += len(numbers)
        self._leave_idle([self._taken(number) for number in numbers], now)

    def terminate(self, number: int, now: float) -> None:
        """Let an idle machine go."""
        self._leave_idle([self._taken(number)], now)
        self._gone[number] = now
        self.present -= 1

    def show(self, waiting: int, now: float) -> None:
        """Set the machines in the plan's environment: of the idle ones those that can be taken, or go, or go next.

        The others count as busy: they are present, and not to be touched.
        """
        environment, idle = self._environment, self._idle
        environment.starting = list(self._starting.values()) if self._starting else ()
        gone = self._next_to_go(now) if len(idle) > waiting else 0
        if waiting + gone >= len(idle):
            environment.idle = list(idle)
        else:
            environment.idle = [*islice(idle, gone), *islice(reversed(idle), waiting)]
        environment.busy = self._busy + len(idle) - len(environment.idle)

    def close(self, end: float) -> Sequence[tuple[float, float]]:
        """End the account of those that are still there; return when each was asked for, and when it was gone."""
        self._leave_idle(self._idle, end)
        return [(asked, end if gone is None else gone) for asked, gone in zip(self._requested, self._gone, strict=True)]

    def _next_to_go(self, now: float) -> int:
        """Return how many are over their grace period, and the next ones that will be; none of the minimum scale."""
        environment = self._environment
        most = max(0, self.present - environment.minimum_scale) if environment.enabled else self.present
        since: float | None = None
        for number, machine in enumerate(islice(self._idle, most)):
            if since is not None and machine.idle_since != since:
                return number
            if now < machine.idle_since + self._grace:
                since = machine.idle_since
        return min(most, len(self._idle))

    def _taken(self, number: int) -> IdleMachine:
        idle = self._idle
        if idle[-1].id == number:
            return idle.pop()
        if idle[0].id == number:
            return idle.popleft()
        machine = next(machine for machine in idle if machine.id == number)
        idle.remove(machine)
        return machine

    def _leave_idle(self, machines: Iterable[IdleMachine], now: float) -> None:
        limit, grace, idle = self._grace, 0.0, 0.0
        for _, since in machines:
            seconds = now - since
            if seconds > limit:
                idle += seconds - limit
                seconds = limit
            grace += seconds
        self.account.grace += grace
        self.account.idle += idle
