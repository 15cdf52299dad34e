"""Start and stop commands: ended in time with all that they started, and their output kept."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.scheduler.host_commands import KEPT, HostCommand, HostCommands, ending
from tests.workbench import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.session import Session


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
    assert ending("start", "gpu-1", *ended(session, number)) == "start command of gpu-1 failed (exit code 7): twice"


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


def _is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
