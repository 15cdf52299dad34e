"""Runners whose host is away: they wait, leave, or give up, and no other host's work is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.scheduler import attempts, machines
from core.scheduler import runners as runners_module
from core.scheduler.engines.engine import EngineDownError
from core.scheduler.runners import Runners
from tests.workbench import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.executions.execution import Execution
    from core.scheduler.engines.engine import Engine
    from core.session import Session
    from tests.enacted import Enacted

WHY = "host gpu-2 did not answer for 5 min"


class NoEngines:
    """Hosts of which none answers."""

    def open(self, host_id: int | None) -> Engine:
        message = f"host {host_id} does not answer"
        raise EngineDownError(message)


@pytest.fixture
def runners(system: Session) -> Iterator[Runners]:
    runners = Runners(system, NoEngines(), "abcdef12", lambda: None)
    yield runners
    assert runners.leave()


def on_host(enacted: Enacted, system: Session, host_id: int) -> Execution:
    execution = enacted.start(enacted.create("train"))
    with system.write("host.edit") as connection:
        connection.execute(
            "INSERT OR IGNORE INTO hosts (id, uuid, environment_id, name, address, created_at)"
            " SELECT ?, ?, id, ?, 'ssh://root@127.0.0.1:1', 0 FROM environments",
            (host_id, f"host {host_id}", f"gpu-{host_id}"),
        )
        connection.execute("UPDATE machines SET host_id = ? WHERE id = ?", (host_id, execution.machine_id))
    return execution


def status(enacted: Enacted, execution: Execution) -> str:
    return enacted.session.executions.by_id(execution.id).status


def test_only_what_ran_on_the_lost_host_is_lost(enacted: Enacted, system: Session, runners: Runners) -> None:
    lost, stays = on_host(enacted, system, 2), on_host(enacted, system, 3)
    runners.look_after()
    runners.lose(2, WHY)
    until(lambda: status(enacted, lost) == "crashed", "the loss")
    assert WHY in enacted.session.executions.by_id(lost.id).reason
    said = [line.text for line in enacted.session.executions.log(lost)[0]]
    assert said == [f"machine {lost.machine} was lost: {WHY}"]
    assert status(enacted, stays) == "started"
    runners.lose(2, WHY)
    assert len([event for event in enacted.session.executions.events(lost) if event.kind == "crashed"]) == 1


def test_what_nobody_has_taken_up_yet_is_lost_too(enacted: Enacted, system: Session, runners: Runners) -> None:
    execution = on_host(enacted, system, 2)
    runners.lose(2, WHY)
    until(lambda: status(enacted, execution) == "crashed", "the loss")


def test_a_scheduler_that_finds_the_machine_given_up_gives_up_what_it_ran(
    enacted: Enacted, system: Session, runners: Runners
) -> None:
    execution = on_host(enacted, system, 2)
    with system.write("machine.run") as connection:
        connection.execute("UPDATE executions SET restart_lost = 1 WHERE id = ?", (execution.id,))
        assert execution.machine_id is not None
        machines.vanish(connection, execution.machine_id, WHY)
    runners.look_after()
    until(lambda: status(enacted, execution) == "queued", "the loss")
    events = enacted.session.executions.events(execution)
    assert [event.message for event in events if event.kind == "lost"] == [f"{WHY}; started again"]


def test_what_failed_again_and_again_is_lost_with_its_host(
    enacted: Enacted, system: Session, runners: Runners, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners_module, "GIVE_UP_AFTER", 0)
    execution = on_host(enacted, system, 2)
    runners.look_after()
    runners.lose(2, WHY)
    until(lambda: status(enacted, execution) == "crashed", "the loss")
    assert WHY in enacted.session.executions.by_id(execution.id).reason


def test_a_runner_whose_attempt_was_closed_ends_nothing_of_the_next_one(
    enacted: Enacted, system: Session, runners: Runners
) -> None:
    execution = on_host(enacted, system, 2)
    (first,) = attempts.open_attempts(system.database.reader())
    runners.look_after()
    with system.write("machine.run") as connection:
        connection.execute("UPDATE attempts SET state = 'closed' WHERE id = ?", (first,))
        connection.execute(
            "INSERT INTO attempts (execution_id, number, machine_id, state, created_at)"
            " VALUES (?, 2, ?, 'preparing', 0)",
            (execution.id, execution.machine_id),
        )
    runner, thread = runners._running[first]
    runner.signals.lose(WHY)
    thread.join()
    assert status(enacted, execution) == "started"
    state = "SELECT state FROM machines WHERE id = ?"
    assert system.database.reader().execute(state, (execution.machine_id,)).fetchone()[0] == "leased"


def test_a_runner_that_waits_for_its_host_leaves_when_asked(
    enacted: Enacted, system: Session, runners: Runners
) -> None:
    execution = on_host(enacted, system, 2)
    runners.look_after()
    assert runners.leave()
    assert status(enacted, execution) == "started"
