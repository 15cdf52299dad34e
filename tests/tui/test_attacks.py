"""What a hostile pair of eyes found: each of these ended the console, or had a key do what nobody meant."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from textual.events import Key
from textual.keys import _character_to_key

from tests.tui.story import story
from tui.commands import suggestions
from tui.failures import explained
from tui.lanes import Lane, Lanes

if TYPE_CHECKING:
    import pytest

    from core.shoal import Shoal
    from tests.enacted import Enacted
    from tests.tui.story import Person


def at_once(person: Person, text: str) -> None:
    """Send keys as a slow line delivers them: all at once."""
    for character in text:
        key = {"\r": "enter"}.get(character) or _character_to_key(character)
        person.console.post_message(Key(key, character))


async def test_a_space_before_an_address_suggests_places(finished: Enacted) -> None:
    assert suggestions(" exec")
    async with story(finished.session) as person:
        await person.presses(":").types("  files").presses("enter").sees("model.npz")


async def test_a_key_is_about_the_cursor_where_the_marked_rows_are_not_shown(finished: Enacted) -> None:
    async with story(finished.session, project=finished.project) as person:
        await person.on_row("evaluate").presses("space", "/").types("preprocess").presses("enter").sees("1 of 3")
        await person.presses("X").sees("the marked rows are not among these")
        await person.presses("d").sees("execution 1", "preprocess")


async def test_keys_that_come_with_an_address_are_for_the_place_that_it_opens(finished: Enacted) -> None:
    meant, other = (finished.start(finished.create("train", title=title)) for title in ("meant", "other"))
    async with story(finished.session, project=finished.project) as person:
        await person.on_row("other")
        at_once(person, f":execution {meant.counter}\rXy")
        await person.sees("is stopping")
    assert finished.session.executions.by_id(meant.id).status == "stopping"
    assert finished.session.executions.by_id(other.id).status == "started"


async def test_keys_that_come_before_a_list_is_there_are_for_its_rows(
    finished: Enacted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.key_order.PATIENCE", 60)  # however busy this machine is
    async with story(finished.session, project=finished.project) as person:
        at_once(person, ":files\r   ")
        await person.sees("3 marked")


async def test_a_row_that_changed_out_of_sight_is_as_it_is_when_it_comes_into_sight(finished: Enacted) -> None:
    execution = finished.start(finished.create("evaluate", title="far"))
    for number in range(30):
        finished.create("train", title=f"number {number}")
    async with story(finished.session, project=finished.project, size=(120, 24)) as person:
        await person.presses("end").sees("preprocess").presses("home").does_not_see("(far)")
        finished.ends(execution)
        await person.presses("end").sees("preprocess", "✓ complete  evaluate (far)")


async def test_nothing_is_lost_where_changes_come_faster_than_they_are_read(finished: Enacted) -> None:
    async with story(finished.session, project=finished.project, size=(120, 24)) as person:
        titles = [f"number {number}" for number in range(8)]
        for title in titles:
            finished.create("train", title=title)
            await person.console._watcher.look()
        await person.sees(*titles, "11")


async def test_an_execution_without_metadata_lets_the_console_rest(finished: Enacted) -> None:
    execution = finished.create("train")
    async with story(finished.session, project=finished.project) as person:
        await person.goes(f"execution {execution.counter} metadata").sees("No metadata yet")
        await person.rests()


async def test_a_call_that_is_dropped_before_it_began_is_not_counted_as_under_way(shoal: Shoal) -> None:
    import asyncio
    import threading

    lanes = Lanes(shoal.session().database)
    go_on = threading.Event()
    first = asyncio.create_task(lanes.run(Lane.READ, go_on.wait))
    second = asyncio.create_task(lanes.run(Lane.READ, go_on.wait))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    go_on.set()
    await first
    lanes.close()
    assert lanes.busy == 0


def test_a_locked_database_is_told_in_words() -> None:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    assert "in use by another process" in explained(error)


async def test_columns_that_are_no_names_are_those_of_somebody_new(finished: Enacted) -> None:
    finished.session.preferences.put({"executions.columns": [1, None, {"a": 1}]})
    async with story(finished.session, project=finished.project) as person:
        await person.sees("STATUS", "evaluate")
