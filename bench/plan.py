"""One tick of the scheduler that changes 10: how it grows with what waits, with machines and with people.

Run: python -m bench.plan [waiting]. The figures of `plan` alone are those that a simulation pays.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.report import goal, line, spread
from core.executions import transitions
from core.executions.transitions import Outcome
from core.home import Home
from core.scheduler import machines
from core.scheduler.carry_out import WrittenReasons, carry_out, is_empty, reasons_of
from core.scheduler.fair_order import Waiting
from core.scheduler.plan import Environment, IdleMachine, Queue, plan
from core.scheduler.snapshot import SnapshotReader, snapshot
from core.shoal import Shoal
from tests.scheduler.crowd import Crowd

if TYPE_CHECKING:
    from core.scheduler.plan import Decision

ROUNDS = 15
CHANGED = 10


@dataclass(frozen=True)
class Size:
    """How much there is."""

    waiting: int
    machines: int
    users: int

    def __str__(self) -> str:
        return f"{self.waiting:,} waiting, {self.machines:,} machines, {self.users:,} users"


@dataclass
class Tick:
    """What ticks took, in seconds, and of what CPU their parts took."""

    read: list[float] = field(default_factory=list)
    plan: list[float] = field(default_factory=list)
    carry_out: list[float] = field(default_factory=list)
    total: list[float] = field(default_factory=list)

    def cpu(self) -> float:
        """Return the median of the CPU that a tick took."""
        return statistics.median(map(sum, zip(self.read, self.plan, self.carry_out, strict=True)))


class Crowded:
    """A home in which every machine is busy and many wait."""

    def __init__(self, root: Path, size: Size) -> None:
        self.shoal = Shoal.create(Home(root / str(size).replace(" ", "-")))
        self.database = self.shoal.database
        self.reader = SnapshotReader()
        self.reasons = WrittenReasons()
        self.waiting = 0
        with self.database.transaction() as connection:
            connection.execute("UPDATE environments SET maximum_scale = ?", (size.machines,))
            self._crowd = Crowd(connection)
            self._users = [self._crowd.user(connection, f"user-{i}") for i in range(size.users)]
        self.add(size.machines)
        with self.database.transaction() as connection:
            for _ in range(size.machines):
                machines.launch(connection, 1)
        self.waiting = 0
        self.tick(Tick())
        self.tick(Tick())

    def add(self, number: int) -> None:
        """Have so many more wait, as many for each."""
        with self.database.transaction() as connection:
            for user in self._users:
                self._crowd.submit(connection, 1, user, 0, number=number // len(self._users))
        self.waiting += number
        self.database.optimize()

    def end(self, number: int) -> None:
        """End so many executions, and have as many more wait."""
        with self.database.transaction() as connection:
            rows = connection.execute(
                "SELECT id, machine_id FROM executions WHERE status = 'started' ORDER BY id LIMIT ?", (number,)
            ).fetchall()
            for execution_id, machine_id in rows:
                transitions.end(connection, execution_id, Outcome("complete", "exit code 0"))
                machines.release(connection, machine_id)
            for user in self._users[:number]:
                self._crowd.submit(connection, 1, user, 0)

    def tick(self, tick: Tick) -> int:
        """Do what the scheduler does: look, plan and carry out until there is nothing to do; return what began."""
        begun = 0
        begin = time.perf_counter()
        parts = [0.0, 0.0, 0.0]
        while True:
            at = time.process_time()
            environments = self.reader.read(self.database.reader(), {})
            read = time.process_time()
            decision = plan(environments, time.time())
            planned = time.process_time()
            parts[0] += read - at
            parts[1] += planned - read
            if not self._carry_out(decision):
                break
            begun += len(decision.assign)
            parts[2] += time.process_time() - planned
        tick.total.append(time.perf_counter() - begin)
        for times, part in zip((tick.read, tick.plan, tick.carry_out), parts, strict=True):
            times.append(part)
        return begun

    def _carry_out(self, decision: Decision) -> bool:
        wanted = reasons_of(decision)
        nothing = is_empty(decision)
        if nothing and self.reasons.are(self.database.reader(), wanted):
            return False
        with self.database.transaction() as connection:
            carry_out(connection, decision)
            self.reasons.write(connection, wanted)
        return not nothing


def measure(crowded: Crowded) -> Tick:
    """Measure ticks that give 10 machines to others."""
    tick = Tick()
    crowded.end(CHANGED)
    crowded.tick(Tick())
    for _ in range(ROUNDS):
        crowded.end(CHANGED)
        assert crowded.tick(tick) == CHANGED
    return tick


def report(size: Size, tick: Tick, least: float) -> float:
    """Print one size; return the CPU that its ticks took."""
    cpu = tick.cpu()
    line(f"tick: {size}", spread(tick.total))
    parts = (("read", tick.read), ("plan", tick.plan), ("carry out", tick.carry_out))
    figures = ", ".join(f"{name} {statistics.median(times) * 1000:.1f}" for name, times in parts)
    line("  CPU", f"{cpu * 1000:.1f} ms ({figures})", f"{cpu / least:.2f} × the smallest" if least else "")
    return cpu


def in_memory(people: int) -> float:
    """Return how many microseconds a plan takes that gives one machine to one of many people."""
    queues = [Queue(i, queued=(Waiting(0, i),), queued_total=100) for i in range(1, people + 1)]
    environments = (Environment(1, maximum_scale=100, busy=99, idle=(IdleMachine(1, 0.0),), queues=queues),)
    times = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        for _ in range(200):
            plan(environments, 1.0, reasons=False)
        times.append((time.process_time() - begin) / 200)
    return min(times) * 1e6


def main() -> None:
    """Measure all sizes in one run."""
    most = int(sys.argv[1]) if sys.argv[1:] and sys.argv[1].isdecimal() else 1_000_000
    for people in (1, 10, 100, 1000):
        line(f"plan() alone, one machine for {people} people", f"{in_memory(people):.1f} µs")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        size = Size(10_000, 100, 10)
        small = Crowded(root, size)
        small.add(size.waiting)
        least = report(size, measure(small), 0.0)
        large = Crowded(root, Size(most, 10_000, 1_000))
        grown = []
        for waiting in (10_000, 100_000, 1_000_000):
            if waiting <= most:
                large.add(waiting - large.waiting)
                grown.append(report(Size(waiting, 10_000, 1_000), measure(large), least))
        begin = time.process_time()
        snapshot(large.database.reader(), {})
        line("  CPU of reading all of it anew", f"{(time.process_time() - begin) * 1000:.1f} ms")
        growth = grown[-1] / grown[0]
        goal("  the most that waits against the least", f"{growth:.2f} ×", growth, 1.5, "1.5 × for 100 × what waits")


if __name__ == "__main__":
    main()
