"""Starting an execution in a form."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from textual import events

from core.projects.manifest import read_manifest
from core.projects.specification import specify
from tests.tui.story import story

if TYPE_CHECKING:
    from pathlib import Path

    from core.executions.execution import Execution
    from core.session import Session

MANIFEST = """\
- step:
    name: train
    image: busybox
    description: Learn from [/] the data
    command: train {parameters}
    parameters:
      - {name: epochs, type: integer, default: 4, min: 1, max: 9, description: How often}
      - {name: rate, type: float, default: 0.5}
      - {name: kind, type: string, default: tanh, choices: [tanh, relu]}
      - {name: verbose, type: flag, default: false}
      - {name: layers, type: integer, multiple: repeat, default: [1, 2]}
    inputs:
      - {name: data, optional: true}
- step:
    name: test
    image: busybox
    command: test {parameters}
    parameters:
      - {name: word}
"""


@pytest.fixture
def directory(tmp_path: Path, session: Session, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a valohai.yaml that is linked to a project, in which the console is opened."""
    directory = tmp_path / "penguins"
    directory.mkdir()
    (directory / "valohai.yaml").write_text(MANIFEST)
    session.projects.link(directory, session.projects.create("penguins"))
    monkeypatch.chdir(directory)
    return directory


def _commit_all(directory: Path) -> None:
    git = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "First")):
        subprocess.run([*git, *arguments], cwd=directory, check=True)


def _move(directory: Path, to: Path) -> None:
    directory.rename(to)


def latest(session: Session) -> Execution:
    return session.executions.get(session.projects.get("penguins"), "latest")


async def test_an_execution_is_started_with_what_was_typed(session: Session, directory: Path) -> None:  # noqa: ARG001
    async with story(session) as person:
        await person.goes("new train").sees("epochs", "Learn from [/] the data")
        await person.presses("tab", "backspace", "7").presses("tab", "tab", "right").presses("tab", "space")
        await person.presses("f2").sees("execution 1 ")
    execution = latest(session)
    assert execution.parameters == {"epochs": 7, "rate": 0.5, "kind": "relu", "verbose": True, "layers": [1, 2]}
    assert execution.command == ["train --epochs=7 --rate=0.5 --kind=relu --verbose --layers=1 --layers=2"]
    assert execution.adhoc


async def test_the_command_is_shown_as_it_will_run(session: Session, directory: Path) -> None:  # noqa: ARG001
    async with story(session, size=(160, 40)) as person:
        await person.goes("new train").sees("--epochs=4").presses("tab", "backspace", "7").sees("--epochs=7")
    async with story(session, size=(80, 24)) as person:
        await person.goes("new train").does_not_see("--epochs=4").presses("f4").sees("--epochs=4")
        await person.presses("escape").sees("epochs").does_not_see("--epochs=4")


async def test_a_wrong_value_is_shown_at_its_field_and_nothing_is_started(
    session: Session,
    directory: Path,  # noqa: ARG001
) -> None:
    async with story(session) as person:
        await person.goes("new train").presses("tab", "1").sees("✗ parameter 'epochs'", "at most 9")
        await person.presses("f2").sees("✗ parameter 'epochs'")
        await person.presses("backspace", "backspace", "x").sees("x is not an integer")
    assert session.executions.list(session.projects.get("penguins")).rows == []


async def test_what_is_needed_is_asked_for(session: Session, directory: Path) -> None:  # noqa: ARG001
    async with story(session) as person:
        await person.goes("new test").sees("word").presses("f2").sees("word is needed")
        await person.types("now").presses("f2").sees("execution 1 ")
    assert latest(session).parameters == {"word": "now"}


async def test_another_step_asks_other_things(session: Session, directory: Path) -> None:  # noqa: ARG001
    async with story(session) as person:
        await person.goes("new").sees("epochs").presses("right").sees("word").does_not_see("epochs")


async def test_an_error_in_the_file_is_shown_with_its_line_and_gone_when_it_is_mended(
    session: Session, directory: Path
) -> None:
    (directory / "valohai.yaml").write_text("- step:\n    name: train\n    image: busybox\n")
    async with story(session) as person:
        await person.goes("new").sees("valohai.yaml: 1 error", "line 1:", "command")
        await person.presses("f2").sees("nothing can run until it is mended")
        (directory / "valohai.yaml").write_text(MANIFEST)
        await person.presses("f5").sees("epochs")


async def test_a_warning_is_shown_and_does_not_keep_anybody(session: Session, directory: Path) -> None:
    (directory / "valohai.yaml").write_text(MANIFEST + "- nonsense: {}\n")
    async with story(session) as person:
        await person.goes("new train").sees("1 warning", "line 20").presses("f2").sees("execution 1 ")


async def test_files_are_picked_for_an_input(session: Session, directory: Path) -> None:
    project = session.projects.get("penguins")
    for name in ("one.csv", "two [/] \u202e変数.csv", "three.csv"):
        (directory / "x").write_text(name)
        session.files.upload(project, directory / "x", name=name)
    async with story(session) as person:
        await person.goes("new train").presses("f3").sees("files are taken for an input")
        await person.presses(*["tab"] * 6, "f3").sees("files for data", "three.csv", "two [/]")
        await person.presses("space", "space", "enter")
        await person.sees("taken: three.csv, two [/]").presses("f2").sees("execution 1 ")
    paths = [file.path for file in session.executions.inputs(latest(session))]
    assert len(paths) == 2
    assert paths[0] == "three.csv"


