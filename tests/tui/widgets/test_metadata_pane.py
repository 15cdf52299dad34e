"""The metadata of an execution as a person sees it: a table of keys, and a plot that follows."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from textual.app import App
from textual.screen import Screen

from core.executions.metadata import MetadataWriter
from tui.lanes import Lane, Lanes
from tui.view import View
from tui.widgets.metadata_keys import defaults, direction
from tui.widgets.metadata_pane import KeyTable, MetadataPane
from tui.widgets.plot import Plot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable

    from textual.app import ComposeResult
    from textual.pilot import Pilot

    from core.executions.execution import Execution
    from core.session import Session
    from tests.enacted import Enacted


class Place(Screen[None]):
    """A screen with the pane alone, which does its work as the console's do."""

    def __init__(self, session: Session, pane: MetadataPane) -> None:
        super().__init__()
        self.session = session
        self._pane = pane
        self.reads: list[str] = []
        self.working = 0

    def compose(self) -> ComposeResult:
        yield self._pane

    @property
    def console(self) -> Shown:
        assert isinstance(self.app, Shown)
        return self.app

    def details_changed(self) -> None:
        pass

    async def read(self, call: Callable[..., Any], *arguments: object) -> Any:
        self.reads.append(call.__name__)
        return await self.console.lanes.run(Lane.READ, call, *arguments)

    def work(self, coroutine: Coroutine[Any, Any, None], *, group: str = "default") -> None:
        self.run_worker(self._counted(coroutine), group=group, exclusive=True)

    async def _counted(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self.working += 1
        try:
            await coroutine
        finally:
            self.working -= 1


class Shown(App[None]):
    """A console that has nothing but the pane."""

    def __init__(self, session: Session, pane: MetadataPane, view: View) -> None:
        super().__init__()
        self.lanes = Lanes(session.database)
        self.view = view
        self.place = Place(session, pane)
        self.pane = pane

    async def on_mount(self) -> None:
        await self.push_screen(self.place)
        self.pane.on_shown()

    def on_unmount(self) -> None:
        self.lanes.close()

    @property
    def text(self) -> str:
        strips = self.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips)


async def rest(pilot: Pilot[None]) -> None:
    app = pilot.app
    assert isinstance(app, Shown)
    for _ in range(3):
        await pilot.pause()
        while app.place.working or app.lanes.busy:
            await asyncio.sleep(0)
            await pilot.pause()


@asynccontextmanager
async def shown(
    session: Session, *executions: Execution, size: tuple[int, int] = (80, 24), view: View | None = None
) -> AsyncIterator[tuple[Shown, Pilot[None]]]:
    app = Shown(session, MetadataPane(executions[0], executions[1:]), view or View())
    async with app.run_test(size=size, notifications=True) as pilot:
        await rest(pilot)
        yield app, pilot


def prints(enacted: Enacted, execution: Execution, lines: Iterable[tuple[int, float, dict[str, Any]]]) -> None:
    with enacted.session.database.transaction() as connection:
        MetadataWriter(execution.id, execution.project_id).write(connection, lines)


@pytest.fixture
def running(enacted: Enacted) -> Execution:
    return enacted.start(enacted.create("train"))


def epochs(count: int, first: int = 1) -> list[tuple[int, float, dict[str, Any]]]:
    numbers = range(first, first + count)
    return [(n, 1000.0 + n, {"epoch": n, "loss": 1 / n, "accuracy": 1 - 1 / n, "note": "warm"}) for n in numbers]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 10), (300, 100)])
async def test_losses_are_plotted_over_epochs_at_first(
    enacted: Enacted, running: Execution, size: tuple[int, int]
) -> None:
    prints(enacted, running, epochs(20))
    async with shown(enacted.session, running, size=size) as (app, _):
        assert "● loss 0.05" in app.text
        if size[1] >= 24:
            assert "epoch" in app.text.splitlines()[-2]
            assert "text" in next(line for line in app.text.splitlines() if "note" in line)


async def test_an_execution_without_metadata_says_how_it_comes_about(enacted: Enacted, running: Execution) -> None:
    async with shown(enacted.session, running) as (app, pilot):
        assert "No metadata yet" in app.text
        assert '{"epoch": 1, "accuracy": 0.9}' in app.text
        prints(enacted, running, epochs(3))
        app.pane.on_commit()
        app.pane.on_tick(0)
        await rest(pilot)
        assert "● loss" in app.text


async def test_marks_choose_what_is_plotted_and_are_kept(enacted: Enacted, running: Execution) -> None:
    prints(enacted, running, epochs(20))
    view = View()
    async with shown(enacted.session, running, view=view) as (app, pilot):
        await pilot.press("home", "enter")
        await rest(pilot)
        assert "● accuracy 0.95" in app.text
        assert view.get("metadata.keys", []) == ["accuracy"]
        await pilot.press("L")
        assert "log y" in app.text
    async with shown(enacted.session, running, view=view) as (app, _):
        assert "● accuracy 0.95" in app.text
        assert "log y" in app.text


