"""What people see of the queue: places, reasons, groups, and when the next machine is free."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.queue.order import line_ups
from core.queue.service import NEAR
from core.scheduler.plan import plan
from core.scheduler.snapshot import snapshot
from tests.queueing import Queueing, place_in_queue

if TYPE_CHECKING:
    from core.session import Session
    from core.shoal import Shoal
    from tests.enacted import Enacted

MANY = 60


@pytest.fixture
def queueing(shoal: Shoal, enacted: Enacted) -> Queueing:
    return Queueing(shoal, enacted)


written = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from([0, 0, 1]),
        st.integers(0, 2),
        st.sampled_from(["created", "queued", "started"]),
    ),
    max_size=14,
)
"""Person, priority, team, status."""


@settings(max_examples=30, deadline=None, suppress_health_check=[*HealthCheck])
@given(
    rows=written,
    per_user=st.integers(0, 3),
    quotas=st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from([None, 0, 1, 2]), max_size=2),
    access=st.sampled_from(["everyone", "teams"]),
    served=st.lists(st.integers(0, 2), unique=True),
)
def test_a_place_is_the_turn_that_the_plan_would_give_with_machines_for_all(
    queueing: Queueing,
    rows: list[tuple[int, int, int, str]],
    per_user: int,
    quotas: dict[str, int | None],
    access: str,
    served: list[int],
) -> None:
    queueing.empty()
    queueing.environment(per_user_quota=0, access="everyone")
    people = [queueing.person(name, teams=("a", "b")) for name in ("alice", "bob", "carol")]
    written = [
        queueing.write(people[person], priority=priority, team_id=team, status=status, environment_id=1)
        for person, priority, team, status in rows
    ]
    queueing.served(*(people[person] for person in served))
    environment = queueing.environment(per_user_quota=per_user, access=access, maximum_scale=1000, teams=quotas)
    turns = _turns(queueing, environment)
    line_up = line_ups(queueing.system.read("execution.see"))[environment]
    placed, kept = line_up.order()
    assert list(line_up.walk()) == turns
    assert [*placed] == turns
    waiting = {id_ for id_, row in zip(written, rows, strict=True) if row[3] != "started"}
    assert {*kept} == waiting - set(turns)
    expected = {id_: turns.index(id_) + 1 if id_ in turns else None for id_ in written}
    queue = queueing.admin.queue
    queue.forget()  # on a slow machine it would keep what it found for the example before
    assert {id_: row.place for id_ in written if (row := queue.row(id_))} == expected
    assert {id_: row.place for id_, row in queue.rows(written).items()} == expected


def _turns(queueing: Queueing, environment: int) -> list[int]:
    with queueing.system.write("execution.run") as connection:
        connection.executemany(
            "INSERT INTO machines (uuid, environment_id, name, state, state_at, requested_at, idle_since)"
            " VALUES (?, ?, ?, 'idle', 1, 1, 1)",
            ((f"m{n}", environment, f"m{n}") for n in range(MANY)),
        )
        return [execution_id for execution_id, _ in plan(snapshot(connection, {}), time.time()).assign]


def test_whose_turn_it_is_goes_round_and_a_quota_leaves_no_place(queueing: Queueing) -> None:
    alice, bob = queueing.person("alice"), queueing.person("bob")
    first, second, third = (queueing.waits(alice) for _ in range(3))
    other = queueing.waits(bob)
    assert [place_in_queue(alice, each) for each in (first, other, second, third)] == [1, 2, 3, 4]
    queueing.served(bob, alice)
    assert [place_in_queue(alice, each) for each in (other, first, second, third)] == [1, 2, 3, 4]
    queueing.served(alice, bob)
    queueing.environment(per_user_quota=2)
    assert [place_in_queue(alice, each) for each in (first, other, second, third)] == [1, 2, 3, None]
    assert place_in_queue(alice, queueing.runs(first)) is None


def test_a_reason_names_you_or_somebody_else(queueing: Queueing) -> None:
    alice = queueing.person("alice")
    queueing.environment(per_user_quota=1, maximum_scale=1)
    queueing.runs(queueing.waits(alice))
    kept = queueing.waits(alice)
    queueing.planned()
    seen = {who: who_sees.queue.row(kept.id) for who, who_sees in (("alice", alice), ("admin", queueing.admin))}
    assert {who: row.reason for who, row in seen.items() if row} == {
        "alice": "quota: your only machine is in use",
        "admin": "quota: alice's only machine is in use",
    }


def test_places_beyond_the_front_are_those_of_the_order_that_is_kept(queueing: Queueing) -> None:
    from core.projects.manifest import read_manifest
    from core.projects.specification import specify

    specification = specify(read_manifest(queueing.enacted.commit.yaml), "train")
    ids = queueing.admin.executions.create_many(
        queueing.enacted.project, queueing.enacted.commit, [specification] * (NEAR + 20)
    )
    rows = queueing.admin.queue.rows(ids)
    assert [rows[id_].place for id_ in ids] == [*range(1, NEAR + 21)]


def test_groups_count_what_runs_and_waits_and_tell_the_oldest(queueing: Queueing) -> None:
    alice, bob = queueing.person("alice"), queueing.person("bob")
    oldest = queueing.waits(alice)
    queueing.runs(queueing.waits(bob))
    queueing.waits(bob, environment=None)
    (group,) = queueing.admin.queue.groups("environment", {})
    assert (group.name, group.running, group.waiting, group.oldest) == ("local", 1, 2, oldest.created_at)
    by_user = {group.name: (group.running, group.waiting) for group in queueing.admin.queue.groups("user", {})}
    assert by_user == {"alice": (0, 1), "bob": (1, 1)}
    (of_bob,) = queueing.admin.queue.groups("environment", {"user": bob.actor.id})
    assert (of_bob.running, of_bob.waiting) == (1, 1)


def test_the_next_machine_is_free_when_the_first_run_ends(queueing: Queueing) -> None:
    alice = queueing.person("alice")
    environment = queueing.admin.environments.get("local")
    queueing.environment(maximum_scale=2)
    queueing.ran(alice, "train", 100, 100, 100)
    queueing.runs(queueing.waits(alice), since=40)
    assert alice.queue.next_free(environment.id) == (0, 0, 0, 0, ())
    queueing.runs(queueing.waits(alice), since=10)
    estimate = alice.queue.next_free(environment.id)
    assert estimate is not None
    assert estimate.median == pytest.approx(60, abs=20)
    assert (estimate.runs, estimate.steps) == (3, ("train",))


def test_nobody_knows_when_a_machine_is_free_where_a_step_never_ran(queueing: Queueing) -> None:
    queueing.environment(maximum_scale=1)
    queueing.runs(queueing.waits(queueing.admin))
    assert queueing.admin.queue.next_free(queueing.admin.environments.get("local").id) is None


def test_a_place_among_many_is_told_without_walking_through_them(queueing: Queueing) -> None:
    from core.projects.manifest import read_manifest
    from core.projects.specification import specify

    specification = specify(read_manifest(queueing.enacted.commit.yaml), "train")
    ids = queueing.admin.executions.create_many(
        queueing.enacted.project, queueing.enacted.commit, [specification] * 3_000
    )
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    session: Session = queueing.admin
    session.queue.row(ids[0])
    reader = session.database.reader()
    reader.set_progress_handler(step, 1000)
    row = session.queue.row(ids[-1])
    reader.set_progress_handler(None, 0)
    assert row is not None
    assert row.place == 3_000
    assert steps < 120, "some 25 steps of SQLite for each that waits"


def test_machines_of_hosts_take_their_time_and_come_from_hosts_that_answer(queueing: Queueing) -> None:
    environment = queueing.environment("gpu", kind="hosts", maximum_scale=5)
    execution = queueing.waits(queueing.admin, environment="gpu")

    def median() -> float | None:
        queueing.admin.queue.forget()
        row = queueing.admin.queue.row(execution.id)
        assert row is not None
        return None if row.estimate is None else row.estimate.median

    def write(statement: str, *values: object) -> None:
        with queueing.system.write("execution.run") as connection:
            connection.execute(statement, values)

    assert median() is None, "there is no host"
    write(
        "INSERT INTO hosts (uuid, environment_id, name, address, created_at) VALUES ('h', ?, 'h', 'h', 0)", environment
    )
    assert median() is None, "nobody knows how long a machine takes"
    write(
        "INSERT INTO machines (uuid, environment_id, name, state, state_at, requested_at, ready_at)"
        " VALUES ('m', ?, 'm', 'gone', 1, 100, 130)",
        environment,
    )
    assert median() == 30
    write("UPDATE hosts SET health = 'down'")
    assert median() is None
    write("UPDATE hosts SET health = 'up', cordoned = 1")
    assert median() is None
