"""The first steps, as far as they need no Docker."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.tui.story import story

if TYPE_CHECKING:
    from pathlib import Path

    from core.session import Session


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "my-model"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


async def test_a_directory_without_a_manifest_gets_one_and_a_project(session: Session, directory: Path) -> None:
    async with story(session, address="start") as person:
        await person.sees("Welcome to Shoal", "the demo").on_row("this directory").presses("enter")
        await person.sees("my-model", "hello")
    assert (directory / "valohai.yaml").exists()
    assert session.projects.linked(directory).name == "my-model"


async def test_a_manifest_that_is_there_comes_first_and_stays_as_it_is(session: Session, directory: Path) -> None:
    text = "- step: {name: my-step, image: busybox, command: 'true'}\n"
    (directory / "valohai.yaml").write_text(text)
    async with story(session, address="start") as person:
        await person.sees("this project").does_not_see("this directory")
        await person.on_row("this project").presses("enter").sees("my-step")
    assert (directory / "valohai.yaml").read_text() == text


async def test_a_read_only_console_begins_nothing(session: Session, directory: Path) -> None:
    async with story(session, address="start", read_only=True) as person:
        await person.on_row("the demo").presses("enter").sees("this console is read-only")
    assert os.listdir(directory) == []  # noqa: PTH208 - what it holds is all that is asked
    assert session.projects.list() == []