async def test_a_text_is_not_plotted_and_says_why(enacted: Enacted, running: Execution) -> None:
    prints(enacted, running, epochs(20))
    async with shown(enacted.session, running) as (app, pilot):
        await pilot.press("end", "enter")
        await rest(pilot)
        assert "note is text, which no plot shows" in app.text


async def test_the_cursor_reads_values(enacted: Enacted, running: Execution) -> None:
    prints(enacted, running, epochs(20))
    async with shown(enacted.session, enacted.ends(running)) as (app, pilot):
        await pilot.press("left")
        assert "epoch 20   ● loss 0.05" in app.text
        await pilot.press("backspace", "z", "right")
        assert "epoch 1   ● loss 1" in app.text


async def test_others_are_drawn_with_it(enacted: Enacted, running: Execution) -> None:
    other = enacted.start(enacted.create("train"))
    prints(enacted, running, epochs(20))
    prints(enacted, other, epochs(10))
    async with shown(enacted.session, running, other, size=(120, 30)) as (app, _):
        assert f"● #{running.counter} loss 0.05" in app.text
        assert f"▲ #{other.counter} loss 0.1" in app.text
        assert f"#{other.counter}" in app.text.splitlines()[0]


async def test_what_comes_in_is_followed_by_reading_only_what_is_new(
    enacted: Enacted, running: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    prints(enacted, running, epochs(50))
    read: list[int] = []
    part = type(enacted.session.executions).metadata_part

    def counted(self: Any, execution: Execution, key: str, after: int = -1) -> Any:
        found = part(self, execution, key, after)
        read.append(len(found.values))
        return found

    monkeypatch.setattr(type(enacted.session.executions), "metadata_part", counted)
    async with shown(enacted.session, running) as (app, pilot):
        read.clear()
        app.pane.on_commit()
        app.pane.on_tick(0)
        await rest(pilot)
        assert read == []
        prints(enacted, running, epochs(1, 51))
        app.pane.on_commit()
        app.pane.on_tick(0)
        await rest(pilot)
        assert sum(read) == 5, "one point of each key, and the x of the curve's"
        assert "loss 0.019608" in app.text


async def test_a_hidden_pane_reads_nothing(enacted: Enacted, running: Execution) -> None:
    prints(enacted, running, epochs(5))
    async with shown(enacted.session, running) as (app, pilot):
        app.pane.on_hidden()
        app.place.reads.clear()
        app.pane.on_commit()
        app.pane.on_tick(0)
        await rest(pilot)
        assert app.place.reads == []


async def test_hostile_names_do_no_harm(enacted: Enacted, running: Execution) -> None:
    names = ["[/]", "[red]x", "\x1b[2J\x1b]0;gone\x07", "k" * 250, "\u6f22\u5b57" * 50, "\u202eloss", "\n\r\t", ""]
    prints(enacted, running, [(n, 0.0, dict.fromkeys(names, n)) for n in range(1, 9)])
    async with shown(enacted.session, running) as (app, pilot):
        for _ in names:
            await pilot.press("space")
        await rest(pilot)
        assert "\x1b" not in app.text
        plot = app.pane.query_one(Plot)
        assert {plot.render_line(y).cell_length for y in range(plot.size.height)} == {plot.size.width}


async def test_ten_thousand_keys_are_read_only_where_one_looks(enacted: Enacted, running: Execution) -> None:
    prints(enacted, running, [(n, 0.0, {f"layer{n}/{k}": k for k in range(1000)}) for n in range(10)])
    async with shown(enacted.session, running) as (app, pilot):
        assert len(app.pane.query_one(KeyTable).model.ids) == 10_000
        assert app.place.reads.count("read_statistics") < 100
        await pilot.press("slash", *"layer7/999")
        await pilot.pause(0.2)
        await pilot.press("enter")
        await rest(pilot)
        assert [*app.pane.query_one(KeyTable).model.ids] != []
        assert "layer7/999" in app.text


def test_defaults_are_of_one_kind() -> None:
    names = dict(enumerate(["epoch", "accuracy", "lr", "loss", "validation_loss"]))
    assert defaults(names, lambda _: True, 3) == [3, 4]
    assert defaults(names, lambda key: key < 3, 3) == [1]
    assert defaults({1: "step", 2: "speed"}, lambda _: True, 3) == [2]
    assert defaults({}, lambda _: True, 3) == []
    assert [direction(name) for name in ("loss", "val_accuracy", "lr")] == [-1, 1, None]
