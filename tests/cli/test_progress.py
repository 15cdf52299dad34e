"""The bar of what takes long, where several things follow each other."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from cli.progress import progress_told

if TYPE_CHECKING:
    import pytest


def test_each_thing_has_a_bar_of_its_own_and_none_stays(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stderr, "fileno", lambda: 2, raising=False)
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((100, 24)))
    monkeypatch.setattr("cli.progress._INTERVAL", 0)
    with progress_told() as progress:
        progress("uploading one", 50, 100)
        progress("uploading one", 100, 100)
        progress("uploading two", 1, 2)
    shown = capsys.readouterr().err
    first, second = shown.index("uploading one"), shown.index("uploading two")
    assert "50 B of 100 B" in shown[first:second]
    assert "1 B of 2 B" in shown[second:]
    assert shown.endswith("\r\x1b[K")
    assert "\r\x1b[K" in shown[first:second].removesuffix("\r")


def test_nothing_is_drawn_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_told() as progress:
        progress("uploading one", 1, 2)
    assert capsys.readouterr().err == ""
