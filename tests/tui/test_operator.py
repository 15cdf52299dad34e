"""The operator's journey as it is really made: the installed command in tmux, a scheduler, a Docker Engine."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from core.projects.manifest import read_manifest
from core.projects.specification import specify
from tests.enacted import Enacted
from tests.images import busybox_image
from tests.queueing import Queueing
from tests.tui.opened import COMMAND
from tests.tui.tmux import Tmux
from tests.workbench import SchedulerProcess, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.session import Session
    from core.shoal import Shoal

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]

STEP = """
- step:
    name: train
    image: {image}
    command: "sleep {{parameter-value:seconds}}"
    parameters:
      - {{name: seconds, type: float, default: 2}}
"""
PEOPLE = ("ada", "bob", "eve")
HISTORY = 12
NUMBER = 40


@pytest.fixture
def crowded(shoal: Shoal, tmp_path: Path) -> Iterator[Session]:
    """An environment with one machine, twelve executions that ended there, and forty of three people that wait."""
    enacted = Enacted(shoal, tmp_path / "project", STEP.format(image=busybox_image()))
    limits = {"maximum_scale": "4", "per_user_quota": "2", "scale_down_grace_period": "2", "price_per_hour": "2.50"}
    enacted.session.environments.create("shared", network="none", **limits)
    create(enacted, Queueing(shoal, enacted), HISTORY, seconds=0.2)
    scheduler = SchedulerProcess(shoal)
    scheduler.start()
    until(lambda: enacted.session.executions.counts()["complete"] == HISTORY, "a history")
    enacted.session.environments.set("shared", maximum_scale="1")
    create(enacted, Queueing(shoal, enacted), NUMBER)
    yield enacted.session
    scheduler.kill()


def create(enacted: Enacted, queueing: Queueing, number: int, seconds: float = 2) -> None:
    """Have executions created by three people in turn."""
    specification = specify(
        read_manifest(enacted.commit.yaml), "train", environment="shared", parameters={"seconds": seconds}
    )
    sessions = [queueing.person(name) for name in PEOPLE]
    for each in range(number):
        sessions[each % len(PEOPLE)].executions.create(enacted.project, enacted.commit, specification)


def test_forty_wait_and_the_maximum_is_raised(crowded: Session, tmp_path: Path) -> None:
    environment = {"SHOAL_HOME": str(crowded.home.root), "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    with Tmux(tmp_path, [str(COMMAND), "console", "queue"], environment, (80, 24)) as person:
        person.sees("shared: ▶ 1 running", "waiting", "the only machine", "quota: eve's 2 mach")
        person.goes("environment shared").sees("1 busy", "0 to 1 machines", "2 for each user", "1 Queue")
        person.presses("e").sees("Maximum scale").on_row("Maximum scale")
        person.presses("BSpace").types("5").sees("median wait").presses("F2").sees("median wait", "Yes")
        person.presses("y").sees("5 busy", "5 of 5 machines are busy")
        person.presses("2").sees("leased").presses("X").sees("Drain machine shared-").presses("y")
        until(lambda: drained(crowded), "a machine that leaves after its work")
        until(lambda: crowded.executions.counts()["complete"] == HISTORY + NUMBER, "the end of all")
        person.sees("0 running", "0 waiting")
        until(lambda: not present(crowded), "machines to go")
        person.sees("No machine is present").presses("1").sees("othing waits")
        person.presses("ctrl+c", "ctrl+c").sees("ended with 0")


def present(session: Session) -> int:
    """Return how many machines are present."""
    row = session.read("machine.see").execute("SELECT count(*) FROM machines WHERE state != 'gone'").fetchone()
    return int(row[0])


def drained(session: Session) -> bool:
    """Return whether a machine was taken out of work, be it gone by now."""
    row = session.read("machine.see").execute("SELECT count(*) FROM machines WHERE cordoned").fetchone()
    return bool(row[0])
