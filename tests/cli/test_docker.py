"""The whole way through the command, on real containers."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.scheduler.lease import holder, is_held
from tests.images import busybox_image
from tests.workbench import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.session import Session
    from core.shoal import Shoal
    from tests.cli.conftest import Ran

pytestmark = pytest.mark.docker

SHOAL = Path(sys.executable).with_name("shoal")
STEPS = """\
- step:
    name: make
    image: {image}
    command:
      - echo "from $(cat /valohai/inputs/data/*)"
      - echo {{parameters}}
      - echo made > /valohai/outputs/made.txt
    parameters: [{{name: size, type: integer, default: 1}}]
    inputs: [{{name: data, optional: true}}]
- step:
    name: fail
    image: {image}
    command: exit 3
- step:
    name: wait
    image: {image}
    command: echo waiting; exec sleep 600
"""


@pytest.fixture
def project(directory: Path, linked: Session, shoal: Shoal) -> Iterator[Session]:
    """A project of real steps; the scheduler that the command starts is ended with the test."""
    (directory / "valohai.yaml").write_text(STEPS.format(image=busybox_image()))
    linked.environments.set("local", network="none")
    linked.settings.set("stop_grace_period", 1)
    yield linked
    last = holder(shoal.database.reader())
    if last is not None and is_held(shoal.home):
        subprocess.run(["kill", last.name.rpartition(":")[2]], check=True)
        until(lambda: not is_held(shoal.home), "the scheduler's end")


def test_from_a_local_file_to_a_trace(run: Callable[[str], Ran], project: Session, directory: Path) -> None:
    (directory / "rows.csv").write_text("rows")
    ran = run("run make --adhoc --input data=rows.csv --size=7 --watch")
    assert ran.code == 0, ran.err
    assert "from rows\n--size=7\n" in ran.out
    assert "started one in the background" in ran.err
    assert "#1 make complete in " in ran.err
    assert (ran.out + ran.err).count("complete") == 1
    assert is_held(project.home)

    again = run("executions copy 1 --param size=8 --watch --json")
    assert again.code == 0
    assert again.json["status"] == "complete"
    assert "--size=8" in again.err
    assert "background" not in again.err

    trace = run("files trace made.txt --up").out
    assert trace.index("made.txt") < trace.index("#2 make") < trace.index("rows.csv")
    assert "--size=7" in run("executions logs 1 -f").out
    assert run("executions show 1 --json").json["outputs"][0]["name"] == "made.txt"


def test_what_fails_exits_with_1(run: Callable[[str], Ran], project: Session) -> None:  # noqa: ARG001
    ran = run("run fail --adhoc --watch")
    assert ran.code == 1
    assert "#1 fail error in " in ran.err
    assert (ran.out + ran.err).count("error") == 1


def test_ctrl_c_ends_the_watching_and_stop_the_execution(run: Callable[[str], Ran], project: Session) -> None:
    arguments = [str(SHOAL), "run", "wait", "--adhoc", "--watch"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        until(lambda: "waiting" in run("executions logs 1").out, "its first line")
        watching.send_signal(signal.SIGINT)
        _, told = watching.communicate(timeout=30)
    assert watching.returncode == 130
    assert "shoal executions stop 1" in told
    # The background scheduler is in a session of its own: ctrl+c in the terminal was not for it.
    assert is_held(project.home)
    assert run("executions ls --json").json[0]["status"] == "started"
    assert run("executions stop 1").code == 0
    followed = run("executions logs 1 -f")
    assert "stopped" in followed.err


def test_a_scheduler_that_dies_under_the_watching_is_replaced(run: Callable[[str], Ran], project: Session) -> None:
    arguments = [str(SHOAL), "run", "wait", "--adhoc", "--watch"]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as watching:
        assert watching.stderr is not None
        until(lambda: "waiting" in run("executions logs 1").out, "its first line")
        before = holder(project.database.reader())
        assert before is not None
        subprocess.run(["kill", "-9", before.name.rpartition(":")[2]], check=True)
        assert any("the scheduler has gone" in line for line in iter(watching.stderr.readline, ""))
        assert any("started one in the background" in line for line in iter(watching.stderr.readline, ""))
        assert run("executions stop 1").code == 0
        _, told = watching.communicate(timeout=60)
    assert watching.returncode == 1
    assert "#1 wait stopped" in told


def test_up_leaves_when_idle_and_is_one(project: Session) -> None:
    with subprocess.Popen([SHOAL, "up"], stderr=subprocess.PIPE, text=True) as first:
        assert first.stderr is not None
        assert any("ready in" in line for line in iter(first.stderr.readline, ""))
        second = subprocess.run([SHOAL, "up"], capture_output=True, text=True, check=False, timeout=60)
        assert (second.returncode, "a scheduler runs already" in second.stderr) == (5, True)
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=30)
    assert first.returncode == 0
    left = subprocess.run([SHOAL, "up", "--exit-when-idle", "0"], capture_output=True, check=False, timeout=60)
    assert left.returncode == 0
    assert not is_held(project.home)
