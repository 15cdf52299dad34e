"""Activity as a live log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data.changes import record
from tests.tui.story import story

if TYPE_CHECKING:
    from core.session import Session
    from tests.enacted import Enacted


def _happens(session: Session, *names: str) -> None:
    with session.database.transaction() as connection:
        for name in names:
            record(connection, session.actor.id, "file", 1, name)


async def test_it_follows_while_the_cursor_is_on_the_first_row(finished: Enacted) -> None:
    async with story(finished.session, address="activity") as person:
        await person.sees("▸")
        _happens(finished.session, *(f"event {number}" for number in range(60)))
        await person.sees("event 59")
        assert "event 59" in await person.reads_line("▸")
        await person.presses("down").sees("event 58")
        assert "event 58" in await person.reads_line("▸")
        _happens(finished.session, "event 60")
        await person.sees("event 60")
        assert "event 58" in await person.reads_line("▸")  # who reads an entry is not taken from it
        await person.presses("home")
        _happens(finished.session, "event 61")
        await person.sees("event 61")
        assert "event 61" in await person.reads_line("▸")


async def test_it_is_filtered_by_who_what_and_when_while_it_goes_on(finished: Enacted) -> None:
    async with story(finished.session, address="activity actor=shoal kind=file since=1h") as person:
        await person.sees("output model.npz").does_not_see("uploaded")
        _happens(finished.session, "somebody was here")
        with finished.session.database.transaction() as connection:
            record(connection, 0, "file", 1, "output new.bin")
        await person.sees("output new.bin").does_not_see("somebody was here")
        await person.presses("/").types("model").presses("enter").sees("output model.npz").does_not_see("new.bin")
