"""Where a commit can be looked at with a browser."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from core.projects.web_address import commit_page, page_of

if TYPE_CHECKING:
    from tests.enacted import Enacted


@pytest.mark.parametrize(
    ("remote", "page"),
    [
        ("https://git.example.com/team/model.git", "https://git.example.com/team/model/commit/abc"),
        ("https://user:secret@git.example.com/team/model", "https://git.example.com/team/model/commit/abc"),
        ("git@git.example.com:team/model.git", "https://git.example.com/team/model/commit/abc"),
        ("ssh://git@git.example.com:2222/team/model.git", "https://git.example.com/team/model/commit/abc"),
        ("https://gitlab.example.com/team/model.git", "https://gitlab.example.com/team/model/-/commit/abc"),
        ("https://bitbucket.example.com/team/model.git", "https://bitbucket.example.com/team/model/commits/abc"),
        ("/srv/git/model.git", None),
        ("../model", None),
        ("https://git.example.com/\x1b[31mred", None),
        ("", None),
    ],
)
def test_pages(remote: str, page: str | None) -> None:
    assert page_of(remote, "abc") == page


def test_ad_hoc_code_has_none_and_a_commit_that_of_its_linked_directory(enacted: Enacted) -> None:
    assert commit_page(enacted.session, enacted.commit) is None
    for command in (
        ["init", "--quiet"],
        ["remote", "add", "origin", "https://git.example.com/team/model.git"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "first"],
    ):
        subprocess.run(["git", *command], cwd=enacted.directory, check=True)
    commit = enacted.session.projects.commit(enacted.project, enacted.directory)
    page = commit_page(enacted.session, commit)
    assert page == f"https://git.example.com/team/model/commit/{commit.identifier}"
