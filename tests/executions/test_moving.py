"""Priority and environment of what waits: who may change them, what is checked, and what it does to the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError, ShoalError
from core.executions.moving import move, refusal_there, set_priority
from core.executions.steering import refusal
from core.executions.transitions import queue
from core.policy import Role
from data.changes import newest, since
from tests.queueing import Queueing, place_in_queue

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.executions.execution import Execution
    from core.session import Session
    from core.shoal import Shoal
    from tests.enacted import Enacted


@pytest.fixture
def queueing(shoal: Shoal, enacted: Enacted) -> Queueing:
    return Queueing(shoal, enacted)


def counts(queueing: Queueing) -> list[tuple[object, ...]]:
    """Return the counts that are kept, after comparing them with the rows."""
    query = "SELECT environment_id, user_id, team_id, project_id, status, {} FROM {} ORDER BY 1, 2, 3, 4, 5"
    reader = queueing.system.read("execution.see")
    kept = reader.execute(query.format("number", "execution_counts WHERE number != 0")).fetchall()
    rows = reader.execute(query.format("count(*)", "executions GROUP BY 1, 2, 3, 4, 5")).fetchall()
    assert [*map(tuple, kept)] == [*map(tuple, rows)]
    return [*map(tuple, kept)]


def now(session: Session, execution: Execution) -> Execution:
    return session.executions.by_id(execution.id)


def test_a_priority_puts_it_before_all_others_and_is_told(queueing: Queueing) -> None:
    alice = queueing.person("alice")
    first, second = queueing.waits(alice), queueing.waits(alice)
    before = newest(alice.database.reader())
    set_priority(alice, second, 1)
    assert [place_in_queue(alice, each) for each in (first, second)] == [2, 1]
    (change,) = since(alice.database.reader(), before)
    assert (change.actor, change.subject, change.what) == (alice.actor.id, second.id, "priority raised")
    assert ("priority", "raised to high by alice") in [(e.kind, e.message) for e in alice.executions.events(second)]
    set_priority(alice, second, 0)
    assert [place_in_queue(alice, each) for each in (first, second)] == [1, 2]
    counts(queueing)


def test_a_priority_holds_within_a_quota_too(queueing: Queueing) -> None:
    alice = queueing.person("alice")
    queueing.environment(per_user_quota=1, maximum_scale=1)
    first, second = queueing.waits(alice), queueing.waits(alice)
    with queueing.system.write("execution.run") as connection:
        queue(connection, first.id)
    assert [now(alice, each).status for each in (first, second)] == ["queued", "created"]
    assert place_in_queue(alice, second) is None
    set_priority(alice, second, 1)
    assert [place_in_queue(alice, each) for each in (first, second)] == [None, 1]
    counts(queueing)


def test_without_a_quota_a_priority_sends_nothing_back(queueing: Queueing) -> None:
    alice = queueing.person("alice")
    first = queueing.waits(alice)
    queueing.planned()
    second = queueing.waits(alice)
    set_priority(alice, second, 1)
    assert now(alice, first).status == "queued"


def test_it_waits_anew_in_another_environment_and_the_counts_are_true(queueing: Queueing) -> None:
    alice = queueing.person("alice")
    gpu = queueing.environment("gpu", teams={"vision": 1})
    alice = queueing.person("alice", teams=("vision",))
    execution = queueing.waits(alice)
    queueing.planned()
    assert now(alice, execution).status == "queued"
    before = newest(alice.database.reader())
    move(alice, execution, "gpu")
    moved = now(alice, execution)
    assert (moved.environment, moved.status, moved.queued_at) == ("gpu", "created", None)
    assert {row[0] for row in counts(queueing)} == {gpu}
    (change,) = since(alice.database.reader(), before)
    assert change.what == "moved to gpu"
    assert "to gpu by alice" in [event.message for event in alice.executions.events(execution)]


def test_what_is_somebody_elses_is_for_admins(queueing: Queueing) -> None:
    alice, bob = queueing.person("alice"), queueing.person("bob")
    queueing.environment("gpu")
    execution = queueing.waits(alice)
    with pytest.raises(NotAllowedError, match="is alice's: they or an admin"):
        set_priority(bob, execution, 1)
    with pytest.raises(NotAllowedError, match="is alice's: they or an admin"):
        move(bob, execution, "gpu")
    assert refusal(bob, execution) == "it is somebody else's: they or an admin may do that"
    assert refusal(alice, execution) is refusal(queueing.admin, execution) is None
    assert now(alice, execution) == execution
    set_priority(queueing.admin, execution, 1)
    move(queueing.admin, execution, "gpu")
    with pytest.raises(NotAllowedError, match="not a member"):
        set_priority(queueing.person("carol", Role.NOBODY), execution, 1)


@pytest.mark.parametrize(
    ("column", "value", "error", "words"),
    [
        ("enabled", 0, InvalidInputError, "is disabled"),
        ("priority_allowed", 0, InvalidInputError, "does not allow priorities"),
        ("access", "teams", NotAllowedError, "only teams may use"),
        ("personal_projects", 0, NotAllowedError, "not for personal projects"),
    ],
)
def test_what_creation_would_refuse_is_refused(
    queueing: Queueing, column: str, value: object, error: type[ShoalError], words: str
) -> None:
    alice = queueing.person("alice")
    queueing.environment("gpu", columns={column: value})
    execution = queueing.waits(alice, priority=1)
    with queueing.system.write("execution.run") as connection:
        connection.execute("UPDATE projects SET personal = 1")
    with pytest.raises(error, match=words):
        move(alice, execution, "gpu")
    reason = refusal_there(alice, execution.id, alice.environments.get("gpu"))
    assert reason is not None
    assert words in reason
    assert now(alice, execution) == execution
    counts(queueing)


def test_mounts_that_are_not_allowed_there_keep_it_where_it_is(queueing: Queueing) -> None:
    queueing.environment("gpu")
    execution = queueing.waits(queueing.admin)
    with queueing.system.write("execution.run") as connection:
        mounts = '[{"source": "/data", "target": "/data", "read_only": true}]'
        connection.execute("UPDATE executions SET mounts = ?", (mounts,))
    with pytest.raises(InvalidInputError, match="allows no mounts"):
        move(queueing.admin, execution, "gpu")
    queueing.environment("gpu", mount_roots="/other")
    with pytest.raises(InvalidInputError, match="may lie below /other"):
        move(queueing.admin, execution, "gpu")
    queueing.environment("gpu", mount_roots="/data")
    move(queueing.admin, execution, "gpu")


def test_mistakes_are_named(queueing: Queueing) -> None:
    execution = queueing.waits(queueing.admin)
    with pytest.raises(ConflictError, match="waits for local already"):
        move(queueing.admin, execution, "local")
    with pytest.raises(NotFoundError, match="nowhere"):
        move(queueing.admin, execution, "nowhere")
    with pytest.raises(InvalidInputError, match="0 \\(normal\\) or 1"):
        set_priority(queueing.admin, execution, 2)
    queueing.environment(priority_allowed=0)
    with pytest.raises(InvalidInputError, match="does not allow priorities"):
        set_priority(queueing.admin, execution, 1)


@pytest.mark.parametrize(
    "steer",
    [lambda session, each: set_priority(session, each, 1), lambda session, each: move(session, each, "gpu")],
    ids=["priority", "move"],
)
def test_what_began_meanwhile_is_left_alone(queueing: Queueing, steer: Callable[[Session, Execution], None]) -> None:
    queueing.environment("gpu")
    execution = queueing.waits(queueing.admin)
    running = queueing.runs(execution)
    with pytest.raises(ConflictError, match="does not wait any more"):
        steer(queueing.admin, execution)
    assert refusal(queueing.admin, running) == "it does not wait any more: it is started"
    assert now(queueing.admin, execution) == running
    counts(queueing)
