"""Amounts of what is copied, at the top of the screen."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from core.progress import amounts
from tui.transfer import Transfer


@pytest.mark.parametrize(
    ("done", "total", "seconds", "text"),
    [
        (412_000_000, 900_000_000, 32.0, "412.0 of 900.0 MB, 38 s left"),
        (900_000, 1_800_000_000, 5.0, "900.0 kB of 1.8 GB"),
        (500, 1000, 6.0, "500 B of 1.0 kB, 6 s left"),
        (500, 1000, 0.5, "500 B of 1.0 kB"),
        (1000, 1000, 9.0, "1.0 of 1.0 kB"),
        (1_000_000_000, 3_000_000_000, 100.0, "1.0 of 3.0 GB, 3 min 20 s left"),
        (0, 0, 9.0, "0 of 0 B"),
    ],
)
def test_amounts_and_the_time_that_is_left(done: int, total: int, seconds: float, text: str) -> None:
    assert amounts(done, total, seconds) == text


async def test_it_is_shown_four_times_a_second_at_most_and_nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("tui.transfer.time.monotonic", lambda: now)
    drawn: list[str] = []
    screen: Any = SimpleNamespace(progress="", is_attached=True)
    screen.crumbs = SimpleNamespace(look_again=lambda: drawn.append(screen.progress))
    with Transfer(screen, "2 of 5") as told:
        for done in range(100):
            told("uploading x", done * 10_000, 1_000_000)
            now += 0.02
            await asyncio.sleep(0)
    assert 6 <= len(drawn) - 1 <= 8
    assert drawn[0] == "2 of 5 · 130.0 kB of 1.0 MB"
    assert drawn[-1] == screen.progress == ""
    told("uploading x", 1, 2)
    now += 1
    told("uploading x", 2, 2)
    await asyncio.sleep(0)
    assert screen.progress == ""


async def test_what_is_over_in_a_moment_is_not_spoken_of() -> None:
    drawn: list[str] = []
    screen: Any = SimpleNamespace(progress="", is_attached=True)
    screen.crumbs = SimpleNamespace(look_again=lambda: drawn.append(screen.progress))
    with Transfer(screen) as told:
        told("uploading x", 1, 1)
    await asyncio.sleep(0)
    assert drawn == []
