"""In which project something new is made, and who may make it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.policy import TABLE
from core.resources.executions import EXECUTIONS
from tests.tui.story import story

if TYPE_CHECKING:
    from pathlib import Path

    from core.session import Session


@pytest.fixture
def upload(tmp_path: Path, session: Session) -> Path:
    """A file that is to be brought in, where there are two projects."""
    session.projects.create("first")
    session.projects.create("second")
    path = tmp_path / "data.csv"
    path.write_text("1,2\n")
    return path


def names(session: Session, project: str) -> list[str]:
    return [file.name for file in session.files.list(session.projects.get(project)).rows]


async def test_a_file_goes_where_the_list_is(session: Session, upload: Path) -> None:
    async with story(session, project=session.projects.get("first")) as person:
        await person.goes("files project=second").sees("No file yet", "Bring one in from this machine (a).")
        await person.presses("a").sees("add file", "second").types(str(upload)).presses("f2").sees("was added")
    assert (names(session, "first"), names(session, "second")) == ([], ["data.csv"])


async def test_a_file_goes_to_the_project_that_is_at_work_here(session: Session, upload: Path) -> None:
    async with story(session, project=session.projects.get("first")) as person:
        await person.goes("files").presses("a").types(str(upload)).presses("f2").sees("was added")
    assert (names(session, "first"), names(session, "second")) == (["data.csv"], [])


async def test_from_the_list_of_all_projects_it_is_asked_which(session: Session, upload: Path) -> None:
    async with story(session, project=session.projects.get("first")) as person:
        await person.goes("files project=*").presses("a").sees("add file", "Project")
        await person.presses("down").types(str(upload)).presses("f2").sees("Project is needed")
        await person.presses("enter").types("sec").presses("enter", "f2").sees("was added")
    assert (names(session, "first"), names(session, "second")) == ([], ["data.csv"])


async def test_an_execution_is_started_where_the_list_is(session: Session, upload: Path) -> None:
    del upload
    async with story(session, project=session.projects.get("first")) as person:
        await person.goes("executions project=second").presses("a").sees("new project=second", "Nothing of 'second'")


async def test_a_project_that_is_not_there_is_said(session: Session, upload: Path) -> None:
    del upload
    async with story(session, project=session.projects.get("first")) as person:
        await person.goes("add file project=third").sees("third")


async def test_who_may_start_nothing_is_told_before(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TABLE, EXECUTIONS.add_permission, frozenset())
    async with story(session) as person:
        await person.presses("a").sees("execution.create is done by Shoal itself")


async def test_signs_reach_the_screen_from_what_is_chosen(session: Session, upload: Path) -> None:
    del upload
    async with story(session, project=session.projects.get("first")) as person:
        await person.goes("add file").presses("up", "?").sees("esc closes").presses("escape").does_not_see("esc closes")
        await person.types("sec").presses("enter").sees("second")
        await person.presses(":").types("projects").presses("enter").sees("DIRECTORY").does_not_see("[ Add ]")
