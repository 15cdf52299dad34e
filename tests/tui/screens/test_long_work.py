"""What takes long, and what must not be lost while more and more happens."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from core.demo import STEPS
from core.resources.files import FILES
from data.changes import Change
from tests.tui.story import story
from tui.screens.lineage import LineageScreen
from tui.screens.start import Start
from tui.screens.trace import TraceScreen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from core.demo import DemoStep
    from core.executions.execution import Execution
    from core.lineage_node import LineageNode
    from core.progress import Progress
    from core.storage.files import File
    from tests.enacted import Enacted
    from tests.tui.story import Person

PATIENCE = 30


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def slow_upload(monkeypatch: pytest.MonkeyPatch, gate: threading.Event) -> Iterator[None]:
    """Hold uploads at 412 of 900 MB until the gate opens."""
    assert FILES.form is not None
    form = FILES.form
    monkeypatch.setattr("tui.transfer.TELL_EVERY", 0)

    def add(session: Any, project: Any, answers: Any, progress: Progress) -> File:
        progress("uploading", 412_000_000, 900_000_000)
        assert gate.wait(PATIENCE)
        return form.added(session, project, answers, lambda *_: None)

    object.__setattr__(FILES, "form", replace(form, add_slowly=add))
    yield
    object.__setattr__(FILES, "form", form)


@pytest.mark.usefixtures("slow_upload")
async def test_an_upload_shows_how_far_it_is(finished: Enacted, tmp_path: Path, gate: threading.Event) -> None:
    (tmp_path / "large.bin").write_text("large")
    async with story(finished.session, project=finished.project, address="files") as person:
        await person.goes("add file").sees("[ Add ]").types(str(tmp_path / "large.bin")).presses("f2")
        await person.waits_for("412.0 of 900.0 MB")
        gate.set()
        await person.sees("large.bin was added").does_not_see("900.0 MB", "[ Add ]")


@pytest.mark.usefixtures("slow_upload")
async def test_an_upload_goes_on_when_its_form_is_left(
    finished: Enacted, tmp_path: Path, gate: threading.Event
) -> None:
    (tmp_path / "large.bin").write_text("large")
    async with story(finished.session, project=finished.project, address="files") as person:
        await person.goes("add file").sees("[ Add ]").types(str(tmp_path / "large.bin")).presses("f2")
        await person.waits_for("412.0 of 900.0 MB")
        person.console.back()
        gate.set()
        await person.sees("large.bin was added", "NAME").does_not_see("[ Add ]")
    assert finished.session.files.get(finished.project, "large.bin").size == 5


async def test_many_downloads_are_told_once(finished: Enacted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told: list[str] = []
    async with story(finished.session, project=finished.project, address="execution 1 outputs") as person:
        monkeypatch.setattr(person.console, "tell", told.append)
        await person.sees("train.npz", "test.npz").presses("home", "space", "space", "D")
        await person.rests()
        assert told == ["Download: 2 done"]
        assert (tmp_path / "train.npz").exists()
        assert (tmp_path / "test.npz").exists()


async def test_outputs_that_are_too_many_are_said_to_be_more(
    finished: Enacted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.widgets.outputs_pane.MOST", 1)
    async with story(finished.session, project=finished.project, address="execution 1 outputs") as person:
        await person.sees("these are 1: `files execution=1` lists all", ".npz")
        assert person.screen.count(".npz") == 1
        await person.goes("files execution=1").sees("train.npz", "test.npz")
    monkeypatch.setattr("tui.widgets.outputs_pane.MOST", 2)
    async with story(finished.session, project=finished.project, address="execution 1 outputs") as person:
        await person.sees("train.npz", "test.npz").does_not_see("these are")


async def test_the_address_of_code_can_be_typed(finished: Enacted) -> None:
    async with story(finished.session, project=finished.project, address="execution 2") as person:
        await person.on_row("ad-hoc code").presses("enter").on_row("valohai.yaml").presses("enter")
        place = person.console.shown_screen
        assert place is not None
        await person.goes("executions").sees("preprocess").goes(place.address).sees("name: preprocess")


# The first steps.


class FakeDemo:
    """Starts executions of the penguins, each only when its gate is open."""

    def __init__(self, enacted: Enacted) -> None:
        self.project = enacted.project
        self._enacted = enacted
        self.started: list[Execution] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, *_: object) -> FakeDemo:
        return self

    def set_up(self, report: Callable[[str], None]) -> None:
        report("laid out")

    def start(self, step: DemoStep) -> Execution:
        self.started.append(self._enacted.create(step.name))
        assert self.gate.wait(PATIENCE)
        return self.started[-1]


async def test_the_demo_goes_on_whatever_happens_while_its_next_step_is_started(
    finished: Enacted, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    demo = FakeDemo(finished)
    monkeypatch.setattr("core.demo.Demo", demo)
    monkeypatch.setattr("tui.scheduler_watch._ensure", lambda _: False)
    monkeypatch.chdir(tmp_path)
    something = Change(0, 0.0, 1, "execution", 1, "title", None)
    async with story(finished.session, address="start") as person:
        await person.on_row("the demo").presses("enter").sees("preprocess")
        screen = person.console.shown_screen
        assert isinstance(screen, Start)
        demo.gate.clear()
        finished.ends(finished.start(demo.started[0]))
        await _begun(person, demo, 2)
        for _ in range(5):
            screen.on_changes([something])
            await person._pilot.pause()
        demo.gate.set()
        await person.sees("train")
        finished.ends(finished.start(demo.started[1]))
        await _begun(person, demo, 3)
        await person.sees("evaluate")
        finished.ends(finished.start(demo.started[2]))
        await person.sees("its trace")
    assert len(demo.started) == len(STEPS)


async def _begun(person: Person, demo: FakeDemo, number: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while len(demo.started) < number:
        assert time.monotonic() < deadline
        await person._pilot.pause()


# Traces.


async def test_an_execution_whose_reading_was_given_up_is_drawn_all_the_same(
    finished: Enacted, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with story(finished.session, project=finished.project, address="trace train.npz") as person:
        screen = person.console.shown_screen
        assert isinstance(screen, LineageScreen)
        await person.rests()
        read: list[int] = []
        update = screen._tree.update

        def noted(nodes: Mapping[int, LineageNode]) -> None:
            read.extend(nodes)
            update(nodes)

        monkeypatch.setattr(screen._tree, "update", noted)
        rows = screen._tree.rows
        assert rows is not None
        one, other, *_ = sorted(rows.executions)
        for id_ in (one, other):
            screen.on_changes([Change(0, 0.0, 1, "execution", id_, "title", None)])
        await person.rests()
        assert {one, other} <= set(read)
        assert not screen._changed


async def test_a_trace_is_read_again_once_for_many_changes(finished: Enacted, monkeypatch: pytest.MonkeyPatch) -> None:
    async with story(finished.session, project=finished.project, address="trace 1") as person:
        screen = person.console.shown_screen
        assert isinstance(screen, TraceScreen)
        await person.rests()
        looks: list[object] = []

        async def look_again(before: object) -> None:
            looks.append(before)
            await screen.read(int)

        monkeypatch.setattr(screen, "_look_again", look_again)
        now = 1000.0
        monkeypatch.setattr("tui.screens.trace.time", _Clock(lambda: now))
        for _ in range(10):
            screen.on_changes([Change(0, 0.0, 1, "file", 1, "created", None)])
            await person._pilot.pause()
        assert len(looks) == 1
        await person.rests()
        screen.on_tick(0)
        assert len(looks) == 1
        now += 2
        screen.on_tick(0)
        await person.rests()
        assert len(looks) == 2
        now += 2
        screen.on_tick(0)
        await person.rests()
        assert len(looks) == 2


class _Clock:
    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.monotonic = monotonic
