"""What people come for, told from the first key to the last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.enacted import Enacted
from tests.images import busybox_image
from tests.tui.story import story
from tests.workbench import SchedulerProcess, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.shoal import Shoal

TRAINING = """
- step:
    name: train
    image: {image}
    description: Learn for as long as somebody lets it.
    command:
      - 'n=0; while [ $n -lt {{parameter-value:epochs}} ]; do n=$((n + 1));'
      - 'echo "{{\\"epoch\\": $n, \\"loss\\": 0.$n}}"; sleep 0.1; done; echo waiting; sleep 600'
    parameters:
      - {{name: epochs, type: integer, default: 3, min: 1}}
"""


@pytest.fixture
def scheduled(shoal: Shoal) -> Iterator[Shoal]:
    """An installation whose scheduler runs."""
    shoal.session().environments.set("local", network="none")
    scheduler = SchedulerProcess(shoal)
    scheduler.start()
    yield shoal
    scheduler.stop()


@pytest.mark.docker
async def test_a_newcomer_comes_from_nothing_to_a_trace(
    scheduled: Shoal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    async with story(scheduled.session(), size=(100, 30), address="start", starts_scheduler=True) as person:
        await person.sees("Welcome to Shoal").on_row("the demo").presses("enter").waits_for("#3 evaluate", "its trace")
        await person.on_row("its trace").presses("enter").sees("evaluate", "model.npz", "test.npz", "metrics.json")
        await person.on_row("model.npz").presses("t").sees("trace model.npz", "preprocess", "penguins.csv")
        await person.goes("executions").sees("3 complete")


@pytest.mark.docker
async def test_one_is_started_followed_and_stopped(scheduled: Shoal, tmp_path: Path) -> None:
    enacted = Enacted(scheduled, tmp_path / "project", TRAINING.format(image=busybox_image()))
    async with story(enacted.session, size=(100, 30), project=enacted.project) as person:
        await person.sees("No execution yet").presses("a").sees("train", "Learn for as long")
        await person.on_row("epochs").presses("backspace").types("5").presses("f2").sees("execution 1")
        await person.presses("2").waits_for('"epoch": 5', "waiting").sees("following")
        await person.presses("3").sees("epoch", "loss", "0.5")
        await person.presses("X").sees("No", "Yes").presses("y").waits_for("stopped")
        await person.presses("escape").sees("1 stopped")
    until(lambda: enacted.session.executions.get(enacted.project, 1).is_final)


async def test_a_file_is_traced_up_to_raw_data_and_down_to_its_uses(finished: Enacted) -> None:
    async with story(finished.session, size=(100, 30), project=finished.project) as person:
        await person.goes("files").on_row("model.npz").presses("t").sees("↑ came from", "↓ went into")
        await person.sees("#2 train", "train.npz", "#1 preprocess", "penguins.csv", "#3 evaluate", "metrics.json")
        await person.on_row("penguins.csv").sees("sha256", "upload").presses("t").sees("trace penguins.csv")
        await (
            person.sees("↓ went into", "#1 preprocess").on_row("preprocess").presses("l").sees("execution 1", "reading")
        )
        await person.presses("escape").sees("trace penguins.csv").presses("escape").sees("trace model.npz")
        await person.presses("escape").sees("files").does_not_see("trace model.npz")
