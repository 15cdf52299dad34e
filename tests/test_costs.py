"""Bills: what they are divided by, and that no millionth is lost between them."""

from __future__ import annotations

import os
import random
import re
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import costs as module
from core.costs import cost_today, costs, costs_today, midnight, total
from core.errors import InvalidInputError
from core.machines import usage as machine_usage
from core.quantities import read_since
from core.session import Session
from core.shoal import Shoal
from data import migrations

if TYPE_CHECKING:
    from core.costs import By
    from core.home import Home
    from core.machines.usage import UsageKind
    from tests.enacted import Enacted

NOW = 1_790_000_000.0
BYS: tuple[By, ...] = ("user", "team", "project", "environment")


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.costs.time.time", lambda: NOW)


def _machine(connection: sqlite3.Connection, at: float, price: int) -> int:
    statement = (
        "INSERT INTO machines (uuid, environment_id, name, state, state_at, requested_at, price_per_hour)"
        " SELECT hex(randomblob(8)), 1, hex(randomblob(8)), 'idle', ?, ?, ? RETURNING id"
    )
    return int(connection.execute(statement, (at, at, price)).fetchone()[0])


def _history(connection: sqlite3.Connection, chance: random.Random, until: float) -> None:
    """Let machines come, work, idle and sometimes go in the hours before `until`."""
    connection.execute("DELETE FROM machine_usage")
    connection.execute("UPDATE environments SET scale_down_grace_period = 300")
    for _ in range(5):
        at = until - chance.uniform(0, 20_000)
        machine = _machine(connection, at, chance.randrange(10**8))
        machine_usage.enter(connection, machine, "startup", at)
        for _ in range(chance.randrange(6)):
            at = min(until, at + chance.uniform(0, 2000))
            kinds: tuple[UsageKind, UsageKind] = ("grace", "execution")
            machine_usage.enter(connection, machine, chance.choice(kinds), at)
        if chance.random() < 0.5:
            machine_usage.leave(connection, machine, min(until, at + chance.uniform(0, 2000)))


