"""What is remembered of how environments stood."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.environments.samples import (
    APART,
    AT_LEAST_EVERY,
    IN_FULL,
    KEPT,
    KNOWN_FOR,
    PRUNE_EVERY,
    Sample,
    Sampler,
    history,
    spread,
)
from core.scheduler.plan import Environment, IdleMachine, Queue, StartingMachine

if TYPE_CHECKING:
    import sqlite3

    from core.session import Session

NOW = 1_790_000_000.0


def environment(busy: int = 0, waiting: int = 0, idle: int = 0) -> Environment:
    return Environment(
        1,
        busy=busy,
        idle=[IdleMachine(number, 0) for number in range(idle)],
        queues=[Queue(1, created_total=waiting)] if waiting else [],
    )


class Scheduler:
    """Looks as the real one does: a transaction only where something is due."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.sampler = Sampler()
        self.transactions = 0

    def tick(self, now: float, busy: int = 0, waiting: int = 0) -> None:
        environments = [environment(busy, waiting)]
        if self.sampler.due(environments, now):
            self.transactions += 1
            with self.session.write("machine.run") as connection:
                self.sampler.sample(connection, environments, now)

    def written(self) -> list[tuple[float, int, int]]:
        rows = self.session.database.reader().execute("SELECT at, busy, waiting FROM environment_samples ORDER BY at")
        return [tuple(row) for row in rows]


@pytest.fixture
def scheduler(system: Session) -> Scheduler:
    return Scheduler(system)


def test_all_machines_and_all_that_waits_are_counted(system: Session) -> None:
    crowded = Environment(
        1,
        busy=3,
        cordoned=2,
        idle=[IdleMachine(1, 0.0)],
        starting=[StartingMachine(2, "m", 0.0, 1.0)] * 4,
        queues=[Queue(1, created_total=5, queued_total=2), Queue(2, queued_total=10)],
    )
    with system.write("machine.run") as connection:
        Sampler().sample(connection, [crowded], NOW)
        assert tuple(connection.execute("SELECT * FROM environment_samples").fetchone()) == (1, NOW, 3, 3, 4, 17)


def test_what_changes_is_written_but_not_too_often(scheduler: Scheduler) -> None:
    for second in range(35):
        scheduler.tick(NOW + second, busy=second)
    assert [at - NOW for at, *_ in scheduler.written()] == [0, APART, 2 * APART, 3 * APART]


def test_the_last_of_many_changes_is_written(scheduler: Scheduler) -> None:
    for second in (0, 1, 2, 3, 12, 13, 14):
        scheduler.tick(NOW + second, busy=min(second, 3))
    assert scheduler.written() == [(NOW, 0, 0), (NOW + 12, 3, 0)]


def test_what_stays_is_written_now_and_then_and_what_is_empty_once(scheduler: Scheduler) -> None:
    for second in range(0, 3000, 5):
        scheduler.tick(NOW + second, busy=1 if second < 2000 else 0)
    assert [(at - NOW, busy) for at, busy, _ in scheduler.written()] == [
        (0, 1),
        (AT_LEAST_EVERY, 1),
        (2 * AT_LEAST_EVERY, 1),
        (3 * AT_LEAST_EVERY, 1),
        (2000, 0),
    ]
    assert scheduler.transactions == 5


def test_a_clock_that_is_set_back_leaves_no_future(scheduler: Scheduler) -> None:
    scheduler.tick(NOW, busy=1)
    scheduler.tick(NOW + 20, busy=2)
    scheduler.tick(NOW - 3600, busy=3)
    scheduler.tick(NOW - 3580, busy=4)
    assert scheduler.written() == [(NOW - 3600, 3, 0), (NOW - 3580, 4, 0)]


