"""Where a commit can be looked at with a browser, if its repository's remote says so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from core.errors import ShoalError
from core.projects.git import git

if TYPE_CHECKING:
    from core.projects.commits import Commit
    from core.session import Session

_SSH = re.compile(r"(?:ssh://)?(?:[\w.-]+@)([\w.-]+)(?::\d+/|[:/])([\w./~-]+)")
_HTTPS = re.compile(r"https?://(?:[^@/]*@)?([\w.-]+(?::\d+)?)/([\w./~-]+)")
_PATHS = {"gitlab": "-/commit", "bitbucket": "commits"}
"""Where a host's software shows a commit, by a word of the host's name; `commit` for all others."""


def commit_page(session: Session, commit: Commit) -> str | None:
    """Return the page of a commit, None where it is ad-hoc code or the remote tells no host."""
    if commit.adhoc:
        return None
    for directory in session.projects.directories(commit.project_id):
        try:
            remote = git(directory, "config", "--get", "remote.origin.url").decode("utf-8", "replace").strip()
        except ShoalError:
            continue
        if page := page_of(remote, commit.identifier):
            return page
    return None


def page_of(remote: str, identifier: str) -> str | None:
    """Return the page of a commit of the repository that a remote's URL names; a password in it is left out."""
    match = _HTTPS.fullmatch(remote) or _SSH.fullmatch(remote)
    if match is None:
        return None
    host, path = match[1], match[2].removesuffix("/").removesuffix(".git")
    between = next((place for word, place in _PATHS.items() if word in host), "commit")
    return f"https://{host}/{path}/{between}/{identifier}"
