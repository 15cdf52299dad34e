from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from rich.cells import cell_len
from textual.app import App
from textual.events import MouseScrollDown

from core.resources.resource import Column, Tone
from core.text import cells
from tui.widgets.cell_text import cell_text
from tui.widgets.live_table import LiveTable
from tui.widgets.table_layout import lay_out
from tui.widgets.table_model import TableModel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.app import ComposeResult
    from textual.geometry import Region
    from textual.pilot import Pilot
    from textual.strip import Strip

HOSTILE = [
    "日本語の名前の長い長い長い長い長い",
    "👩\u200d👩\u200d👧 family 👍🏽 ❤\ufe0f 🇩🇪",
    "[red]x[/] [/]",
    "e" + "\u0301" * 300,
    "abc\u202egnp.exe",
    "x" * 500,
    "tab\there\nand there",
    "हिन्दी नाम",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "\u0301leading",
    "ｗｉｄｅ" * 100,
    "",
    "\ud800",
    "\u1160\u11ff\u4dc0\u0600",
]


@dataclass
class Thing:
    id: int
    state: str = "running"
    name: str = "train"


COLUMNS: list[Column[Thing]] = [
    Column(key="id", title="#", text=lambda thing, _now: str(thing.id), right=True, width=7),
    Column(key="state", title="State", text=lambda thing, _now: thing.state, width=10, tone=lambda _thing: Tone.GOOD),
    Column(key="name", title="Name", text=lambda thing, _now: thing.name, width=20, flexible=True),
    Column(key="age", title="Age", text=lambda _thing, now: f"{int(now)} s", width=8, time=True),
    Column(key="more", title="More", text=lambda _thing, _now: "more", width=12, needs=100),
]


