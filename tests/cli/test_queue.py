"""`shoal queue`, `shoal executions why`, and the commands that steer what waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.enacted import Enacted
from tests.queueing import Queueing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from core.executions.execution import Execution
    from core.shoal import Shoal
    from tests.cli.conftest import Ran


@pytest.fixture
def queueing(shoal: Shoal, directory: Path) -> Queueing:
    """One machine, on which a run of carol's has 60 of 120 seconds to go, and what waits behind it."""
    queueing = Queueing(shoal, Enacted(shoal, directory))
    alice, bob, carol = (queueing.person(name) for name in ("alice", "bob", "carol"))
    queueing.ran(carol, "train", 120, 120, 120)
    queueing.environment(maximum_scale=1)
    queueing.runs(queueing.waits(carol), since=60)
    queueing.waits(alice)
    queueing.waits(bob)
    queueing.waits(queueing.admin)
    queueing.planned()
    return queueing


def now(queueing: Queueing, number: int) -> Execution:
    return queueing.admin.executions.get(queueing.enacted.project, number)


def test_the_queue_shows_places_reasons_and_when(run: Callable[[str], Ran], queueing: Queueing) -> None:
    ran = run("queue --plain")
    titles, *lines = (line.split("\t") for line in ran.out.splitlines())
    listed = [dict(zip(titles, line, strict=True)) for line in lines]
    assert [(each["PLACE"], each["#"], each["WHO"], each["STARTS IN"]) for each in listed] == [
        ("▶ runs", "#4", "carol", ""),
        ("1", "#5", "alice", "1 min"),
        ("2", "#6", "bob", "3 min"),
        ("3", "#7", queueing.admin.actor.name, "5 min"),
    ]
    assert listed[0]["WHY / WHERE"].startswith("~1 min left · local-")
    assert {each["WHY / WHERE"] for each in listed[1:]} == {"the only machine is busy"}


@pytest.mark.usefixtures("queueing")
def test_the_queue_is_filtered_and_turned_as_every_list_is(run: Callable[[str], Ran]) -> None:
    whole = [row["number"] for row in run("queue --json").json]
    assert [row["number"] for row in run("queue --reverse --json").json] == whole[::-1]
    assert {row["user"] for row in run("queue --filter alice --json").json} == {"alice"}
    assert [row["number"] for row in run("queue --filter alice --invert --json").json] == [4, 6, 7]


@pytest.mark.usefixtures("queueing")
def test_the_table_tells_how_much_runs_and_waits(run: Callable[[str], Ran]) -> None:
    ran = run("queue")
    assert "local: ▶ 1 running  ○ 3 waiting, oldest since" in ran.err
    assert "no scheduler runs" in ran.err
    assert len(ran.out.splitlines()) == 5


def test_json_and_filters(run: Callable[[str], Ran], queueing: Queueing) -> None:
    (row,) = run("queue --user bob --json").json
    assert (row["place"], row["number"], row["code"], row["status"]) == (2, 6, "busy", "queued")
    assert row["starts_in"]["median"] == pytest.approx(180, abs=5)
    assert (row["starts_in"]["runs"], row["starts_in"]["steps"]) == (3, ["train"])
    assert [each["number"] for each in run("queue --status started --json").json] == [4]
    assert [each["number"] for each in run("queue --filter carol --json").json] == [4]
    for option, kind in (("environment", "environment"), ("user", "member"), ("team", "team"), ("project", "project")):
        ran = run(f"queue --{option} nowhere --json")  # a queue that only looks empty
        assert (ran.code, f"there is no {kind} 'nowhere'" in ran.err) == (3, True)
    assert run("queue --status fine").code == 2
    assert run("queue --sort place").code == 2
    assert [each["user"] for each in run("queue --sort user --json").json][:2] == ["alice", "bob"]
    assert len(queueing.admin.queue.groups("user", {})) == 4


def test_why_says_what_is_ahead_when_it_starts_and_what_to_do(run: Callable[[str], Ran], queueing: Queueing) -> None:
    ran = run("executions why 7")
    told = " ".join(ran.out.split())
    assert "#7 train waits for a machine of local since" in told
    assert "the only machine is busy, next free in about 1 min." in told
    assert "It is number 3 in the queue: 1 of alice's, 1 of bob's go first." in told
    assert "It starts in about 5 min (from 3 runs of train)." in told
    assert "Next: raise its priority if it cannot wait (`shoal executions raise 7`)" in told
    found = run("executions why 7 --json").json
    assert (found["place"], found["code"]) == (3, "busy")
    assert found["next"]["command"] == "shoal executions raise 7"
    assert now(queueing, 7).status == "queued"


def test_why_of_one_that_runs_and_of_one_that_ended(run: Callable[[str], Ran], queueing: Queueing) -> None:
    told = " ".join(run("executions why 4").out.split())
    assert "#4 train runs on" in told
    assert "It ends in about 1 min (from 3 runs of train)." in told
    queueing.enacted.ends(now(queueing, 4), "error", "exit code 7: look at its log")
    told = " ".join(run("executions why 4").out.split())
    assert "#4 train ended with an error" in told
    assert "exit code 7: look at its log." in told
    assert "shoal executions logs 4" in told


def test_why_without_history_promises_nothing(run: Callable[[str], Ran], queueing: Queueing) -> None:
    with queueing.system.write("execution.run") as connection:
        connection.execute("UPDATE executions SET step = 'other' WHERE status = 'complete'")
    told = " ".join(run("executions why 7").out.split())
    assert "When it starts cannot be told" in told
    assert "starts in" not in told


def test_priorities_are_raised_and_lowered(run: Callable[[str], Ran], queueing: Queueing) -> None:
    assert run("executions raise 5 --yes").out == "#5 has a high priority\n"
    assert now(queueing, 5).priority == 1
    ran = run("executions raise 7")
    assert ran.code == 2
    assert "It goes before 1 of others" in ran.err
    assert run("executions raise 5 --yes").code == 5
    assert run("executions lower 5 --yes --json").json == [{"execution": "5", "done": "#5 has a normal priority"}]


def test_they_are_moved_and_the_consequence_is_said_before(run: Callable[[str], Ran], queueing: Queueing) -> None:
    queueing.environment("gpu", access="teams", teams={"vision": 1})
    queueing.person("bob", teams=("vision",))
    ran = run("executions move 5 6 --environment gpu")
    assert ran.code == 2
    assert "1 cannot run there: you" in ran.err or "1 cannot run there" in ran.err
    assert run("executions move 6 --environment gpu --yes").out == "#6 waits for gpu\n"
    assert now(queueing, 6).environment == "gpu"
    assert run("executions move 5 --environment gpu --yes").code == 4
    assert run("executions move 5 --yes").code == 2
    assert "Move 2 executions" in ran.err
