"""The language that the journeys are told in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tui.story import story

if TYPE_CHECKING:
    from tests.enacted import Enacted


async def test_a_person_looks_around(finished: Enacted) -> None:
    async with story(finished.session, project=finished.project) as person:
        await person.sees("3 complete", "evaluate", "preprocess").on_row("train").presses("enter").sees("execution 2")
        await person.presses("escape").sees("preprocess").does_not_see("execution 2")
        assert "complete" in await person.reads_line("train")


async def test_what_is_not_there_is_said_with_the_screen(finished: Enacted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.tui.story.PATIENCE", 0.5)
    async with story(finished.session, project=finished.project) as person:
        with pytest.raises(AssertionError, match=r"(?s)'penguins of the moon' should be seen.*3 complete"):
            await person.sees("penguins of the moon")
        with pytest.raises(AssertionError, match="no row holds 'walrus'"):
            await person.on_row("walrus")
