"""What killed a container: the program itself, or the machine that was down under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.scheduler import attempts, found_dead
from core.scheduler.engines.engine import ContainerState
from core.scheduler.found_dead import was_found_dead

if TYPE_CHECKING:
    from core.scheduler.attempts import Attempt
    from core.session import Session
    from tests.enacted import Enacted

BEGAN = 1_000_000.0


def ended(after: float, code: int = 255) -> ContainerState:
    return ContainerState("c", "exited", code, started_at=BEGAN + 1, ended_at=BEGAN + after)


@pytest.fixture
def attempt(enacted: Enacted, system: Session) -> Attempt:
    """One that began at BEGAN, on host 2."""
    execution = enacted.start(enacted.create("train"))
    with system.write("host.edit") as connection:
        connection.execute(
            "INSERT INTO hosts (id, uuid, environment_id, name, address, created_at)"
            " SELECT 2, 'host 2', id, 'gpu-2', 'ssh://root@127.0.0.1:1', 0 FROM environments"
        )
        connection.execute("UPDATE machines SET host_id = 2 WHERE id = ?", (execution.machine_id,))
        connection.execute("UPDATE attempts SET created_at = ?", (BEGAN,))
    return attempts.load(system.read("execution.run"), attempts.open_attempts(system.read("execution.run"))[0])


@pytest.mark.parametrize(
    ("seen", "after", "code", "wanted"),
    [
        ([(-50, "down: away"), (-40, "up")], 100, 255, False),
        ([(50, "down: away"), (60, "up")], 59, 255, True),
        ([(50, "down: away"), (60, "up")], 59, 3, False),
        ([(50, "down: away"), (60, "up")], 48, 143, True),
        ([(50, "down: away"), (60, "up")], 5000, 137, False),
        ([(50, "down: away")], 49, 255, True),
        ([(50, "down: away"), (60, "up")], 5000, 255, False),
        ([(50, "down: away"), (60, "up")], 10, 255, False),
        ([(50, "down: away"), (3000, "up")], 2995, 255, True),
        ([(50, "slots: 1 → 2")], 51, 255, False),
    ],
)
def test_a_host_was_down_at_the_end(
    attempt: Attempt, system: Session, seen: list[tuple[float, str]], after: float, code: int, *, wanted: bool
) -> None:
    with system.write("host.edit") as connection:
        for at, what in seen:
            connection.execute(
                "INSERT INTO changes (at, actor, kind, subject, what) VALUES (?, 0, 'host', 2, ?)", (BEGAN + at, what)
            )
    assert was_found_dead(system.read("execution.run"), attempt, ended(after, code)) == wanted


def test_this_box_was_started_since(enacted: Enacted, system: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    enacted.start(enacted.create("train"))
    reader = system.read("execution.run")
    attempt = attempts.load(reader, attempts.open_attempts(reader)[0])
    for booted, wanted in ((BEGAN - 10, False), (BEGAN + 50, True), (BEGAN + 500, False)):
        monkeypatch.setattr(found_dead, "booted_at", lambda booted=booted: booted)
        assert was_found_dead(reader, attempt, ended(100)) == wanted
    assert was_found_dead(reader, attempt, ended(100, 143))
    assert not was_found_dead(reader, attempt, ended(100, 1))
