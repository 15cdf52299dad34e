"""`shoal run`, as far as the execution's creation."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from core.session import Session
    from tests.cli.conftest import Ran


@pytest.mark.parametrize(
    "line",
    [
        "--learning-rate=0.5 --layers=1 --layers=2 --verbose",
        "--learning_rate 0.5 --layers 1 --layers 2 --verbose=true",
        "--param learning_rate=0.5 --param layers=1 --param layers=2 --param verbose=yes",
    ],
)
def test_parameters_in_every_spelling(run: Callable[[str], Ran], linked: Session, line: str) -> None:  # noqa: ARG001
    parameters = run(f"run train --adhoc --json {line}").json["parameters"]
    assert parameters == {"learning_rate": 0.5, "layers": [1, 2], "verbose": True, "note": None}


def test_a_flag_can_be_denied_and_a_value_may_look_like_an_option(run: Callable[[str], Ran], linked: Session) -> None:  # noqa: ARG001
    parameters = run("run train --adhoc --json --no-verbose --note=--title --learning-rate -0.5").json["parameters"]
    assert parameters["verbose"] is False
    assert parameters["learning_rate"] == -0.5
    assert parameters["note"] == "--title"


def test_the_beginning_of_a_name_is_enough(run: Callable[[str], Ran], linked: Session) -> None:  # noqa: ARG001
    assert run("run TR --adhoc --json").json["step"] == "train"
    ambiguous = run("run t --adhoc")
    assert (ambiguous.code, "'train', 'test'" in ambiguous.err) == (2, True)
    unknown = run("run tran --adhoc")
    assert (unknown.code, "did you mean 'train'" in unknown.err) == (3, True)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("run train --adhoc --learnin-rate=1", "did you mean 'learning_rate'"),
        ("run train --adhoc --learning-rate=fast", "learning_rate"),
        ("run train --adhoc --learning-rate=2", "at most 1"),
        ("run train --adhoc --learning-rate", "lacks its value"),
        ("run train --adhoc word", "'word' is not expected"),
        ("run train --adhoc --param learning_rate", "NAME=VALUE"),
        ("run train --adhoc --input dataset=missing.csv", "neither a file here nor an address"),
        ("run train --adhoc --input nope=https://example.com/x", "no input 'nope'"),
        ("run train --adhoc --environment moon", "moon"),
        ("run train --adhoc --priority 7", "priority"),
        ("run train --adhoc --commit HEAD", "one of them"),
        ("run train --adhoc --env =x", "NAME=VALUE"),
        ("run train --adhoc --env 'A B=1'", "'A B'"),
        ("run train --adhoc --image ../../etc", "Docker image"),
        ("run train --adhoc --layers \uff11", "layers"),
        ("run train --adhoc --layers 1_0", "layers"),
        ("run train --adhoc -e local", "write --environment"),
        ("run -a train", "write --adhoc"),
        ("run train --adhoc --dataset=x", "--input dataset="),
    ],
)
def test_nothing_is_created_from_what_is_wrong(
    run: Callable[[str], Ran], linked: Session, line: str, text: str
) -> None:
    ran = run(line)
    assert ran.code in (2, 3)
    assert text in ran.err
    assert linked.executions.list().rows == []
    assert linked.files.list(linked.projects.get("penguins")).rows == []


def test_a_local_file_is_uploaded_as_the_input(run: Callable[[str], Ran], linked: Session, directory: Path) -> None:
    (directory / "rows.csv").write_text("a,b\n")
    ran = run("run train --adhoc --input dataset=./rows.csv --json")
    (file,) = linked.files.list(linked.projects.get("penguins")).rows
    assert file.name == "rows.csv"
    execution = linked.executions.get(linked.projects.get("penguins"), ran.json["number"])
    (staged,) = linked.executions.inputs(execution)
    assert staged.file_id == file.id


@pytest.mark.parametrize("wrong", ["--priority 7", "--tag ''", "--title '\a'", "--environment moon", "--env 1=1"])
def test_nothing_is_uploaded_before_all_is_checked(
    run: Callable[[str], Ran], linked: Session, directory: Path, wrong: str
) -> None:
    (directory / "rows.csv").write_text("a,b\n")
    assert run(f"run train --adhoc --input dataset=./rows.csv {wrong}").code in (2, 3)
    assert linked.files.list(linked.projects.get("penguins")).rows == []


def test_an_invalid_manifest_is_told_by_line(run: Callable[[str], Ran], linked: Session, directory: Path) -> None:
    (directory / "valohai.yaml").write_text("- step:\n    name: train\n    image: busybox\n")
    ran = run("run train --adhoc")
    assert ran.code == 2
    assert ran.err.startswith("valohai.yaml:")
    assert ": error: " in ran.err
    assert linked.executions.list().rows == []


def test_a_commit_is_run_by_default(run: Callable[[str], Ran], linked: Session, directory: Path) -> None:  # noqa: ARG001
    assert run("run train").code == 3
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for arguments in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", *arguments], cwd=directory, check=True)
    assert "not in this commit" not in run("run train").err
    (directory / "new.py").touch()
    assert "1 changed file is not in this commit: --adhoc" in run("run train").err
    assert "not in this commit" not in run("run train --commit HEAD").err
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=directory, check=True, capture_output=True, text=True)
    (directory / "valohai.yaml").unlink()
    ran = run("run train --json --title first --tag a --tag b --env KEY=value")
    assert ran.json["commit"] == head.stdout.strip()
    assert ran.json["title"] == "first"
    assert ran.json["tags"] == ["a", "b"]
    assert run("run train --commit no-such-branch").code == 3


def test_it_says_that_nothing_will_run_it(run: Callable[[str], Ran], linked: Session) -> None:  # noqa: ARG001
    ran = run("run test --adhoc")
    assert ran.out == "#1 test created\n"
    assert "shoal up" in ran.err


def test_help_lists_the_step_and_its_parameters(run: Callable[[str], Ran], linked: Session) -> None:  # noqa: ARG001
    shown = run("run train --help").out
    assert "--learning_rate" in shown
    assert "How fast; a number, at most 1" in shown
    assert "--input dataset" in shown
    assert "train" in run("run --help").out


def test_outside_of_a_project_it_says_how_to_link_one(
    run: Callable[[str], Ran],
    linked: Session,  # noqa: ARG001
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run("run train --adhoc")
    assert (ran.code, "shoal init" in ran.err) == (3, True)
    assert run("executions ls --project penguins --json").json == []
    monkeypatch.setenv("SHOAL_PROJECT", "penguins")
    assert run("executions ls --json").json == []


def test_a_parameter_with_the_name_of_an_option_is_shown_as_it_is_given(
    run: Callable[[str], Ran],
    linked: Session,  # noqa: ARG001
    directory: Path,
) -> None:
    (directory / "valohai.yaml").write_text(
        "- step:\n    name: train\n    image: busybox\n    command: a {parameters}\n    parameters:\n"
        "      - {name: image, default: a}\n      - {name: quietly, type: flag, default: false}\n"
    )
    shown = run("run train --help").out
    assert "--param image=…" in shown
    assert "default: false" in shown
    assert run("run train --adhoc --param image=b --json").json["parameters"]["image"] == "b"


def test_an_environment_that_only_the_step_names_and_is_not_here_is_no_obstacle(
    run: Callable[[str], Ran],
    linked: Session,  # noqa: ARG001
    directory: Path,
) -> None:
    (directory / "valohai.yaml").write_text("- step: {name: a, image: b, command: c, environment: aws-eu-west-1-g4}\n")
    assert run("run a --adhoc --json").json["environment"] == "local"


def test_leave_to_restart_is_kept_and_goes_over_to_a_copy(run: Callable[[str], Ran], linked: Session) -> None:
    first = run("run train --adhoc --json --restart-lost").json["number"]
    second = run("run train --adhoc --json").json["number"]
    (project,) = linked.projects.list()
    executions = [linked.executions.get(project, number) for number in (first, second)]
    executions.append(linked.executions.copy(executions[0]))
    rows = linked.database.reader().execute("SELECT id, restart_lost FROM executions ORDER BY id")
    assert [tuple(row) for row in rows] == [(executions[0].id, 1), (executions[1].id, 0), (executions[2].id, 1)]
