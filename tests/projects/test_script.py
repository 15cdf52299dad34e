"""The lines of a command as one script, run by real shells."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from valohai_yaml.commands import join_command

from core.projects.script import script

if TYPE_CHECKING:
    from pathlib import Path

Joiner = Literal["newline", "and"]


def run(text: str, directory: Path) -> tuple[int, str]:
    file = directory / "script"
    file.write_text(text if text.startswith("#!") else f"#!/bin/sh\n{text}")
    file.chmod(0o755)
    result = subprocess.run([str(file)], cwd=directory, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout


def test_with_newlines_the_last_status_counts(tmp_path: Path) -> None:
    assert run(script(["false", "echo on"], "newline"), tmp_path) == (0, "on\n")
    assert run(script(["echo on", "exit 3"], "newline"), tmp_path) == (3, "on\n")


def test_with_and_the_first_failure_ends_it(tmp_path: Path) -> None:
    assert run(script(["echo a", "(exit 4)", "echo b"], "and"), tmp_path) == (4, "a\n")
    assert run(script(["echo a", "echo b"], "and"), tmp_path) == (0, "a\nb\n")


@pytest.mark.parametrize("joiner", ["newline", "and"])
def test_all_lines_are_one_shell(joiner: Joiner, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    lines = [
        "cd sub",
        "export WORD=fish # a comment",
        "",
        "# only a comment",
        "cat <<END\n$WORD\nEND",
        "basename $PWD;",
    ]
    assert run(script(lines, joiner), tmp_path) == (0, "fish\nsub\n")


@pytest.mark.parametrize("joiner", ["newline", "and"])
@pytest.mark.parametrize(
    "first", [["#!/bin/bash", "x=(a b)"], ["#!/bin/bash\nx=(a b)"], ["#!/usr/bin/env bash", "x=(a b)"]]
)
def test_a_shebang_chooses_the_interpreter(first: list[str], joiner: Joiner, tmp_path: Path) -> None:
    assert run(script([*first, "echo ${x[1]}"], joiner), tmp_path) == (0, "b\n")


@pytest.mark.parametrize("joiner", ["newline", "and"])
def test_lines_for_another_interpreter_are_not_joined_as_shell(joiner: Joiner, tmp_path: Path) -> None:
    lines = ["#!/usr/bin/env python3", "x = {'a': 1}", "print(x['a'])"]
    assert run(script(lines, joiner), tmp_path) == (0, "1\n")


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=5))
def test_with_newlines_it_is_the_librarys_join(lines: list[str]) -> None:
    assert script(lines, "newline") == join_command(lines, "\n")


def test_nothing_is_nothing() -> None:
    assert script([], "newline") == ""
    assert script(["", "  "], "and") == ""
