"""An execution whose machine is lost is told from one that failed, and starts again where that is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.executions import transitions
from core.scheduler import machines
from core.scheduler.attempts import open_attempts
from core.scheduler.engines.engine import ContainerState
from core.scheduler.outcome import loss, not_started, outcome

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from core.executions.execution import Execution
    from core.session import Session
    from tests.enacted import Enacted


def lose(system: Session, execution: Execution) -> bool:
    with system.write("execution.run") as connection:
        again = transitions.lose(connection, execution.id, "host gpu-2 did not answer for 5 min")
        if execution.machine_id is not None:
            machines.release(connection, execution.machine_id)
        return again


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many executions are counted, having seen that the counts are what the rows say."""
    counted = connection.execute(
        "SELECT environment_id, user_id, team_id, project_id, status, number FROM execution_counts WHERE number != 0"
    ).fetchall()
    there = connection.execute(
        "SELECT environment_id, user_id, team_id, project_id, status, count(*) FROM executions GROUP BY 1, 2, 3, 4, 5"
    ).fetchall()
    assert sorted(map(tuple, counted)) == sorted(map(tuple, there))
    return {row["status"]: row["number"] for row in counted}


def attempts(connection: sqlite3.Connection) -> Sequence[tuple[int, str]]:
    return [tuple(row) for row in connection.execute("SELECT number, state FROM attempts ORDER BY id")]


def test_without_leave_it_ends_crashed_in_words_that_no_failure_has(enacted: Enacted, system: Session) -> None:
    execution = enacted.start(enacted.create("train"))
    assert not lose(system, execution)
    ended = enacted.session.executions.by_id(execution.id)
    assert ended.status == "crashed"
    assert ended.reason == (
        f"machine {execution.machine} was lost: host gpu-2 did not answer for 5 min;"
        " the program did not fail: run it again, or allow restarts"
    )
    connection = system.database.reader()
    assert counts(connection) == {"crashed": 1}
    assert open_attempts(connection) == []


@pytest.mark.parametrize("allowed_by", ["execution", "environment"])
def test_with_leave_it_waits_again_and_the_next_attempt_has_another_number(
    enacted: Enacted, system: Session, allowed_by: str
) -> None:
    waiting = enacted.create("train")
    with system.write("execution.run") as connection:
        statement = {
            "execution": "UPDATE executions SET restart_lost = 1",
            "environment": "UPDATE environments SET restart_lost = 1",
        }[allowed_by]
        connection.execute(statement)
        connection.execute("UPDATE environments SET price_per_hour = 3600000000")
    execution = enacted.start(waiting)
    assert lose(system, execution)
    again = enacted.session.executions.by_id(execution.id)
    assert (again.status, again.started_at, again.machine_id, again.cost) == ("queued", None, None, None)
    connection = system.database.reader()
    assert counts(connection) == {"queued": 1}
    assert attempts(connection) == [(1, "closed")]
    assert [event.message for event in enacted.session.executions.events(again) if event.kind == "lost"] == [
        "host gpu-2 did not answer for 5 min; started again"
    ]
    enacted.start(again)
    assert attempts(connection) == [(1, "closed"), (2, "preparing")]
    ended = enacted.ends(again)
    assert counts(connection) == {"complete": 1}
    bill = connection.execute("SELECT count(*), sum(cost) FROM machine_usage WHERE kind = 'execution'").fetchone()
    assert tuple(bill) == (2, ended.cost)


def test_stopped_while_it_waits_again_it_costs_what_the_lost_machine_did(enacted: Enacted, system: Session) -> None:
    waiting = enacted.create("train")
    with system.write("execution.run") as connection:
        connection.execute("UPDATE executions SET restart_lost = 1")
        connection.execute("UPDATE environments SET price_per_hour = 3600000000")
    execution = enacted.start(waiting)
    with system.write("execution.run") as connection:
        connection.execute("UPDATE machines SET requested_at = requested_at - 60")
        connection.execute("UPDATE machine_usage SET began_at = began_at - 60")
    assert lose(system, execution)
    with system.write("execution.stop") as connection:
        assert transitions.stop_waiting(connection, execution.id, 1, "stopped by ada")
    bill = "SELECT sum(cost) FROM machine_usage WHERE kind = 'execution'"
    stopped = enacted.session.executions.by_id(execution.id)
    assert stopped.cost == system.database.reader().execute(bill).fetchone()[0]
    assert (stopped.cost or 0) >= 60_000_000


def test_one_that_was_being_stopped_is_stopped(enacted: Enacted, system: Session) -> None:
    execution = enacted.start(enacted.create("train"))
    with system.write("execution.run") as connection:
        connection.execute("UPDATE executions SET restart_lost = 1")
        transitions.begin_stopping(connection, execution.id, 1, "stopped by ada")
    assert not lose(system, execution)
    ended = enacted.session.executions.by_id(execution.id)
    assert (ended.status, ended.reason) == ("stopped", "stopped by ada")
    assert counts(system.database.reader()) == {"stopped": 1}


@pytest.mark.parametrize("restart", [True, False])
def test_what_has_ended_is_not_lost(enacted: Enacted, system: Session, *, restart: bool) -> None:
    execution = enacted.start(enacted.create("train"))
    ended = enacted.ends(execution)
    with system.write("execution.run") as connection:
        connection.execute("UPDATE executions SET restart_lost = ?", (restart,))
    assert not lose(system, execution)
    assert enacted.session.executions.by_id(execution.id) == ended
    assert counts(system.database.reader()) == {"complete": 1}


def test_only_what_the_machine_did_is_a_loss() -> None:
    killed, dead, failed = (ContainerState("c", "exited", code) for code in (137, 255, 1))
    starved = ContainerState("c", "exited", 137, out_of_memory=True)
    assert loss(None, stop_reason=None, engine_was_down=False) is not None
    assert loss(killed, stop_reason=None, engine_was_down=True) is not None
    assert loss(dead, stop_reason=None, engine_was_down=True) is not None
    for state in (killed, dead):
        assert loss(state, stop_reason=None, engine_was_down=False) is None
    for state in (failed, starved):
        assert loss(state, stop_reason=None, engine_was_down=True) is None
    for lost in (None, killed):
        assert loss(lost, stop_reason="stopped by ada", engine_was_down=True) is None
        ended = outcome(lost, stop_reason="stopped by ada", engine_was_down=True, memory=None)
        assert (ended.status, ended.detail) == ("stopped", "stopped by ada")


def test_a_docker_that_gives_no_gpus_is_named() -> None:
    said = 'could not select device driver "" with capabilities: [[gpu]]'
    assert "NVIDIA Container Toolkit" in not_started(said, "gpu-2")
    assert "gpu-2" in not_started(said, "gpu-2")
    assert not_started("no such file", "gpu-2") == "Docker could not start the container: no such file"
