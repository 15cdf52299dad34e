"""Start and stop commands: ended in time with all that they started, and their output kept."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core.scheduler import host_commands
from core.scheduler.host_commands import KEPT, KEPT_RUNS, HostCommand, HostCommands, ending
from core.session import Session
from data import changes
from tests.workbench import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager


@pytest.fixture
def host_id(session: Session) -> int:
    session.environments.create("farm", kind="hosts")
    return session.hosts.create("gpu-1", "farm", "ssh://gpu-1").id


@pytest.fixture
def commands(system: Session) -> Iterator[HostCommands]:
    commands = HostCommands(system)
    yield commands
    commands.leave()


def begin(commands: HostCommands, session: Session, host_id: int, command: str, limit: float = 30.0) -> int:
    wanted = HostCommand(host_id, None, "start", command, limit, {"SHOAL_HOST": "gpu-1"})
    with session.database.transaction() as connection:
        number = commands.begin(connection, wanted)
    commands.run(number, wanted)
    return number


def ended(session: Session, number: int) -> tuple[int | None, str]:
    """Return the exit code and the output of a command that has ended."""
    query = "SELECT exit_code, output FROM host_commands WHERE id = ? AND ended_at IS NOT NULL"
    row = until(lambda: session.read("host.see").execute(query, (number,)).fetchone(), "the end of the command")
    return row["exit_code"], row["output"]


def test_output_and_exit_code_are_kept(commands: HostCommands, session: Session, host_id: int) -> None:
    number = begin(commands, session, host_id, 'echo "waking $SHOAL_HOST"; echo twice >&2; exit 7')
    assert ended(session, number) == (7, "waking gpu-1\ntwice")
    assert ending("start", "gpu-1", ended(session, number)[0]) == "start command of gpu-1 failed (exit code 7)"


def test_of_long_output_the_beginning_and_the_end_are_kept(
    commands: HostCommands, session: Session, host_id: int
) -> None:
    number = begin(commands, session, host_id, "echo first; head -c 5000000 /dev/zero | tr '\\0' x; echo; echo last")
    code, output = ended(session, number)
    assert code == 0
    assert output.startswith("first\n")
    assert output.endswith("\nlast")
    assert "bytes are left out" in output
    assert len(output) < KEPT + 100


def test_bytes_that_are_no_text_do_no_harm(commands: HostCommands, session: Session, host_id: int) -> None:
    assert ended(session, begin(commands, session, host_id, r"printf '\377\000ok'")) == (0, "\ufffd\0ok")


def test_a_command_that_prints_for_ever_is_ended_in_time(
    commands: HostCommands, session: Session, host_id: int
) -> None:
    code, output = ended(session, begin(commands, session, host_id, "yes", 0.5))
    assert code == 124
    assert output.endswith("ended: it took longer than 0.5 s")


def test_a_command_that_ignores_sigterm_is_killed_with_its_children(
    commands: HostCommands, session: Session, host_id: int, tmp_path: Path
) -> None:
    child = tmp_path / "child"
    command = f"trap '' TERM; (trap '' TERM; sleep 1000) & echo $! > {child}; while :; do sleep 1; done"
    assert ended(session, begin(commands, session, host_id, command, 0.5))[0] == 124
    until(lambda: _is_dead(int(child.read_text())), "the child's end")


def test_what_a_command_leaves_in_the_background_is_not_waited_for(
    commands: HostCommands, session: Session, host_id: int, tmp_path: Path
) -> None:
    child = tmp_path / "child"
    number = begin(commands, session, host_id, f"sleep 60 & echo $! > {child}; echo done")
    assert ended(session, number) == (0, "done")
    assert not _is_dead(int(child.read_text()))
    os.kill(int(child.read_text()), signal.SIGKILL)


def test_a_command_that_is_no_program_fails_as_any_other(
    commands: HostCommands, session: Session, host_id: int
) -> None:
    code, output = ended(session, begin(commands, session, host_id, "no-such-program --at-all"))
    assert code == 127
    assert "not found" in output


def test_leaving_ends_what_runs(commands: HostCommands, session: Session, host_id: int) -> None:
    number = begin(commands, session, host_id, "echo begun; sleep 1000")
    until(
        lambda: session.read("host.see").execute("SELECT 1 FROM host_commands WHERE process != ''").fetchone(),
        "the command's process",
    )
    commands.leave()
    assert ended(session, number)[0] is None
    assert not commands


def test_what_another_scheduler_left_is_ended_by_its_time_of_birth_and_no_other(
    session: Session, system: Session, host_id: int
) -> None:
    ours = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    other = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    born = Path(f"/proc/{ours.pid}/stat").read_text().rpartition(")")[2].split()[19]
    with session.database.transaction() as connection:
        connection.executemany(
            "INSERT INTO host_commands (host_id, kind, began_at, process) VALUES (?, 'start', 0, ?)",
            [(host_id, f"{ours.pid}:{born}"), (host_id, f"{other.pid}:1"), (host_id, "")],
        )
    HostCommands(system).settle()
    until(lambda: _is_dead(ours.pid), "the end of what was left")
    ours.wait()
    assert other.poll() is None
    other.kill()
    other.wait()
    rows = session.read("host.see").execute("SELECT ended_at IS NULL, exit_code FROM host_commands")
    assert {tuple(row) for row in rows} == {(0, None)}


def test_only_the_last_runs_of_each_host_are_kept(commands: HostCommands, session: Session, host_id: int) -> None:
    other = session.hosts.create("gpu-2", "farm", "ssh://gpu-2").id
    with session.database.transaction() as connection:
        connection.executemany(
            "INSERT INTO host_commands (host_id, kind, began_at, ended_at) VALUES (?, 'start', ?, 0)",
            [(host, number) for host in (host_id, other) for number in range(KEPT_RUNS + 50)],
        )
    number = begin(commands, session, host_id, "true")
    rows = session.read("host.see").execute("SELECT host_id, count(*), max(id) FROM host_commands GROUP BY host_id")
    assert {row[0]: row[1] for row in rows} == {host_id: KEPT_RUNS, other: KEPT_RUNS + 50}
    assert ended(session, number) == (0, "")


def test_a_command_that_cannot_be_looked_after_has_failed_and_does_not_go_on(
    commands: HostCommands, session: Session, host_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(process: subprocess.Popen[bytes], *_: object) -> None:
        pids.append(process.pid)
        raise ValueError

    pids: list[int] = []
    monkeypatch.setattr(host_commands, "_listen", fail)
    number = begin(commands, session, host_id, "sleep 1000")
    assert ended(session, number) == (127, "it could not be looked after (ValueError)")
    assert _is_dead(pids[0])


def test_a_busy_database_ends_no_command(
    commands: HostCommands, session: Session, host_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, calls = Session.write, count()

    def busy(session: Session, action: str) -> AbstractContextManager[sqlite3.Connection]:
        if next(calls) == 0:
            message = "database is locked"
            raise sqlite3.OperationalError(message)
        return write(session, action)

    monkeypatch.setattr(Session, "write", busy)
    number = begin(commands, session, host_id, "echo done")
    assert ended(session, number) == (0, "done")
    assert next(calls) > 1


def test_the_first_end_of_a_command_is_kept(commands: HostCommands, session: Session, host_id: int) -> None:
    number = begin(commands, session, host_id, "echo done")
    assert ended(session, number) == (0, "done")
    commands._close(number, host_id, "start", None, "the scheduler ended while this ran")
    assert ended(session, number) == (0, "done")


def _is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_an_end_is_written_down_once_the_database_takes_it(
    commands: HostCommands, session: Session, host_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    def full(*given: Any) -> None:
        nonlocal tries
        if given[-1].startswith("start command is done") and (tries := tries + 1) < 8:
            message = "database or disk is full"
            raise sqlite3.OperationalError(message)
        changes.record(*given)

    monkeypatch.setattr("core.scheduler.host_commands.record", full)
    monkeypatch.setattr(host_commands, "WRITE_AGAIN", 0.0)
    assert ended(session, begin(commands, session, host_id, "echo done")) == (0, "done")
    assert tries == 8
