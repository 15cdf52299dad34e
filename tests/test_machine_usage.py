"""The account of every machine: no gap, nothing twice, and the sum is the bill."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.costs import costs, total
from core.machines import usage as machine_usage
from core.scheduler import machines

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from core.session import Session

BEGIN = 1_790_000_000.0
Step = tuple[str, float]


class Clock:
    """The time of day as somebody sets it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = BEGIN
        monkeypatch.setattr("core.scheduler.machines.time.time", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def _launched(connection: sqlite3.Connection, environment_id: int) -> int:
    machine = machines.launch(connection, environment_id)
    assert machine is not None
    return machine


def _starting(connection: sqlite3.Connection, at: float, price: int) -> int:
    row = connection.execute(
        "INSERT INTO machines (uuid, environment_id, name, state, state_at, requested_at, price_per_hour)"
        " SELECT hex(randomblob(8)), 1, hex(randomblob(8)), 'starting', ?, ?, ? RETURNING id",
        (at, at, price),
    ).fetchone()
    machine_usage.enter(connection, row[0], "startup", at)
    return int(row[0])


ACTS: dict[str, Callable[[sqlite3.Connection, int], object]] = {
    "ready": machines.ready,
    "lease": machines.lease,
    "release": machines.release,
    "terminate": machines.terminate,
    "give up": machines.give_up,
    "vanish": lambda connection, machine: machines.vanish(connection, machine, "it is not there"),
    "cordon": lambda connection, machine: machines.cordon(connection, machine, on=True),
    "uncordon": lambda connection, machine: machines.cordon(connection, machine, on=False),
    "drain": machines.drain,
}


steps = st.lists(
    st.tuples(
        # Ends come seldom, so that stories grow long.
        st.one_of(st.sampled_from(["ready", "lease", "release"]), st.sampled_from(sorted(ACTS))),
        st.one_of(st.just(0.0), st.floats(-400, 4000, allow_nan=False), st.sampled_from([900.0, 899.999999, 1e-6])),
    ),
    max_size=25,
)


def _entries(connection: sqlite3.Connection, machine: int) -> list[Any]:
    return connection.execute("SELECT * FROM machine_usage WHERE machine_id = ? ORDER BY id", (machine,)).fetchall()


def _bill(connection: sqlite3.Connection, machine: int, at: float) -> int:
    statement = f"SELECT {machine_usage.BILL.format(at=':at', machine='m')} FROM machines m WHERE id = :id"  # noqa: S608
    return int(connection.execute(statement, {"at": at, "id": machine}).fetchone()[0])


@given(steps, st.integers(0, 10**9), st.floats(0, 3000))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_entries_follow_each_other_and_sum_to_the_bill(
    system: Session, clock: Clock, story: Sequence[Step], price: int, grace: float
) -> None:
    clock.now = BEGIN
    with system.write("machine.run") as connection:
        connection.execute("DELETE FROM machine_usage")
        connection.execute("UPDATE environments SET scale_down_grace_period = ?", (grace,))
        machine = _starting(connection, clock.now, price)
        for what, passed in story:
            clock.now += passed
            ACTS[what](connection, machine)
        entries = _entries(connection, machine)
        state, gone_at = connection.execute("SELECT state, gone_at FROM machines WHERE id = ?", (machine,)).fetchone()

    assert all(entry["ended_at"] is not None for entry in entries[:-1])
    assert all(before["ended_at"] == after["began_at"] for before, after in pairwise(entries))
    assert all(entry["ended_at"] > entry["began_at"] for entry in entries if entry["ended_at"] is not None)
    assert not entries or entries[0]["began_at"] == BEGIN
    if entries:  # one that came and went within no time leaves nothing
        last = entries[-1]
        assert (last["ended_at"] is None) == (state != "gone")
        closed_until = last["began_at"] if last["ended_at"] is None else last["ended_at"]
        assert state != "gone" or gone_at == closed_until
        assert sum(entry["cost"] for entry in entries) == _bill(connection, machine, closed_until)
    # What a list shows counts the open entry up to now as well.
    clock.now = max([clock.now, BEGIN, *(entry["began_at"] for entry in entries)]) + 1234.5
    until = clock.now if state != "gone" else gone_at
    shown = costs(system, "environment", 0.0, until=clock.now)
    assert total(shown).cost == _bill(connection, machine, until)
    assert total(shown).seconds == pytest.approx(until - BEGIN, abs=1e-5)


def test_idle_time_beyond_the_grace_period_is_told_from_it(system: Session, clock: Clock) -> None:
    with system.write("machine.run") as connection:
        connection.execute("UPDATE environments SET scale_down_grace_period = 60, price_per_hour = 3600000000")
        machine = _launched(connection, 1)
        clock.now += 100
        machines.lease(connection, machine)
        clock.now += 10
        machines.release(connection, machine)
        clock.now += 59
        machines.terminate(connection, machine)
        entries = _entries(connection, machine)
    assert [(entry["kind"], entry["ended_at"] - entry["began_at"]) for entry in entries] == [
        ("grace", 60),
        ("idle", 40),
        ("execution", 10),
        ("grace", 59),
    ]
    assert [entry["cost"] for entry in entries] == [60_000_000, 40_000_000, 10_000_000, 59_000_000]


def test_a_clock_that_is_set_back_costs_nothing_and_nothing_twice(system: Session, clock: Clock) -> None:
    with system.write("machine.run") as connection:
        connection.execute("UPDATE environments SET price_per_hour = 3600000000")
        machine = _launched(connection, 1)
        clock.now += 100
        assert machines.lease(connection, machine) == BEGIN + 100
        clock.now -= 3600
        machines.release(connection, machine)
        assert machines.lease(connection, machine) == BEGIN + 100
        clock.now = BEGIN + 130
        machines.release(connection, machine)
        machines.terminate(connection, machine)
        entries = _entries(connection, machine)
    assert [(entry["kind"], entry["cost"]) for entry in entries] == [("grace", 100_000_000), ("execution", 30_000_000)]


def test_an_entry_knows_whose_execution_it_was(system: Session, finished: Any) -> None:
    execution = finished.session.executions.by_id(1)
    with system.write("machine.run") as connection:
        machine = _launched(connection, execution.environment_id)
        machines.lease(connection, machine, execution.id)
        entry = _entries(connection, machine)[-1]
    assert (entry["execution_id"], entry["user_id"]) == (execution.id, execution.user_id)
    assert (entry["team_id"], entry["project_id"]) == (0, execution.project_id)
