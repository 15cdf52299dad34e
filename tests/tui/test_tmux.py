"""The journeys again as they are really made: the installed command, in tmux, and over SSH."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from core.home import Home
from tests.enacted import Enacted
from tests.images import busybox_image
from tests.tui.opened import COMMAND
from tests.tui.test_journeys import TRAINING
from tests.tui.tmux import Tmux
from tests.workbench import SchedulerProcess, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core.shoal import Shoal

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
SSHD = shutil.which("sshd", path="/usr/sbin:/usr/bin:/sbin")


def console(home: Home, directory: Path, *arguments: str, through: Sequence[str] = ()) -> Tmux:
    """Open the console in a pane."""
    environment = {"SHOAL_HOME": str(home.root), "HOME": str(directory), "LC_ALL": "C.UTF-8"}
    return Tmux(directory, [*through, str(COMMAND), "console", *arguments], environment)


def test_a_file_is_traced(finished: Enacted, tmp_path: Path) -> None:
    with console(finished.session.home, tmp_path, "files") as person:
        person.sees("model.npz").on_row("model.npz").presses("t").sees("#2 train", "penguins.csv", "#3 evaluate")
        person.on_row("penguins.csv").presses("t").sees("trace penguins.csv", "↓ went into", "#1 preprocess")
        person.presses("escape").sees("trace model.npz").presses("ctrl+c", "ctrl+c").sees("ended with 0")


@pytest.mark.docker
def test_a_newcomer_comes_from_nothing_to_a_trace(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with console(home, tmp_path) as person:
        person.sees("Welcome to Shoal").on_row("the demo").presses("enter").sees("#3 evaluate", "its trace")
        person.on_row("its trace").presses("enter").sees("evaluate", "model.npz", "metrics.json")
        person.presses("ctrl+c", "ctrl+c").sees("ended with 0")
    ended_scheduler(home)


@pytest.fixture
def scheduler(shoal: Shoal) -> Iterator[SchedulerProcess]:
    """A scheduler that runs."""
    shoal.session().environments.set("local", network="none")
    process = SchedulerProcess(shoal)
    process.start()
    yield process
    process.stop()


@pytest.mark.docker
def test_one_is_started_followed_and_stopped(shoal: Shoal, scheduler: SchedulerProcess, tmp_path: Path) -> None:
    enacted = Enacted(shoal, tmp_path / "project", TRAINING.format(image=busybox_image()))
    with console(enacted.session.home, tmp_path) as person:
        person.sees("Welcome to Shoal").goes("new").sees("Learn for as long").presses("F2").sees("execution 1")
        person.presses("2").sees('"epoch": 3', "waiting").presses("3").sees("loss", "0.3")
        scheduler.kill()
        person.presses("1").sees("started")
        scheduler.start()
        person.presses("X").sees("Yes").presses("y").sees("stopped")
        person.presses("ctrl+c", "ctrl+c").sees("ended with 0")


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[Sequence[str]]:
    """A daemon of the test's own, and the command that leads through it to this machine."""
    if SSHD is None or shutil.which("ssh") is None:
        pytest.skip("openssh-server and openssh-client are not installed")
    directory = tmp_path / "ssh"
    directory.mkdir(mode=0o700)
    for name in ("host", "person"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / name], check=True)
    shutil.copy(directory / "person.pub", directory / "authorized")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": directory / "host",
        "AuthorizedKeysFile": directory / "authorized",
        "StrictModes": "no",
        "UsePAM": "no",
        "PidFile": "none",
    }
    Path("/run/sshd").mkdir(exist_ok=True)
    with (directory / "log").open("wb") as log:
        given = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        daemon = subprocess.Popen([SSHD, "-D", "-e", "-f", "/dev/null", *given], stderr=log)
    until(lambda: answers(port), "sshd")
    known = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
    yield [
        "ssh",
        "-tt",
        *known,
        "-F",
        "none",
        "-i",
        f"{directory}/person",
        "-p",
        f"{port}",
        f"{getpass.getuser()}@127.0.0.1",
    ]
    daemon.terminate()
    daemon.wait()


def test_a_file_is_traced_over_ssh(finished: Enacted, tmp_path: Path, ssh: Sequence[str]) -> None:
    through = [*ssh, "env", f"SHOAL_HOME={finished.session.home.root}", "LC_ALL=C.UTF-8"]
    with console(finished.session.home, tmp_path, "files", through=through) as person:
        person.sees("model.npz").on_row("model.npz").presses("t").sees("#2 train", "penguins.csv", "#3 evaluate")
        person.presses("ctrl+c", "ctrl+c").sees("ended with 0")


def answers(port: int) -> bool:
    """Tell whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ended_scheduler(home: Home) -> None:
    """End the scheduler that the console has started, and see that it did."""
    from core.scheduler.lease import is_held

    assert is_held(home), "the console started no scheduler"
    for process in psutil.process_iter(["cmdline"]):
        if str(home.root) in (process.info["cmdline"] or ()):
            process.terminate()
    until(lambda: not is_held(home), "the scheduler's end")