class Counted(LiveTable[Thing]):
    """A table that tells which lines it was asked to draw again."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.regions: list[Region] = []
        super().__init__(*arguments, **options)

    def refresh(self, *regions: Region, **options: Any) -> Counted:
        self.regions.extend(regions or [self.size.region])
        super().refresh(*regions, **options)
        return self

    def drawn(self) -> list[int]:
        """Return the lines since the last call."""
        lines = sorted(y for region in self.regions for y in region.line_range)
        self.regions.clear()
        return lines

    def texts(self) -> list[str]:
        return [self.render_line(y).text for y in range(self.size.height)]


@dataclass
class Heard:
    needed: list[list[int]] = field(default_factory=list)
    opened: list[int] = field(default_factory=list)
    highlighted: list[int] = field(default_factory=list)
    marks: int = 0


class Bench(App[None]):
    CSS = "Screen { layers: base; }"

    def __init__(self, ids: Iterable[int], *, answer: bool = True, columns: list[Column[Thing]] | None = None) -> None:
        super().__init__()
        self.model: TableModel[Thing] = TableModel()
        self.model.set_ids(ids)
        self.table = Counted(columns or COLUMNS, self.model)
        self.heard = Heard()
        self.answer = answer
        self.things: dict[int, Thing] = {}

    def compose(self) -> ComposeResult:
        yield self.table

    def thing(self, key: int) -> Thing:
        return self.things.setdefault(key, Thing(key))

    def on_live_table_needed(self, message: LiveTable.Needed) -> None:
        self.heard.needed.append(list(message.ids))
        if self.answer:
            self.model.put({key: self.thing(key) for key in message.ids})
            self.table.refresh_rows(message.ids)

    def on_live_table_opened(self, message: LiveTable.Opened) -> None:
        self.heard.opened.append(message.id)

    def on_live_table_highlighted(self, message: LiveTable.Highlighted) -> None:
        self.heard.highlighted.append(message.id)

    def on_live_table_marks_changed(self) -> None:
        self.heard.marks += 1


def shown_ids(table: Counted) -> list[int]:
    return list(table.visible_ids())


def cursor_line(table: Counted) -> int:
    [y] = [y for y, text in enumerate(table.texts()) if text.startswith("▸")]
    return y


async def started(pilot: Pilot[None], app: Bench) -> Counted:
    await pilot.pause()
    app.table.drawn()
    return app.table


async def test_the_cursor_starts_on_the_first_row_and_redraws_two_lines_when_it_goes_down() -> None:
    app = Bench(range(100_000, 0, -1))
    async with app.run_test(size=(80, 24)) as pilot:
        table = await started(pilot, app)
        assert table.cursor_id == 100_000
        assert table.has_focus
        await pilot.press("down")
        assert table.cursor_id == 99_999
        assert table.drawn() == [1, 2]
        await pilot.press("j", "k", "k")
        assert table.cursor_id == 100_000
        assert app.heard.highlighted == [100_000, 99_999, 99_998, 99_999, 100_000]


async def test_ends_and_pages() -> None:
    app = Bench(range(1000, 0, -1))
    async with app.run_test(size=(80, 24)) as pilot:
        table = await started(pilot, app)
        await pilot.press("end")
        assert table.cursor_id == 1
        assert shown_ids(table) == list(range(23, 0, -1))
        assert cursor_line(table) == 23
        await pilot.press("g")
        assert (table.cursor_id, shown_ids(table)[0]) == (1000, 1000)
        await pilot.press("down", "down", "pagedown")
        assert table.cursor_id == 1000 - 2 - 22
        assert cursor_line(table) == 3
        await pilot.press("pageup")
        assert table.cursor_id == 998
        await pilot.press("G", "up")
        assert table.cursor_id == 2


async def test_what_has_not_changed_is_not_drawn() -> None:
    app = Bench(range(500, 0, -1))
    async with app.run_test(size=(80, 24)) as pilot:
        table = await started(pilot, app)
        table.refresh_rows(range(1, 501))
        table.reordered()
        assert table.drawn() == []
        app.thing(498).state = app.thing(3).state = "done"
        table.refresh_rows([498, 497, 3])
        assert table.drawn() == [3]
        await pilot.pause()
        assert "done" in table.texts()[3]


async def test_the_clock_redraws_only_texts_that_move() -> None:
    app = Bench(range(3, 0, -1))
    async with app.run_test(size=(80, 24)) as pilot:
        table = await started(pilot, app)
        table.tick(5.0)
        assert table.drawn() == [1, 2, 3]
        await pilot.pause()
        table.tick(5.5)
        assert table.drawn() == []
        table.columns = COLUMNS[:3]
        await pilot.pause()
        table.drawn()
        table.tick(9.0)
        assert table.drawn() == []


async def test_rows_that_come_above_leave_the_cursor_and_the_picture_where_they_are() -> None:
    app = Bench(range(1000, 0, -1))
    async with app.run_test(size=(80, 24)) as pilot:
        table = await started(pilot, app)
        await pilot.press("pagedown", "pagedown")
        key, y, ids = table.cursor_id, cursor_line(table), shown_ids(table)
        await pilot.pause()
        table.drawn()
        app.model.insert(0, [1003, 1002, 1001])
        table.reordered()
        assert (table.cursor_id, cursor_line(table), shown_ids(table)) == (key, y, ids)
        assert set(table.drawn()) <= {y for y, text in enumerate(table.texts()) if text[-1] in "█│"}
        assert table.virtual_size.height == 1004


async def test_rows_that_come_at_the_top_are_seen_at_once_and_the_cursor_stays_on_its_row() -> None:
    app = Bench(range(1000, 0, -1))
    async with app.run_test(size=(80, 24)) as pilot:
        table = await started(pilot, app)
        await pilot.press("down")
        app.model.insert(0, [1001])
        table.reordered()
        assert (table.cursor_id, cursor_line(table)) == (999, 3)
        assert shown_ids(table)[0] == 1001
        app.model.insert(0, range(1050, 1001, -1))
        table.reordered()
        assert table.cursor_id == 999
        assert 1 <= cursor_line(table) <= 23


async def test_when_its_row_goes_the_cursor_is_on_the_next_one_at_the_same_place() -> None:
    app = Bench(range(1000, 0, -1))
    async with app.run_test(size=(80, 24)) as pilot:
        table = await started(pilot, app)
        await pilot.press("pagedown", "pagedown", "down")
        key, y = table.cursor_id, cursor_line(table)
        assert key is not None
        app.model.remove([key, key - 1])
        app.model.insert(0, [1001])
        table.reordered()
        assert (table.cursor_id, cursor_line(table)) == (key - 2, y)
        await pilot.press("end")
        app.model.remove([1])
        table.reordered()
        assert table.cursor_id == 2
        app.model.set_ids([])
        table.reordered()
        assert table.selection() == []
        await pilot.press("enter", "space", "down", "pagedown", "v")
        assert app.heard.opened == []
        assert table.selection() == []


async def test_a_row_that_is_not_in_the_list_yet_is_waited_for() -> None:
    app = Bench([5, 4])
    async with app.run_test(size=(80, 24)) as pilot:
        table = await started(pilot, app)
        table.cursor_id = 1
        assert table.cursor_id == 5
        app.model.extend([3, 2, 1])
        table.reordered()
        assert table.cursor_id == 1


async def test_enter_opens_the_row_that_the_cursor_is_on_when_it_is_pressed() -> None:
    app = Bench(range(50, 0, -1))
    async with app.run_test(size=(80, 24)) as pilot:
        table = await started(pilot, app)
        await pilot.press("down", "enter")
        app.model.insert(0, [51])
        table.reordered()
        await pilot.press("enter")
        assert app.heard.opened == [49, 49]


async def test_marks_are_by_id_and_have_a_sign() -> None:
    app = Bench(range(50, 0, -1))
    async with app.run_test(size=(80, 24)) as pilot:
        table = await started(pilot, app)
        assert table.selection() == [50]
        await pilot.press("space", "down", "space")
        assert table.marks == {50, 48}
        assert [text[1] for text in table.texts()[1:5]] == ["●", " ", "●", " "]
        app.model.insert(0, [51])
        table.reordered()
        assert table.selection() == [50, 48]
        await pilot.press("down", "down", "v")
        assert table.selection() == [50, 48, 47, 46, 45]
        await pilot.press("u")
        assert (table.marks, table.selection()) == (set(), [45])
        assert app.heard.marks == 4


async def test_rows_are_asked_for_once_and_again_when_they_are_stale() -> None:
    app = Bench(range(10_000, 0, -1), answer=False)
    async with app.run_test(size=(80, 24)) as pilot:
        table = await started(pilot, app)
        assert len(app.heard.needed) == 1
        [asked] = app.heard.needed
        assert asked[:23] == shown_ids(table)
        assert "…" in table.texts()[1]
        await pilot.press("down")
        table.refresh_rows(asked)
        await pilot.pause()
        assert len(app.heard.needed) == 1
        app.answer = True
        await pilot.press("end", "home")
        assert app.heard.needed[-1][0] == 10_000
        assert all("train" in text for text in table.texts()[1:])
        asked_before = len(app.heard.needed)
        app.answer = False
        app.model.forget([9_999])
        table.refresh_rows([9_999])
        await pilot.pause()
        assert app.heard.needed[asked_before:] == [[9_999]]
        assert "9999" in table.texts()[2]


def _numbered(number: int, _thing: Thing, _now: float) -> str:
    return f"text {number}"


async def test_columns_that_need_room_are_hidden_and_those_that_do_not_fit_are_scrolled_to() -> None:
    wide = [
        Column(key=f"c{number}", title=f"Title {number}", text=partial(_numbered, number), width=20)
        for number in range(6)
    ]
    app = Bench(range(50, 0, -1), columns=[*wide, *COLUMNS])
    async with app.run_test(size=(80, 24)) as pilot:
        table = await started(pilot, app)
        header, first = table.texts()[:2]
        assert ("Title 0" in header, "text 0" in first, header[-1]) == (True, True, "▸")
        assert "More" not in header
        await pilot.press("right")
        header, first = table.texts()[:2]
        assert ("Title 0" in header, "text 1" in first, header[2], first[0]) == (False, True, "◂", "▸")
        assert header.index("Title 1") == first.index("text 1") == 3
        for _ in range(20):
            await pilot.press("right")
        header = table.texts()[0]
        assert ("Age" in header, header[-1]) == (True, " ")
        for _ in range(20):
            await pilot.press("left")
        assert "Title 0" in table.texts()[0]


async def test_the_order_is_shown_in_the_header() -> None:
    app = Bench([1])
    async with app.run_test(size=(80, 24)) as pilot:
        table = await started(pilot, app)
        table.sort = ("state", True)
        assert "State▼" in table.texts()[0]
        assert table.drawn() == [0]
        table.sort = ("id", False)
        assert "#▲" in table.texts()[0]


@pytest.mark.parametrize("width", [80, 120, 30, 7, 1])
async def test_no_text_makes_a_line_wider_than_the_table(width: int) -> None:
    app = Bench(range(len(HOSTILE)))
    app.things = {key: Thing(key, state=name, name=name) for key, name in enumerate(HOSTILE)}
    async with app.run_test(size=(width, 24)) as pilot:
        table = await started(pilot, app)
        for y in range(table.size.height):
            strip: Strip = table.render_line(y)
            assert strip.cell_length == table.size.width == cells(strip.text)
            assert sum(cell_len(segment.text) for segment in strip) == table.size.width
            assert "\x1b" not in strip.text
            assert "\u202e" not in strip.text


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("width", [0, 1, 2, 9, 40])
def test_a_cell_is_as_wide_as_it_is_to_be(text: str, width: int) -> None:
    for right in (False, True):
        assert cell_len(cell_text(text, width, right=right)) == width


async def test_acting_on_a_list_of_100_000_that_changes_meanwhile() -> None:
    chance = random.Random(7)
    app = Bench(range(100_000, 0, -1))
    async with app.run_test(size=(120, 40)) as pilot:
        table = await started(pilot, app)
        table.cursor_id = 50_000
        following = 50_000
        newest = 100_000
        for _ in range(60):
            gone = [key for key in chance.sample(range(1, newest), 5) if key != following]
            app.model.remove(gone)
            newest += 1
            app.model.insert(0, [newest])
            table.reordered()
            assert table.cursor_id == following
            assert following in shown_ids(table)
            before = shown_ids(table)
            await pilot.press("down")
            following = before[before.index(following) + 1] if following != before[-1] else table.cursor_id or 0
            assert table.cursor_id == following
            assert cursor_line(table) == 1 + shown_ids(table).index(following)
        await pilot.press("enter")
        assert app.heard.opened == [following]
        assert [int(text[3:10]) for text in table.texts()[1:]] == shown_ids(table)


async def test_the_wheel_and_clicks() -> None:
    app = Bench(range(100, 0, -1))
    async with app.run_test(size=(80, 24)) as pilot:
        table = await started(pilot, app)
        await pilot.click(table, offset=(5, 4))
        assert table.cursor_id == 97
        await pilot.click(table, offset=(5, 4), times=2)
        assert app.heard.opened == [97]
        await pilot._post_mouse_events([MouseScrollDown], table, button=0)
        assert shown_ids(table)[0] == 97
        await pilot.resize_terminal(60, 10)
        await pilot.pause()
        assert 97 in shown_ids(table)


def test_a_million_ids_take_eight_bytes_each_and_are_found() -> None:
    import tracemalloc

    tracemalloc.start()
    model: TableModel[Thing] = TableModel(kept=100)
    model.set_ids(range(1_000_000, 0, -1))
    model.insert(0, [1_000_002, 1_000_001])
    model.put({key: Thing(key) for key in range(1000)})
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 20_000_000
    assert [model.index_of(key) for key in (1_000_002, 1, 500_000, 7_777_777)] == [0, 1_000_001, 500_002, None]
    assert (model.row(0), model.row(999)) == (None, Thing(999))
    model.remove([1_000_001, 5])
    assert (len(model), model.index_of(1)) == (1_000_000, 999_999)
    model.remove(range(100, 200))
    assert (len(model), model.index_of(150), model.index_of(99)) == (999_900, None, 999_900 - 98)


def test_an_id_is_not_found_between_two_others() -> None:
    model: TableModel[Thing] = TableModel()
    model.set_ids([1 << 8, 2 << 8, 1, -1])
    assert [model.index_of(key) for key in (1, 2, -1, 256)] == [2, None, 3, 0]


def test_columns_share_what_is_left_to_the_last_cell() -> None:
    layout = lay_out(COLUMNS, 79)
    assert [placed.column.key for placed in layout.placed] == ["id", "state", "name", "age"]
    assert layout.width == 79
    last = layout.placed[-1]
    assert last.start + last.width == 79
    assert lay_out(COLUMNS, 20).width > 20


async def test_what_is_selected_with_the_mouse_is_text() -> None:
    app = Bench([12, 11])
    async with app.run_test(size=(80, 24)) as pilot:
        table = await started(pilot, app)
        await pilot.mouse_down(table, offset=(7, 1))
        await pilot.hover(table, offset=(17, 1))
        await pilot.mouse_up(table, offset=(17, 1))
        assert "12 running" in (pilot.app.screen.get_selected_text() or "")
        assert table.render_line(1).cell_length == 80
