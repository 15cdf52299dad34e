"""A console that is read-only: whatever key is pressed on whatever place, nothing changes."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from core.resources.registry import names, resource
from tests.tui.story import story
from tui.places import menu_names

if TYPE_CHECKING:
    from pathlib import Path

    from core.home import Home
    from tests.enacted import Enacted

_LEAVE_ALONE = {
    "escape",
    "ctrl+c",
    "ctrl+z",
    "ctrl+q",
    "ctrl+p",
    "colon",
    "question_mark",
    "f1",
    "m",
    "tab",
    "shift+tab",
}
"""Keys that lead elsewhere, or away from the console."""
PLACES = [
    *menu_names(),
    "execution 2 details",
    "execution 2 logs",
    "execution 2 metadata",
    "execution 2 outputs",
    "trace model.npz",
    "describe environment local",
    "environment local queue",
    "environment local machines",
    "start",
]


MOVES = ("move", "page", "edge", "first", "last", "sideways", "pane", "next_pane", "fold")


def _moves(action: str) -> bool:
    return action.partition("(")[0] in {
        "move",
        "page",
        "edge",
        "first",
        "last",
        "sideways",
        "pane",
        "next_pane",
        "fold",
    }


def _state(home: Home) -> list[str]:
    """Return all that the database holds."""
    import sqlite3

    with closing(sqlite3.connect(home.database)) as connection:
        return [*connection.iterdump()]


@pytest.mark.parametrize("place", PLACES)
async def test_no_key_changes_anything(
    place: str, finished: Enacted, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    waiting = finished.create("train")
    before = _state(home)
    async with story(finished.session, project=finished.project, address=place, read_only=True) as person:
        live = person.console.screen.active_bindings.items()
        for key in [key for key, active in live if key not in _LEAVE_ALONE and not _moves(active.binding.action)]:
            await person.presses(key, "y", "enter")
            while len(person.console.screen_stack) > 2:
                depth = len(person.console.screen_stack)
                await person.presses("escape")
                if len(person.console.screen_stack) == depth:
                    await person.presses("y", "escape")
    assert _state(home) == before
    assert finished.session.executions.by_id(waiting.id).status == "created"


def test_every_resource_has_a_place_that_is_tried() -> None:
    assert {resource(name).name for name in names()} <= set(PLACES)
