"""What differs from the last commit, told without running what a repository names."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from core.projects.git import NoRepositoryError, changed_files

if TYPE_CHECKING:
    from pathlib import Path


def git(directory: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *who, *arguments], cwd=directory, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose directory `below` holds one committed file."""
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a b.txt").write_text("a")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def test_what_changed_below_the_directory_is_counted(repository: Path) -> None:
    below = repository / "below"
    assert changed_files(below) == 0
    (repository / "outside").touch()
    (below / "a b.txt").rename(below / "renamed")
    (below / "new").touch()
    assert changed_files(below) == 3
    git(below, "add", "-A", ".")
    assert changed_files(below) == 3, "staged is not committed"


def test_no_filter_of_the_repository_is_run(repository: Path) -> None:
    (repository / ".gitattributes").write_text("* filter=x.y\n")
    for what in ("clean", "process"):
        git(repository, "config", f"filter.x.y.{what}", f"touch {repository}/ran; cat")
    git(repository, "config", "filter.x.y.required", "true")
    (repository / "below" / "a b.txt").write_text("b")
    assert changed_files(repository / "below") == 1
    assert not (repository / "ran").exists()


def test_outside_of_a_repository(tmp_path: Path) -> None:
    with pytest.raises(NoRepositoryError):
        changed_files(tmp_path)
