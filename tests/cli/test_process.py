"""The installed command as a process of its own: what it imports, its exit codes, a closed pipe, ctrl+c."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.executions.execution import Execution
    from core.session import Session

SHOAL = Path(sys.executable).with_name("shoal")
HEAVY = ("asyncio", "boto3", "docker", "httpx", "jsonschema", "sqlite_utils", "textual", "valohai_yaml", "yaml")


def shoal(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SHOAL, *arguments], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    "arguments",
    [
        ["executions", "ls"],
        ["executions", "logs", "1"],
        ["files", "ls"],
        ["environments", "ls"],
        ["settings", "ls"],
        ["projects", "ls"],
        ["machines", "ls"],
        ["activity", "ls"],
    ],
)
def test_a_list_imports_nothing_heavy(execution: Callable[..., Execution], arguments: list[str]) -> None:
    execution()
    script = (
        "import sys; from cli.main import main; code = main(sys.argv[2:]);"
        " print([name for name in sys.argv[1].split() if name in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, " ".join(HEAVY), *arguments], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0
    assert ran.stderr.splitlines()[-1] == "[]"


def test_exit_codes_reach_the_shell(linked: Session) -> None:  # noqa: ARG001
    assert shoal("executions", "ls").returncode == 0
    assert shoal("executions", "show", "7").returncode == 3
    assert shoal("--bogus").returncode == 2


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", ["executions ls --json", "settings ls", "--help", "run --help", "--version"])
def test_a_closed_pipe_is_no_failure_to_talk_about(
    execution: Callable[..., Execution], arguments: str, unbuffered: str
) -> None:
    execution()
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        ran = subprocess.run(
            [SHOAL, *arguments.split()],
            stdout=pipe,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
            check=False,
            timeout=60,
        )
    assert ran.returncode == 141
    assert ran.stderr == b""


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("arguments", ["executions ls", "executions logs 1", "--help", "executions show 7", "doctor"])
def test_a_closed_output_is_no_failure_to_talk_about(
    execution: Callable[..., Execution], arguments: str, closed: str
) -> None:
    execution()
    command = f"{shlex.quote(str(SHOAL))} {arguments} {closed}"
    ran = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 3 if arguments.endswith("7") else ran.returncode in (0, 1)
    assert "Traceback" not in ran.stderr
    assert "unexpected" not in ran.stderr


def test_following_says_that_no_scheduler_runs(execution: Callable[..., Execution]) -> None:
    execution()
    with subprocess.Popen([SHOAL, "executions", "logs", "-f", "1"], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "no scheduler runs: start one with `shoal up`\n"
        process.send_signal(signal.SIGINT)


def test_ctrl_c_ends_the_following_only(execution: Callable[..., Execution], session: Session) -> None:
    made = execution()
    with subprocess.Popen([SHOAL, "executions", "logs", "-f", "1"], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        until_it_polls(process.pid)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "#1 goes on" in told
    assert "Traceback" not in told
    assert session.executions.by_id(made.id).status == "created"


def until_it_polls(pid: int) -> None:
    """Wait until a process sleeps between two looks: its system call is clock_nanosleep."""
    while not Path(f"/proc/{pid}/syscall").read_text().startswith("230 "):
        os.sched_yield()
