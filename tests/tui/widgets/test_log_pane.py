"""The log as a pane of an execution, in the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.executions.logs import record
from tests.executions.written_log import BEGAN, WrittenLog
from tests.tui.story import story

if TYPE_CHECKING:
    from pathlib import Path

    from core.session import Session

ADDRESS = "execution 1 logs project=p"


@pytest.fixture
def log(session: Session, tmp_path: Path) -> WrittenLog:
    return WrittenLog(session, tmp_path / "code")


async def test_it_says_why_nothing_is_there_and_shows_what_comes(log: WrittenLog, session: Session) -> None:
    async with story(session, address=ADDRESS) as person:
        await person.sees("not started yet — the scheduler has not looked at it yet", "0 lines")
        log.print(b"first line")
        await person.sees("first line", "following", "1 line")


async def test_searching_by_keys(log: WrittenLog, session: Session) -> None:
    log.print(*(b"found here" if n in (10, 20, 300) else b"line %d" % n for n in range(400)))
    async with story(session, address=ADDRESS) as person:
        await person.sees("line 399").presses("g").sees("line 0").presses("/").types("found")
        await person.sees("“found” 1 of 3").presses("enter", "n").sees("“found” 2 of 3").presses("N").sees("1 of 3")
        await person.presses("/").presses("escape").does_not_see("“found”").presses("f").sees("line 399", "following")


async def test_how_somebody_likes_it_is_kept(log: WrittenLog, session: Session) -> None:
    log.print(b"x" * 200)
    async with story(session, address=ADDRESS) as person:
        await person.presses("w").sees("wrapped").presses("T").sees("16:00:00.000")
        await person.goes(ADDRESS).sees("wrapped", "16:00:00.000")


async def test_the_log_is_saved_beside_where_the_console_was_opened(
    log: WrittenLog, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    log.print(b"one", b"two")
    async with story(session, address=ADDRESS) as person:
        await person.presses("S").sees("The log is in")
    assert (tmp_path / "train-1.log").read_bytes() == b"one\ntwo\n"


async def test_what_is_in_sight_is_copied_or_the_line_that_was_found(
    log: WrittenLog, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write(record("stdout", BEGAN, text) for text in (b"\x1b[31mone\x1b[0m", b"two [/]", "宽".encode() * 100))
    async with story(session, address=ADDRESS) as person:
        copied: list[str] = []
        monkeypatch.setattr(person.console, "copy", copied.append)
        await person.sees("two [/]").presses("c").presses("/").types("two").presses("enter").sees("1 of 1").presses("c")
    assert copied == [f"one\ntwo [/]\n{'宽' * 100}", "two [/]"]


async def test_a_log_that_is_gone_is_said_to_be(log: WrittenLog, session: Session) -> None:
    log.print(b"one")
    log.path.unlink()
    async with story(session, address=ADDRESS) as person:
        await person.sees("the file of this log is gone")
