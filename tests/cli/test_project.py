"""`shoal init`, `lint`, `completion`, and what every command has in common."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import click
import pytest

from cli.main import main, shoal
from core.errors import NewerDatabaseError
from core.json_text import json_text
from data.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from core.executions.execution import Execution
    from core.home import Home
    from core.session import Session
    from tests.cli.conftest import Ran


def test_init_makes_all_that_is_missing_and_repeats(
    run: Callable[[str], Ran], home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    monkeypatch.chdir(fresh)
    assert "shoal init" in run("executions ls").err
    ran = run("init")
    assert "the new project fresh" in ran.out
    assert run("lint").code == 0
    assert run("run hello --adhoc --json").json["step"] == "hello"
    again = run("init")
    assert "linked to project fresh" in again.out
    assert "is new" not in again.out
    assert home.database.exists()


def test_init_links_to_a_project_that_is_there(run: Callable[[str], Ran], linked: Session, directory: Path) -> None:
    (directory / "below").mkdir()
    assert "linked to project penguins" in run("init below").out
    assert "the new project other" in run("init below --project other").out
    assert linked.projects.linked(directory / "below").name == "other"
    assert run("init valohai.yaml").code == 2
    assert run("init --joiner and").code == 0
    assert linked.projects.linked(directory).command_joiner == "and"
    assert run("init --joiner or").code == 2


def test_lint_tells_each_finding_with_its_line(run: Callable[[str], Ran], directory: Path) -> None:
    assert run("lint").code == 0
    (directory / "valohai.yaml").write_text("- step:\n    name: a\n    image: b\n    command: c\n    typo: d\n")
    ran = run("lint")
    assert ran.code == 2
    assert ran.out.startswith("valohai.yaml:")
    assert ": error: " in ran.out
    (found, *_) = run("lint --json").json
    assert found["severity"] == "error"
    assert isinstance(found["line"], int)
    assert run("lint missing.yaml").code == 3
    assert run("lint .").code == 3


def test_a_newer_home_is_refused(run: Callable[[str], Ran], linked: Session, home: Home) -> None:
    with linked.database.transaction() as connection:
        connection.execute("PRAGMA user_version = 999")
    ran = run("executions ls")
    assert (ran.code, "newer Shoal" in ran.err) == (NewerDatabaseError.exit_code, True)
    assert home.database.exists()


def test_a_damaged_database_is_told_in_words(run: Callable[[str], Ran], linked: Session, home: Home) -> None:
    linked.database.close()
    for path in home.root.glob("shoal.db*"):
        path.write_bytes(b"not a database " * 1000)
    ran = run("executions ls")
    assert ran.code == 6
    assert "restore" in ran.err
    assert "Traceback" not in ran.err


def test_an_unexpected_error_is_one_line_and_its_details_are_kept(
    run: Callable[[str], Ran], linked: Session, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No input is known that does this, which is the point.
    def fail(_: Database) -> None:
        message = "a bug\x1b[2J"
        raise RuntimeError(message)

    linked.database.close()
    monkeypatch.setattr(Database, "reader", fail)
    ran = run("executions ls")
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert "\x1b" not in ran.err
    assert "a bug" in (home.root / "errors.log").read_text()
    assert (home.root / "errors.log").stat().st_mode & 0o077 == 0
    monkeypatch.setenv("SHOAL_DEBUG", "1")
    assert "Traceback" in run("executions ls").err


def test_usage_errors_are_json_too(run: Callable[[str], Ran]) -> None:
    error = json.loads(run("executions ls --json --nope").err)
    assert error["error"] == "usage"


def test_the_version(run: Callable[[str], Ran]) -> None:
    assert run("--version").out.startswith("shoal 0.")


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize(("path", "command"), list(commands(shoal)))
def test_every_command_and_option_has_help(path: str, command: click.Command, run: Callable[[str], Ran]) -> None:
    assert command.help
    assert all(option.help for option in command.params if isinstance(option, click.Option))
    assert run(f"{path} --help").code == 0


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("shoal executions show ", "1"),
        ("shoal run ", "train"),
        ("shoal run train --learning", "--learning_rate="),
        ("shoal run train --learning-", "--learning-rate="),
        ("shoal executions ls --status st", "started"),
        ("shoal environments set local --isolation ", "strict"),
        ("shoal run train --environment ", "local"),
        ("shoal environments set ", "local"),
        ("shoal executions ls --project ", "penguins"),
        ("shoal settings set ", "file_roots"),
        ("shoal file", "files"),
    ],
)
def test_tab_offers_what_there_is(
    run: Callable[[str], Ran],
    linked: Session,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: str,
    offered: str,
) -> None:
    assert run("run train --adhoc").code == 0
    for name in [name for name in os.environ if name.startswith(("_SHOAL", "COMP_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("_SHOAL_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    with pytest.raises(SystemExit):
        main([])
    assert f"plain,{offered}" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(run: Callable[[str], Ran], shell: str) -> None:
    assert "_SHOAL_COMPLETE" in run(f"completion {shell}").out


def test_init_creates_nothing_where_it_cannot_write(run: Callable[[str], Ran]) -> None:
    ran = run("init /proc")
    assert (ran.code, "cannot be written" in ran.err) == (6, True)
    assert "projects: none yet" in run("executions ls --project proc").err


@pytest.mark.parametrize(
    "words",
    [
        ["executions", "ls", "--creator", "\udcff"],
        ["files", "upload", "\udcff"],
        ["executions", "ls", "--after", "9" * 30],
    ],
)
def test_what_is_no_text_or_no_number_is_wrong_input(
    linked: Session,  # noqa: ARG001
    words: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(words) == 2
    assert "unexpected happened" not in capsys.readouterr().err


def test_a_group_alone_prints_its_help(run: Callable[[str], Ran]) -> None:
    ran = run("executions")
    assert ran.code == 2
    assert ran.err.startswith("Usage: ")
    alone = run("")
    assert (alone.code, alone.err) == (0, "")
    assert alone.out.startswith("Usage: ")


@pytest.mark.parametrize("line", ["", "executions --help", "files --help", "environments --help", "settings --help"])
def test_no_list_of_commands_cuts_a_sentence(run: Callable[[str], Ran], line: str) -> None:
    assert "..." not in run(line).out.replace("...\n", "", 1), "but for [ARGS]..."


@pytest.mark.parametrize(
    ("line", "same"),
    [
        ("exec ls --json", "executions ls --json"),
        ("execution list --json", "executions ls --json"),
        ("ps --json", "executions ls --json"),
        ("data ls --json", "files ls --json"),
        ("file list --json", "files ls --json"),
        ("env ls --json", "environments ls --json"),
        ("environment list --json", "environments ls --json"),
    ],
)
def test_words_of_valohai_are_understood_and_not_listed(
    run: Callable[[str], Ran], execution: Callable[..., Execution], line: str, same: str
) -> None:
    execution()
    assert run(line).json == run(same).json
    assert f"\n  {line.split(maxsplit=1)[0]} " not in run("").out


def test_a_word_that_belongs_elsewhere_says_where(run: Callable[[str], Ran]) -> None:
    ran = run("execution run train")
    assert (ran.code, "`shoal run STEP`" in ran.err) == (3, True)


def test_numbers_that_are_none_are_valid_json() -> None:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    text = json_text({"a": [float("nan"), {"b": float("-inf")}], "c": float("inf"), "d": 0.5})
    assert json.loads(text, parse_constant=refuse) == {"a": ["NaN", {"b": "-Infinity"}], "c": "Infinity", "d": 0.5}
