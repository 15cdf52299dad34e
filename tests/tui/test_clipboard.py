"""A text is brought to the clipboard by the way that there is, and which one it was is said."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from tests.tui.story import Person, story
from tui.clipboard import LONGEST

if TYPE_CHECKING:
    from pathlib import Path

    from core.session import Session

ENCODED = base64.b64encode(b"one\ntwo [/]\n").decode()


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No tmux and no screen round the tests."""
    for name in ("TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def sent(person: Person, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list that what is written to the terminal from now on comes into."""
    written: list[str] = []
    monkeypatch.setattr(person.console._driver, "write", written.append)
    return written


async def test_osc_52_is_sent_and_said(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    async with story(session, size=(120, 30)) as person:
        written = sent(person, monkeypatch)
        person.console.copy("one\ntwo [/]\n")
        await person.sees("Copied 2 lines by OSC 52")
        assert f"\x1b]52;c;{ENCODED}\x07" in "".join(written)


async def test_a_short_text_is_named(session: Session) -> None:
    async with story(session, size=(120, 30)) as person:
        person.console.copy("12\n")
        await person.sees('Copied "12" by OSC 52')
        person.console.copy("[/]\x1b[31m")
        await person.sees('Copied "[/]')
        person.console.copy("x" * 31)
        await person.sees("Copied 31 characters")


async def test_tmux_is_given_the_text(session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tmux").write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\ncat > {tmp_path}/got\n')
    (tmp_path / "tmux").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("TMUX", "/tmp/tmux-0/default,1,0")
    async with story(session, size=(120, 30)) as person:
        written = sent(person, monkeypatch)
        person.console.copy("exécution 12")
        await person.sees("to tmux")
        assert not any("]52" in text for text in written)
    assert (tmp_path / "got").read_text() == "exécution 12"
    assert (tmp_path / "asked").read_text() == "load-buffer -w -\n"


async def test_where_tmux_fails_the_terminal_is_asked(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TMUX", "gone")
    async with story(session, size=(120, 30)) as person:
        person.console.copy("text")
        await person.sees("by OSC 52")


async def test_screen_passes_it_on_in_parts(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STY", "1.pts-0.host")
    async with story(session, size=(120, 30)) as person:
        written = sent(person, monkeypatch)
        person.console.copy("x" * 3000)
        await person.sees("through screen")
        sequence = next(text for text in written if text.startswith("\x1bP"))
        parts = sequence.removeprefix("\x1bP").removesuffix("\x1b\\").split("\x1b\\\x1bP")
        assert len(parts) > 1
        assert all(len(part) < 768 for part in parts)
        inner = "".join(parts)
        assert base64.b64decode(inner.removeprefix("\x1b]52;c;").removesuffix("\x07")) == b"x" * 3000


@pytest.mark.parametrize(("term", "text"), [("linux", "to be [/] selected"), ("xterm", "selected\n" + "x" * LONGEST)])
async def test_where_no_way_is_left_the_text_is_shown(
    session: Session, monkeypatch: pytest.MonkeyPatch, term: str, text: str
) -> None:
    monkeypatch.setenv("TERM", term)
    async with story(session) as person:
        person.console.copy(text)
        await person.sees("select it with shift", text[:8]).presses("escape").does_not_see("select it with")


async def test_nothing_is_said_to_be_copied_where_there_is_nothing(session: Session) -> None:
    async with story(session) as person:
        person.console.copy("")
        await person.sees("nothing to copy")
