"""Machines in a few characters, and numbers as bars: every shape is seen, however many there are."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from core.environments.loads import Load, loads
from core.resources.environment_gauge import bar, shares
from tui.widgets.sparkline import sparkline

if TYPE_CHECKING:
    from core.session import Session


@pytest.fixture
def load(session: Session) -> Load:
    """An environment of at most ten machines."""
    session.environments.create("ten", maximum_scale="10")
    return next(each for each in loads(session) if each.environment.slug == "ten")


def test_each_machine_has_a_sign_where_there_is_room(load: Load) -> None:
    busy = dataclasses.replace(load, busy=3, idle=2, starting=1, cordoned=1)
    assert bar(busy, 10) == "███▄▄▁x···"
    assert [(share.number, share.word) for share in shares(busy)][-1] == (3, "more possible")


@pytest.mark.parametrize("numbers", [(990, 1, 1, 1), (1, 990, 1, 1), (300, 300, 300, 1), (0, 1, 998, 0)])
def test_many_machines_have_their_share_and_none_is_left_out(load: Load, numbers: tuple[int, int, int, int]) -> None:
    busy, idle, starting, cordoned = numbers
    shown = bar(dataclasses.replace(load, busy=busy, idle=idle, starting=starting, cordoned=cordoned), 10)
    assert len(shown) == 10
    assert [sign in shown for sign in "█▄▁x"] == [number > 0 for number in numbers]


def test_one_that_is_off_has_no_room(load: Load) -> None:
    off = dataclasses.replace(load, environment=dataclasses.replace(load.environment, enabled=False))
    assert bar(off, 10) == ""


def test_a_sparkline_shows_what_is_more_than_nothing_and_what_is_not_known() -> None:
    assert sparkline([0, 1, 1000, None, 500]) == "▁▂█ ▅"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([1, 2], most=8) == "▂▃"
    assert sparkline([]) == ""
