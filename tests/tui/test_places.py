"""Places: how they are called, and how one comes back to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.errors import InvalidInputError, NotFoundError, UnavailableError
from core.feed import changes_since
from core.resources.address import address
from tests.tui.story import story
from tui.places import menu_names, parsed, place, places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.session import Session
    from data.changes import Change
    from tests.enacted import Enacted


def test_an_address_is_read_as_it_was_written() -> None:
    name, words, arguments = parsed(address("files", "a b", "it's", tag="x y", execution="1"))
    assert (name, words, arguments) == ("files", ["a b", "it's"], {"tag": "x y", "execution": "1"})


@pytest.mark.parametrize("text", ["", "   ", "files 'open"])
def test_what_is_no_address_is_said(text: str) -> None:
    with pytest.raises(InvalidInputError):
        parsed(text)


def test_places_are_found_by_name_and_alias_and_the_most_similar_is_offered() -> None:
    assert place("executions").name == place("ps").name == "executions"
    with pytest.raises(NotFoundError, match="executions"):
        place("exectuions")
    assert set(menu_names()) <= {each.name for each in places()}


async def test_a_place_that_is_open_is_gone_back_to(finished: Enacted) -> None:
    async with story(finished.session, project=finished.project) as person:
        await person.goes("files").goes("activity").goes("about").sees("executions › files › activity › about")
        await person.goes("files").sees("executions › files").does_not_see("activity")
        await person.presses("escape").sees("evaluate")


async def test_the_order_of_a_list_is_kept_between_visits(finished: Enacted) -> None:
    async with story(finished.session, project=finished.project) as person:
        await person.presses("s").sees("Sort by").presses("3").sees("STEP▲", "executions sort=step")
    async with story(finished.session, project=finished.project) as person:
        await person.sees("STEP▲").presses("s", "3").sees("STEP▼", "sort=-step")


async def test_a_warning_goes_with_the_key_after_it_was_read(
    finished: Enacted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.app.READ_AFTER", 0.0)
    async with story(finished.session, project=finished.project) as person:
        await person.presses("X").sees("has ended already").presses("down").does_not_see("has ended already")


async def test_a_change_that_could_not_be_read_is_seen_though_nothing_moves_any_more(
    finished: Enacted, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [UnavailableError("the disk does not answer")]

    def changes_after_a_failure(session: Session, seq: int) -> Sequence[Change] | None:
        if failures:
            raise failures.pop()
        return changes_since(session, seq)

    async with story(finished.session, project=finished.project) as person:
        monkeypatch.setattr("tui.watcher.changes_since", changes_after_a_failure)
        finished.create("train", title="late")
        await person.sees("train (late)")
    assert not failures


async def test_a_status_that_is_none_is_said_where_one_came_from(finished: Enacted) -> None:
    async with story(finished.session, project=finished.project) as person:
        await person.goes("executions status=bogus").sees("no status 'bogus'", "evaluate", "3")