def test_old_samples_are_thinned_and_very_old_ones_go(system: Session) -> None:
    begin = (NOW - KEPT - 3600) // 600 * 600
    with system.write("machine.run") as connection:
        connection.executemany(
            "INSERT INTO environment_samples VALUES (1, ?, ?, 0, 0, 0)",
            [(begin + 60 * minute, minute % 10) for minute in range(120)]  # half of it is over its time
            + [(NOW - IN_FULL - 1200 + 60 * minute, minute % 10 == 3) for minute in range(40)],
        )
        sampler = Sampler()
        sampler.sample(connection, [environment()], NOW)
        left = [tuple(row) for row in connection.execute("SELECT at, busy FROM environment_samples ORDER BY at")]
        very_old = [busy for at, busy in left if at < NOW - KEPT + 7200]
        assert min(at for at, _ in left) >= NOW - KEPT
        assert set(very_old) == {9}  # the fullest, which is the last one too
        border = (NOW - IN_FULL) // 600 * 600
        assert (
            sum(at >= border for at, _ in left)
            == sum(NOW - IN_FULL - 1200 + 60 * minute >= border for minute in range(40)) + 1
        )
        sampler.sample(connection, [environment(busy=1)], NOW + PRUNE_EVERY - 1)
        sampler.sample(connection, [environment(busy=2)], NOW + PRUNE_EVERY)
        again = [tuple(row) for row in connection.execute("SELECT at, busy FROM environment_samples ORDER BY at")]
    assert set(left) - {row for row in left if row[0] < NOW - KEPT + PRUNE_EVERY} >= {
        row for row in again if row[0] < NOW - IN_FULL
    }


def steps(connection: sqlite3.Connection, sampler: Sampler, now: float, number: int) -> int:
    """Return how many hundred steps of SQLite's machine it takes to thin so many old samples."""
    counted = count()
    connection.execute("DELETE FROM environment_samples")
    connection.executemany(
        "INSERT INTO environment_samples VALUES (1, ?, 1, 0, 0, 0)",
        [(NOW - KEPT + 3600 + 100 * each,) for each in range(number)],
    )
    connection.set_progress_handler(lambda: next(counted) < 0, 100)
    sampler.sample(connection, [environment(busy=number)], now)
    connection.set_progress_handler(None, 0)
    return next(counted)


def test_thinning_costs_what_there_is_to_thin(system: Session) -> None:
    with system.write("machine.run") as connection:
        few = steps(connection, Sampler(), NOW, 500)
        many = steps(connection, Sampler(), NOW, 4000)
        assert many < 2 * 8 * few, "not every sample is compared with every other"
        again = Sampler()
        again.sample(connection, [environment()], NOW)
        assert steps(connection, again, NOW + PRUNE_EVERY, 4000) < many / 2, "what is thin is not looked at again"


def test_history_is_a_step_in_each_stretch(system: Session) -> None:
    of = system.environments.get("local")
    assert history(system, of, NOW - 100, 10, NOW) == []
    with system.write("machine.run") as connection:
        connection.executemany(
            "INSERT INTO environment_samples VALUES (1, ?, ?, 0, 0, ?)",
            [(NOW - 500, 1, 0), (NOW - 95, 2, 7), (NOW - 92, 5, 3), (NOW - 45, 0, 0)],
        )
    found = history(system, of, NOW - 100, 10, NOW)
    assert [each.at - NOW for each in found] == [*range(-100, 0, 10)]
    assert [each.busy for each in found] == [5, 5, 5, 5, 5, 5, 0, 0, 0, 0]
    assert [each.waiting for each in found] == [7, 3, 3, 3, 3, 3, 0, 0, 0, 0]


def test_what_no_scheduler_saw_is_left_out() -> None:
    sample = Sample(0.0, 1, 0, 0, 0)
    seen = spread([sample, Sample(10_000.0, 0, 0, 0, 0)], -1000.0, 20_000.0, 21)
    assert [each.at for each in seen] == [0.0, 1000.0, *(1000.0 * number for number in range(10, 20))]
    assert KNOWN_FOR == 1500


@given(
    st.lists(st.tuples(st.floats(-100, 1100), st.integers(0, 9)), max_size=20, unique_by=lambda each: each[0]),
    st.integers(1, 30),
)
def test_nothing_higher_than_what_was_and_no_peak_lost(points: list[tuple[float, int]], number: int) -> None:
    samples = [Sample(at, busy, 0, 0, 0) for at, busy in sorted(points)]
    found = spread(samples, 0.0, 1000.0, number)
    assert len(found) <= number
    within = [each.busy for each in samples if 0 <= each.at < 1000]
    before = [each.busy for each in samples if each.at < 0][-1:]
    assert max((each.busy for each in found), default=0) == max([*within, *before], default=0)


@pytest.mark.parametrize(("since", "points"), [(NOW, 10), (NOW + 5, 10), (NOW - 10, 0)])
def test_no_time_at_all_has_no_history(since: float, points: int) -> None:
    assert spread([Sample(NOW - 20, 1, 1, 1, 1)], since, NOW, points) == []