@given(st.integers(0, 2**32), st.lists(st.floats(NOW - 25_000, NOW), max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_periods_that_follow_each_other_sum_to_the_whole(system: Session, seed: int, cuts: list[float]) -> None:
    with system.write("machine.run") as connection:
        _history(connection, random.Random(seed), NOW)
        ends = "SELECT machine_id, max(coalesce(ended_at, ?)) AS at FROM machine_usage GROUP BY 1"
        bills = f"SELECT sum({machine_usage.BILL.format(at='l.at', machine='m')}) FROM machines m"  # noqa: S608
        bill = connection.execute(f"{bills} JOIN ({ends}) l ON l.machine_id = m.id", (NOW,)).fetchone()[0]
    borders = [0.0, *sorted(cuts), NOW]
    for by in BYS:
        whole = total(costs(system, by, 0.0))
        parts = [total(costs(system, by, since, until)) for since, until in pairwise(borders)]
        assert whole.cost == bill
        assert sum(part.cost for part in parts) == whole.cost
        assert sum(part.seconds for part in parts) == pytest.approx(whole.seconds, abs=1e-4)


def test_both_ways_of_reading_find_the_same(system: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    with system.write("machine.run") as connection:
        _history(connection, random.Random(7), NOW)
    found = []
    for part in (0.0, 1e9):
        monkeypatch.setattr(module, "RECENT", part)
        found.append([costs(system, by, NOW - 9000) for by in BYS])
    assert found[0] == found[1]
    assert total(found[0][0]).cost > 0


def _account(system: Session, enacted: Enacted) -> tuple[Any, Any]:
    """Leave 100 s of start-up, 200 s of one execution, 300 s of grace, 400 s of another one, 60 + 40 s idle."""
    first, second = enacted.create("preprocess"), enacted.create("train")
    with system.write("machine.run") as connection:
        connection.execute("UPDATE environments SET scale_down_grace_period = 60")
        connection.execute("INSERT INTO teams VALUES (7, 'u7', 1, 'vision', 0)")
        connection.execute("UPDATE executions SET team_id = 7 WHERE id = ?", (second.id,))
        at = NOW - 1100
        machine = _machine(connection, at, 3_600_000_000)
        story: tuple[tuple[UsageKind, float, int | None], ...] = (
            ("startup", 100, None),
            ("execution", 200, first.id),
            ("grace", 50, None),
            ("execution", 400, second.id),
            ("execution", 250, first.id),
            ("grace", 100, None),
        )
        for kind, seconds, execution in story:
            machine_usage.enter(connection, machine, kind, at, execution)
            at += seconds
    return first, second


def test_a_bill_is_divided_by_whoever_used_the_machines(system: Session, enacted: Enacted) -> None:
    first, _ = _account(system, enacted)
    overhead = [("", "startup", 0, 100.0), ("", "grace", 0, 110.0), ("", "idle", 0, 40.0)]

    def shown(by: By) -> list[tuple[str, str, int, float]]:
        return [(row.name, row.kind, row.executions, row.seconds) for row in costs(system, by, 0.0)]

    assert shown("user") == [(first.user, "execution", 3, 850.0), overhead[1], overhead[0], overhead[2]]
    assert shown("team")[:2] == [("no team", "execution", 2, 450.0), ("vision", "execution", 1, 400.0)]
    assert shown("project")[0] == ("penguins", "execution", 3, 850.0)
    assert shown("environment") == [
        ("local", "execution", 3, 850.0),
        ("local", "grace", 0, 110.0),
        ("local", "startup", 0, 100.0),
        ("local", "idle", 0, 40.0),
    ]
    assert {total(costs(system, by, 0.0)).cost for by in BYS} == {1_100_000_000}


def test_what_is_open_counts_up_to_now(system: Session, enacted: Enacted) -> None:
    _account(system, enacted)
    by_kind = {row.kind: row.cost for row in costs(system, "environment", NOW - 30)}
    assert by_kind == {"idle": 30_000_000}
    by_kind = {row.kind: row.cost for row in costs(system, "environment", NOW - 90, NOW - 20)}
    assert by_kind == {"grace": 50_000_000, "idle": 20_000_000}
    assert costs(system, "environment", 0.0, NOW + 1e9) == costs(system, "environment", 0.0)


def test_what_is_gone_keeps_its_place_in_the_bill(system: Session, enacted: Enacted) -> None:
    _account(system, enacted)
    with system.write("machine.run") as connection:
        connection.execute("DELETE FROM teams")
    assert [row.name for row in costs(system, "team", 0.0)][:2] == ["no team", "a team that is gone"]


def test_what_others_share_machines_with_is_counted_and_not_named(system: Session, enacted: Enacted) -> None:
    _account(system, enacted)
    with system.write("machine.run") as connection:
        connection.execute("INSERT INTO organizations (id, uuid, name, created_at) VALUES (99, 'x', 'other', 0)")
    elsewhere = Session(system.database, system.home, replace(system.actor, organization_id=99))
    for by in ("user", "project"):
        assert {row.name for row in costs(elsewhere, by, 0.0)} == {"another organization", ""}
        assert total(costs(elsewhere, by, 0.0)) == total(costs(system, by, 0.0))


def test_one_environment_alone(system: Session, enacted: Enacted) -> None:
    _account(system, enacted)
    assert total(costs(system, "user", 0.0, environment_id=1)).cost == 1_100_000_000
    assert costs(system, "user", 0.0, environment_id=2) == []


def test_today_begins_at_midnight_of_this_machine(system: Session, enacted: Enacted) -> None:
    _account(system, enacted)
    day = time.localtime(midnight(NOW))
    assert (day.tm_hour, day.tm_min, day.tm_sec, day.tm_mday) == (0, 0, 0, time.localtime(NOW).tm_mday)
    assert costs_today(system) == {1: cost_today(system, 1)}
    assert cost_today(system, 1) == total(costs(system, "user", midnight(NOW))).cost


def test_an_unknown_division_is_refused(system: Session) -> None:
    with pytest.raises(InvalidInputError, match="user, team, project, environment"):
        costs(system, "planet", 0.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["", "x", "2026", "2026-13-01", "7", "-3d", "2026-11-01T00:00", "0001-01-01", "2030-01-01"]
)
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=rf"^{re.escape(text)}$|does not match|out of range|year"):
        read_since(text, NOW)


def test_a_time_is_so_long_ago_or_a_day() -> None:
    assert read_since("7d", NOW) == NOW - 7 * 86400
    assert read_since("90 m", NOW) == NOW - 5400
    assert read_since("999999999999d", NOW) == read_since("1900-01-01", NOW) == 0.0
    assert time.localtime(read_since("2026-09-01", NOW))[:5] == (2026, 9, 1, 0, 0)


def test_executions_of_before_there_were_accounts_count(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.create()
    with monkeypatch.context() as before:
        before.setattr(migrations, "SCHEMA_VERSION", 2)
        migrations.migrate(home.database)
    times = {
        "user": os.getuid(),
        "asked": NOW - 9000,
        "first": NOW - 8000,
        "ended": NOW - 7000,
        "second": NOW - 500,
    }
    with closing(sqlite3.connect(home.database)) as connection, connection:
        for statement in OLD.split(";"):
            connection.execute(statement, times)
    with closing(Shoal.open(home)) as shoal:
        (row,) = costs(shoal.session(), "project", 0.0)
        assert (row.name, row.kind, row.executions, row.seconds) == ("old", "execution", 2, 1500.0)
        assert row.cost == 1_000_000_001 + 500_000_000  # what was written down stays as it was
        with shoal.system_session().write("machine.run") as connection:
            machine_usage.enter(connection, 1, "grace", NOW - 100)
        assert [row.cost for row in costs(shoal.session(), "user", NOW - 500)] == [400_000_000, 100_000_000]


OLD = """
INSERT INTO organizations VALUES (1, 'o', 'default', 0, NULL);
INSERT INTO users VALUES (1, 'u', 'ann', NULL, :user, 0, NULL);
INSERT INTO memberships VALUES (1, 1, 'admin', 0);
INSERT INTO environments (id, uuid, slug, name, created_at) VALUES (1, 'e', 'local', 'Local', 0);
INSERT INTO stores VALUES (1, 's', 'shoal', 'managed', 0);
INSERT INTO projects (id, uuid, organization_id, name, created_by, created_at) VALUES (1, 'p', 1, 'old', 1, 0);
INSERT INTO commits VALUES (1, 'c', 1, 'c', 0, NULL, '', NULL, 'a', 'y', 1, 0);
INSERT INTO machines (id, uuid, environment_id, name, state, state_at, requested_at, price_per_hour)
VALUES (1, 'm', 1, 'local-1', 'leased', 0, :asked, 3600000000);
INSERT INTO executions (id, uuid, project_id, counter, commit_id, environment_id, user_id, step, status, image, command,
    store_id, created_at, started_at, ended_at, machine_id, cost)
VALUES (1, 'x1', 1, 1, 1, 1, 1, 's', 'complete', 'i', '[]', 1, 0, :first, :ended, 1, 1000000001),
    (2, 'x2', 1, 2, 1, 1, 1, 's', 'started', 'i', '[]', 1, 0, :second, NULL, 1, NULL),
    (3, 'x3', 1, 3, 1, 1, 1, 's', 'created', 'i', '[]', 1, 0, NULL, NULL, NULL, NULL)
"""
