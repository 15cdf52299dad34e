"""Counting what is sent to the terminal."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver

from tui.wire import Wire, counted

if TYPE_CHECKING:
    import pytest


def test_bytes_are_counted_not_characters() -> None:
    counting = Wire()
    counting.count("abc")
    counting.count("模\ud800")
    assert counting.bytes == 3 + 3 + 1


def test_the_rate_forgets_what_was_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("tui.wire.time.monotonic", lambda: now)
    counting = Wire()
    for _ in range(50):
        counting.count("x" * 10)
        now += 0.1
    assert counting.rate() == 50
    now += 7.0
    assert 0 < counting.rate() < 50
    now += 10.0
    assert counting.rate() == 0
    assert counting.bytes == 500


async def test_a_driver_tells_what_it_writes() -> None:
    counting = Wire()
    driver = counted(HeadlessDriver, counting)(App(), size=(80, 24))
    await asyncio.sleep(0)
    driver.write("\x1b[2J")
    assert counting.bytes == 4
