"""The view of a log: where it opens, when it follows, what it draws, and what it reads for that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from textual.app import App
from textual.screen import Screen

from core.executions import log_blocks, log_reader
from tests.executions.written_log import BEGAN, WrittenLog
from tui.widgets import log_status, log_view
from tui.widgets.log_status import LogStatus
from tui.widgets.log_view import LogView

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path
    from typing import BinaryIO

    from textual.app import ComposeResult
    from textual.geometry import Region
    from textual.pilot import Pilot

    from core.session import Session


class LogScreen(Screen[None]):
    """What a view needs of its screen; calls wait where a test holds them back."""

    def __init__(self, view: LogView) -> None:
        super().__init__()
        self.view = view
        self.status = LogStatus(view)
        self.free = asyncio.Event()
        self.free.set()
        self.calls: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.view
        yield self.status

    async def read(self, call: Callable[..., Any], *arguments: Any) -> Any:
        self.calls.append(getattr(call, "__name__", ""))
        result = call(*arguments)
        await self.free.wait()
        return result

    def work(self, coroutine: Coroutine[Any, Any, None], *, group: str) -> None:
        self.run_worker(coroutine, group=group, exclusive=True)

    def on_log_view_moved(self) -> None:
        self.status.look_again()


class LogApp(App[None]):
    def __init__(self, view: LogView) -> None:
        super().__init__()
        self.log_screen = LogScreen(view)

    def on_mount(self) -> None:
        self.push_screen(self.log_screen)


class Reader:
    """Somebody who reads a log in a terminal of 60 by 11: ten rows, and the status."""

    def __init__(self, pilot: Pilot[None], log: WrittenLog, view: LogView, screen: LogScreen) -> None:
        self.pilot, self.log, self.view, self.screen = pilot, log, view, screen
        self.drawn: list[Region] = []

    async def rests(self) -> None:
        calm = 0
        while calm < 2:
            await self.pilot.pause()
            calm = calm + 1 if self.view.is_idle else 0
            await asyncio.sleep(0)

    async def presses(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.rests()

    async def looks(self) -> None:
        self.view.look()
        await self.rests()

    async def searches(self, text: str) -> None:
        self.view.search(text)
        await self.rests()

    @property
    def rows(self) -> list[str]:
        return [self.view.render_line(y).text.rstrip() for y in range(self.view.size.height)]

    @property
    def texts(self) -> list[str]:
        return [row[2:].rstrip("┃ ") for row in self.rows]

    @property
    def status(self) -> str:
        return self.screen.status.line(100).plain.strip()


@pytest.fixture
def log(session: Session, tmp_path: Path) -> WrittenLog:
    return WrittenLog(session, tmp_path / "code")


@pytest.fixture
async def person(log: WrittenLog, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Reader]:
    # Parts end by their size and pictures are drawn when all is read: nothing depends on how busy the machine is.
    monkeypatch.setattr(log_reader, "PART_TAKES", 1e9)
    monkeypatch.setattr(log_view, "REPAINT_EVERY", 1e9)
    monkeypatch.setattr(log_status, "LAG", 1e12)
    view = LogView(log.reader, began=BEGAN)
    view.empty_text = lambda: "nothing here"
    app = LogApp(view)
    async with app.run_test(size=(60, 11), notifications=True) as pilot:
        reader = Reader(pilot, log, view, app.log_screen)
        original = view.refresh

        def refresh(*regions: Region, **given: Any) -> LogView:
            reader.drawn += regions
            return original(*regions, **given)

        view.refresh = refresh  # type: ignore[method-assign]
        view.focus()
        await reader.rests()
        yield reader


def numbers(first: int, last: int) -> list[str]:
    return [f"line {n}" for n in range(first, last)]


async def test_a_long_log_opens_at_the_end_and_little_is_read(
    person: Reader, log: WrittenLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.print_many(200_000)
    read: list[int] = []
    original = log_blocks._read

    def counted(file: BinaryIO, offset: int, size: int) -> bytes:
        read.append(size)
        return original(file, offset, size)

    monkeypatch.setattr(log_blocks, "_read", counted)
    await person.looks()
    assert person.texts == numbers(199_990, 200_000)
    assert person.status == "▶ following · 200,000 lines"
    assert sum(read) <= 2 * log_blocks.BLOCK
    read.clear()
    await person.presses("g")
    assert person.texts == numbers(0, 10)
    await person.presses("pagedown", "j")
    assert person.texts == numbers(10, 20)
    assert sum(read) <= 4 * log_blocks.BLOCK


async def test_it_follows_until_somebody_scrolls_up(person: Reader, log: WrittenLog) -> None:
    log.print(*(b"line %d" % n for n in range(20)))
    await person.looks()
    log.print(b"line 20")
    await person.looks()
    assert person.texts == numbers(11, 21)
    await person.presses("up")
    assert person.texts == numbers(10, 20)
    log.print(*(b"line %d" % n for n in range(21, 1300)))
    await person.looks()
    assert person.texts == numbers(10, 20), "what is read stays where it is"
    assert person.status.startswith("‖ paused · 1,279 new lines below · f follows")
    await person.presses("f")
    assert person.texts == numbers(1290, 1300)
    assert person.status == "▶ following · 1,300 lines"
    await person.presses("pageup", "end")
    assert person.status == "▶ following · 1,300 lines"


async def test_one_goes_through_the_whole_log_by_keys(
    person: Reader, log: WrittenLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.widgets.log_window.MOST", 100)
    log.print(*(b"line %d" % n for n in range(400)))
    await person.looks()
    for _ in range(25):
        person.view.action_scroll_pages(-1)  # faster than what is above is read
    await person.rests()
    while person.texts[0] != "line 0":
        person.view.action_scroll_pages(-1)
        await person.rests()
    assert person.texts == numbers(0, 10)
    seen = set(person.texts)
    while person.texts[-1] != "line 399":
        person.view.action_scroll_pages(1)
        await person.rests()
        seen |= set(person.texts)
    assert seen == set(numbers(0, 400))


async def test_a_log_that_grows_faster_than_it_is_read_is_skipped_to_its_end(
    person: Reader, log: WrittenLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.widgets.log_reading.SKIPS", 1000)
    log.print(b"first")
    await person.looks()
    person.screen.calls.clear()
    log.print_many(5000)
    await person.looks()
    assert person.texts == numbers(4990, 5000)
    assert len(person.screen.calls) <= 2


async def test_one_look_at_a_time_and_none_without_a_commit(person: Reader, log: WrittenLog) -> None:
    log.print(b"one")
    await person.looks()
    person.screen.free.clear()
    person.screen.calls.clear()
    for _ in range(5):
        person.view.look()
        await person.pilot.pause()
    assert person.screen.calls == ["state"]
    person.screen.free.set()
    await person.rests()
    assert person.screen.calls == ["state", "state"], "one more look, for all that were asked for meanwhile"


async def test_only_lines_that_became_others_are_drawn(person: Reader, log: WrittenLog) -> None:
    log.print(*(b"line %d" % n for n in range(4)))
    await person.looks()
    person.drawn.clear()
    await person.looks()
    assert person.drawn == []
    log.print(b"line 4")
    await person.looks()
    assert [(region.y, region.height) for region in person.drawn] == [(4, 1)]


async def test_what_comes_too_late_is_dropped(person: Reader, log: WrittenLog) -> None:
    log.print_many(2000)
    await person.looks()
    person.screen.free.clear()
    await person.pilot.press("g")
    await person.pilot.press("o", "o")
    person.screen.free.set()
    await person.rests()
    assert person.view.streams == ("stderr",)
    assert person.texts[:3] == ["line 0", "line 100", "line 200"]
    assert len(set(person.texts)) == 10


async def test_a_stream_alone(person: Reader, log: WrittenLog) -> None:
    log.print_many(1000)
    log.print(b"complete: exit code 0", stream="status")
    await person.looks()
    assert person.rows[-1].rstrip("┃ ") == "» complete: exit code 0"
    await person.presses("o", "o")
    assert [row.rstrip("┃ ") for row in person.rows] == [f"! line {n * 100}" for n in range(10)]
    assert "stderr only" in person.status
    log.print(b"more", stream="stderr")
    log.print(b"else")
    await person.looks()
    assert person.texts[-1] == "more"
    await person.presses("o", "o")
    assert person.texts[-1] == "else"


async def test_a_rare_stream_of_a_long_log_is_looked_for_in_parts(person: Reader, log: WrittenLog) -> None:
    log.print(b"the first of all", stream="status")
    log.print_many(200_000)
    await person.looks()
    person.screen.calls.clear()
    await person.presses("o", "o", "o")
    assert person.texts[0] == "the first of all"
    assert len(person.screen.calls) >= 3
    person.screen.calls.clear()
    await person.looks()
    assert person.screen.calls == ["state"], "what was looked through is not looked through again"


async def test_coming_back_to_all_streams_one_stands_where_one_stood(person: Reader, log: WrittenLog) -> None:
    log.print(b"the first of all", stream="status")
    log.print(*(b"line %d" % n for n in range(1000)))
    await person.looks()
    await person.presses("pageup", "pageup")
    before = person.texts
    await person.presses("o", "o", "o", "o")
    assert person.texts == before


async def test_a_search_goes_on_while_the_log_grows(person: Reader, log: WrittenLog) -> None:
    log.print(*(b"an error" if n % 100 == 50 else b"line %d" % n for n in range(100_000)))
    await person.looks()
    await person.presses("g")
    await person.searches("ERROR")
    assert "an error" in person.texts
    assert "“ERROR” 1 of 1,000" in person.status
    await person.presses("n", "n", "N")
    assert "“ERROR” 2 of 1,000" in person.status
    log.print(b"another error")
    await person.looks()
    assert "“ERROR” 2 of 1,001" in person.status
    await person.presses("end")
    assert person.texts[-1] == "another error"
    await person.presses("N")
    assert "1,001 of 1,001" in person.status
    await person.searches("")
    assert "“" not in person.status


async def test_a_search_for_what_is_not_there_says_so_and_moves_nothing(person: Reader, log: WrittenLog) -> None:
    log.print_many(50)
    await person.looks()
    before = person.rows
    await person.searches("zebra")
    assert person.rows == before
    assert "“zebra” not found" in person.status
    await person.presses("n", "N")
    assert person.rows == before


async def test_long_lines_are_cut_scrolled_sideways_and_wrapped(person: Reader, log: WrittenLog) -> None:
    long = "".join(f"{n:04}" for n in range(50))
    log.print(b"short", long.encode(), "宽".encode() * 60)
    await person.looks()
    assert person.rows[1] == f"  {long[:55]} ›"
    assert person.rows[2].rstrip() == f"  {'宽' * 27}  ›"
    await person.presses("right")
    assert person.texts[:2] == ["", f"{long[8:63]} ›"]
    log.print(b"0123456789")
    await person.looks()
    assert person.texts[3] == "89", "following keeps the column"
    await person.presses("left", "left", "w")
    assert person.texts[1:5] == [long[:57], long[57:114], long[114:171], long[171:]]
    assert person.texts[5:8] == ["宽" * 28, "宽" * 28, "宽" * 4]
    assert "wrapped" in person.status


async def test_of_a_line_of_many_megabytes_is_said_how_much_there_is_more(person: Reader, log: WrittenLog) -> None:
    for letter in b"abc":
        log.print(bytes([letter]) * 1024 * 1024, partial=letter != ord("c"))
    await person.looks()
    assert [text[-16:] for text in person.texts[:3]] == ["… 1.0 MB more ↓ ›"[-16:]] * 2 + [" … 1.0 MB more ›"]
    await person.presses("w", "g")
    assert set(person.texts) == {"a" * 57}


async def test_nothing_of_a_hostile_line_reaches_the_terminal(person: Reader, log: WrittenLog) -> None:
    hostile = [
        b"\x1b[2J\x1b[H\x1b]0;title\x07\x1b]52;c;ZXZpbA==\x1b\\cleared",
        b"[/] [red]x[/red] [@click=app.quit]y",
        "\u202eright to left\u2066\u200b".encode(),
        bytes(range(256)),
        "👨\u200d👩\u200d👧 e\u0301 \ufe0f".encode(),
        b"\x9b31m \x90 \x7f",
        b"x\ry\rz",
    ]
    log.print(*hostile)
    await person.looks()
    for y in range(10):
        strip = person.view.render_line(y)
        text = strip.text
        assert text.isprintable(), repr(text)
        assert strip.cell_length == 60, repr(text)
        assert not set(text) & set("\u202e\u2066\u200b\u200d\ufe0f\x1b")
    assert person.texts[0] == "cleared"
    assert person.texts[1] == "[/] [red]x[/red] [@click=app.quit]y"
    assert person.texts[6] == "z"
    await person.searches("[/]")
    assert "1 of 1" in person.status


async def test_times_are_the_clock_s_or_since_the_start(person: Reader, log: WrittenLog) -> None:
    log.print(b"one", b"two")
    await person.looks()
    await person.presses("T")
    assert [row[:18] for row in person.rows[:2]] == ["16:00:00.000   one", "16:00:01.000   two"]
    await person.presses("T")
    assert [row.split() for row in person.rows[:2]] == [["0.000", "one"], ["1.000", "two"]]
    await person.presses("T")
    assert person.texts[:2] == ["one", "two"]


async def test_it_says_how_far_it_is_behind_while_the_log_grows(
    person: Reader, log: WrittenLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.print(b"one")
    await person.looks()
    monkeypatch.setattr(log_status, "LAG", 5)
    monkeypatch.setattr("tui.widgets.log_status.time.time", lambda: BEGAN + 13)
    assert "behind" not in person.status
    log.print(b"two")
    await person.looks()
    assert person.status.startswith("▶ following · 12 s behind")


async def test_an_empty_log_says_why_until_something_comes(person: Reader, log: WrittenLog) -> None:
    assert person.texts[0] == "nothing here"
    log.print(b"something")
    await person.looks()
    assert person.texts[:2] == ["something", ""]


async def test_a_log_that_became_shorter_is_read_anew(person: Reader, log: WrittenLog) -> None:
    log.print_many(100)
    await person.looks()
    log.size = log.lines = 0
    log.print(b"again")
    await person.looks()
    assert person.texts[:2] == ["again", ""]


async def test_resizing_keeps_the_place(person: Reader, log: WrittenLog) -> None:
    log.print_many(1000)
    await person.looks()
    await person.presses("g", "pagedown", "pagedown")
    first = person.texts[0]
    for size in ((20, 5), (120, 40), (60, 11)):
        await person.pilot.resize_terminal(*size)
        await person.rests()
        assert person.texts[0] == first
        assert len(person.texts) == size[1] - 1
        assert all(person.texts)
