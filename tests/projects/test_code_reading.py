"""Looking into packed code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.errors import NotFoundError, UnavailableError
from core.projects.code_reading import LARGEST_SHOWN, code_file, code_files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.enacted import Enacted


def test_files_and_what_they_hold(enacted: Enacted) -> None:
    (enacted.directory / "train.py").write_text("print('hello')\n")
    commit = enacted.session.projects.commit_working_tree(enacted.project, enacted.directory)
    assert [file.name for file in code_files(commit.archive)] == ["train.py", "valohai.yaml"]
    assert code_file(commit.archive, "train.py") == (b"print('hello')\n", 15)


def test_no_more_than_can_be_shown_is_read(enacted: Enacted) -> None:
    (enacted.directory / "large").write_bytes(b"x" * (LARGEST_SHOWN + 1))
    commit = enacted.session.projects.commit_working_tree(enacted.project, enacted.directory)
    content, whole = code_file(commit.archive, "large")
    assert (len(content), whole) == (LARGEST_SHOWN, LARGEST_SHOWN + 1)


def test_a_file_that_is_not_there_is_named(enacted: Enacted) -> None:
    with pytest.raises(NotFoundError, match=r"no file '\.\./etc/passwd'"):
        code_file(enacted.commit.archive, "../etc/passwd")


def test_an_archive_that_is_gone_or_broken_says_what_to_do(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(b"no archive")
    for archive in (broken, tmp_path / "gone.tar.gz"):
        with pytest.raises(UnavailableError, match="shoal doctor"):
            code_files(archive)
        with pytest.raises(UnavailableError, match="shoal doctor"):
            code_file(archive, "x")