async def test_an_input_is_typed_as_an_alias_or_a_file_here(session: Session, directory: Path) -> None:
    project = session.projects.get("penguins")
    (directory / "one.csv").write_text("1")
    session.files.set_alias(project, "best", session.files.upload(project, directory / "one.csv"))
    (directory / "two.csv").write_text("2")
    async with story(session) as person:
        await person.goes("new train").presses(*["tab"] * 6).types("best").presses("enter").types("two.csv")
        await person.presses("f2").sees("execution 1 ")
    assert [file.path for file in session.executions.inputs(latest(session))] == ["one.csv", "two.csv"]


async def test_an_input_that_is_not_there_is_said_at_its_field(session: Session, directory: Path) -> None:  # noqa: ARG001
    async with story(session) as person:
        await person.goes("new train").presses(*["tab"] * 6).types("nothing").presses("f2")
        await person.sees("'nothing' is no file here").presses("ctrl+u").types("datum://gone").presses("f2")
        await person.sees("✗ no file of project", "datum://gone")
    assert session.executions.list(session.projects.get("penguins")).rows == []


async def test_labels_and_limits_are_given(session: Session, directory: Path) -> None:  # noqa: ARG001
    async with story(session) as person:
        await person.goes("new test").presses("tab").types("now").presses("tab", "tab")
        await (
            person.types("A title")
            .presses("tab")
            .types("a, b")
            .presses("tab")
            .types("15m")
            .presses("tab", "tab", "tab", "tab")
        )
        await person.types("NAME=v=1").presses("f2").sees("execution 1 ")
    execution = latest(session)
    assert (execution.title, execution.tags, execution.time_limit) == ("A title", ("a", "b"), 900.0)
    assert execution.environment_variables == {"NAME": "v=1"}


async def test_a_paste_of_a_megabyte_neither_freezes_nor_starts_anything(session: Session, directory: Path) -> None:  # noqa: ARG001
    async with story(session) as person:
        await person.goes("new test").presses("tab")
        assert person.console.focused is not None
        person.console.focused.post_message(events.Paste("x\n" * 500_000))
        await person.sees("characters were taken").presses("f2").sees("execution 1 ")
    assert len(latest(session).parameters["word"]) <= 8192


async def test_a_commit_runs_as_it_is(session: Session, directory: Path) -> None:
    _commit_all(directory)
    async with story(session) as person:
        await person.goes("new train").sees("a commit of the repository", "HEAD").presses("f2").sees("execution 1 ")
    assert not latest(session).adhoc
    (directory / "valohai.yaml").write_text(MANIFEST.replace("epochs", "rounds"))
    async with story(session) as person:
        await person.goes("new train").sees("1 changed file", "rounds").does_not_see("epochs")
        await person.presses("up", "right").sees("epochs", "HEAD").does_not_see("rounds")
        await person.presses("down", "end").types("x").sees("'HEADx'", "commit first")


async def test_an_execution_is_run_again_with_other_values(session: Session, directory: Path) -> None:
    project = session.projects.get("penguins")
    commit = session.projects.commit_working_tree(project, directory)
    given = specify(
        read_manifest(commit.yaml), "train", parameters={"epochs": 9, "layers": [5]}, environment_variables={"A": "1"}
    )
    original = session.executions.create(project, commit, given, title="First", tags=["t"])
    (directory / "valohai.yaml").write_text("broken")
    async with story(session) as person:
        await person.goes(f"new copy={original.id}").sees("the code of #1", "9")
        await person.presses("tab", "tab", "ctrl+u").types("0.25").presses("f2").sees("execution 2 ")
    copy = latest(session)
    assert copy.parameters == original.parameters | {"rate": 0.25}
    assert (copy.copied_from, copy.title, copy.tags, copy.commit_id) == (original.id, "First", ("t",), commit.id)
    assert copy.environment_variables == {"A": "1"}


async def test_a_project_without_a_directory_offers_its_commits(
    session: Session, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = session.projects.get("penguins")
    session.projects.commit_working_tree(project, directory)
    monkeypatch.chdir(tmp_path)
    _move(directory, tmp_path / "elsewhere")
    async with story(session) as person:
        await person.goes("new train").sees("ad hoc from penguins").presses("f2").sees("execution 1 ")


async def test_without_a_project_it_says_what_to_do(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with story(session) as person:
        await person.goes("new").sees("There is no project yet").presses("f2").sees("there is no project to run")


async def test_hostile_names_are_shown_as_they_are(session: Session, directory: Path) -> None:
    name = "[/] [red] 変数 " + "n" * 500
    (directory / "valohai.yaml").write_text(
        f"- step:\n    name: '{name}'\n    image: busybox\n    command: echo {{parameters}}\n"
        f"    parameters:\n      - {{name: '{name}', default: '{name}', description: \"\\e[31m{name}\"}}\n"
    )
    async with story(session, size=(160, 40)) as person:
        await person.goes("new").sees("[/] [red] 変数").presses("tab", "x", "f2").sees("execution 1 ")
    assert latest(session).step == name


async def test_a_read_only_console_starts_nothing(session: Session, directory: Path) -> None:  # noqa: ARG001
    async with story(session, read_only=True) as person:
        await person.goes("new train").sees("epochs").presses("f2").sees("this console is read-only")
