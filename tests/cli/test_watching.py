"""What an operator asks from a shell: what it cost, what is wrong, what goes on."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from core.machines import usage as machine_usage
from core.scheduler.machines import launch
from data.changes import record
from tests.tui.opened import COMMAND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.executions.execution import Execution
    from core.home import Home
    from core.session import Session
    from tests.cli.conftest import Ran


@pytest.fixture
def account(execution: Callable[..., Execution], linked: Session) -> Execution:
    """One machine that ran an execution for an hour, and was idle for half of one, at 1.50 an hour."""
    made = execution()
    with linked.write("environment.edit") as connection:
        connection.execute("UPDATE environments SET price_per_hour = 1500000, scale_down_grace_period = 900")
        machine = launch(connection, made.environment_id)
        assert machine is not None
        at = time.time() - 7200
        connection.execute("DELETE FROM machine_usage")
        connection.execute("UPDATE machines SET requested_at = ?, state = 'gone'", (at,))
        machine_usage.enter(connection, machine, "execution", at, made.id)
        machine_usage.enter(connection, machine, "grace", at + 3600)
        machine_usage.leave(connection, machine, at + 5400)
    return made


@pytest.mark.usefixtures("account")
def test_the_bill_sums_up(run: Callable[[str], Ran], linked: Session) -> None:
    me = linked.actor.name
    told = run("cost")
    assert told.code == 0
    rows = [line.split() for line in told.out.splitlines()]
    assert rows == [
        ["NAME", "FOR", "RUNS", "HOURS", "COST", "SHARE"],
        [me, "executions", "1", "1.00", "1.500000", "66.7%"],
        ["—", "grace", "0.25", "0.375000", "16.7%"],
        ["—", "idle", "0.25", "0.375000", "16.7%"],
    ]
    assert "total 2.25" in told.err
    for by in ("user", "team", "project", "environment"):
        document = run(f"cost --by {by} --since 3d --json").json
        assert document["total"] == {"seconds": pytest.approx(5400), "cost": 2.25}
        assert sum(row["cost"] for row in document["costs"]) == 2.25
        assert document["costs"][0]["executions"] == 1
    assert run("costs --by environment --environment local --plain").out.splitlines()[1].split("\t")[0] == "local"
    assert run("cost --since 30m").out == ""


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("cost --since yesterday", 2, "write 7d, 12h, or a day"),
        ("cost --by planet", 2, "planet"),
        ("cost --environment nowhere", 3, "nowhere"),
        ("activity ls --where since=x", 2, "since cannot be"),
        ("activity follow --where colour=red", 2, "no filter 'colour'"),
        ("activity follow --where kind=dog", 2, "no kind 'dog'"),
    ],
)
@pytest.mark.usefixtures("linked")
def test_what_is_wrong_is_named(run: Callable[[str], Ran], line: str, code: int, told: str) -> None:
    ran = run(line)
    assert (ran.code, ran.out) == (code, "")
    assert told in ran.err


def test_alarms_are_an_exit_code(
    run: Callable[[str], Ran], linked: Session, execution: Callable[..., Execution]
) -> None:
    linked.settings.set("disk_alarm", 100)
    assert run("alarms").code == 0
    execution()
    told = run("alarms")
    assert (told.code, "no scheduler runs" in told.out) == (1, True)
    (alarm,) = run("alarms --json").json
    assert (alarm["level"], alarm["kind"], alarm["address"]) == ("fail", "scheduler", "about")
    assert run("alarms --plain").out.splitlines()[0].startswith("LEVEL\tABOUT")


@pytest.fixture
def followed(home: Home, linked: Session) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `shoal activity follow` in a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        with linked.database.transaction() as connection:
            record(connection, linked.actor.id, "file", 1, "the beginning")
        started.append(
            subprocess.Popen(
                [COMMAND, "activity", "follow", "--all-projects", *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=os.environ | {"SHOAL_HOME": str(home.root)},
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_what_happens_is_printed_as_it_happens(linked: Session, followed: Callable[..., subprocess.Popen[str]]) -> None:
    process = followed("--where", "kind=file", "--last", "1")
    assert process.stdout is not None
    assert process.stdout.readline().endswith(f"  {linked.actor.name:10}  file: the beginning\n")
    for name in ("uploaded a\x1b[2J\nb", "uploaded c"):
        with linked.database.transaction() as connection:
            record(connection, 0, "machine", 1, "idle")
            record(connection, 0, "file", 1, name)
    first, second = process.stdout.readline(), process.stdout.readline()
    assert "shoal" in first
    assert "uploaded a" in first
    assert "\x1b" not in first
    assert second.endswith("file: uploaded c\n")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130


def test_each_is_a_document_on_a_line_for_scripts(
    linked: Session, followed: Callable[..., subprocess.Popen[str]]
) -> None:
    process = followed("--json", "--last", "0", "--filter", "uploaded")
    assert process.stdout is not None
    # It says nothing until something happens: what is done before it looks is no news.
    while True:
        with linked.database.transaction() as connection:
            record(connection, 0, "file", 1, "uploaded c")
        if _is_readable(process):
            break
    document = json.loads(process.stdout.readline())
    assert (document["kind"], document["what"], document["who"]) == ("file", "uploaded c", "shoal")


def _is_readable(process: subprocess.Popen[str]) -> bool:
    assert process.stdout is not None
    return bool(select.select([process.stdout], [], [], 0.2)[0])
