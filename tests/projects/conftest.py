"""Real git repositories."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "- step:\n    name: train\n    image: debian\n    command: echo {parameters}\n"


class Repository:
    """A git repository in a directory, worked on with the git command."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        """Run git and return its output."""
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "protocol.file.allow=always")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        result = subprocess.run(
            ["git", *identity, *arguments], cwd=self.directory, env=environment, capture_output=True, check=True
        )
        return result.stdout.decode(errors="replace").strip()

    def write(self, name: str, content: str | bytes = "content\n", *, mode: int = 0o644) -> Path:
        """Write a file of the working tree."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return path

    def commit(self, message: str = "A commit") -> str:
        """Commit everything and return the commit's hash."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def own_git_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the configuration of whoever runs the tests out of them."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository with a valohai.yaml that is not committed yet."""
    repository = Repository(tmp_path / "repository")
    repository.write("valohai.yaml", MANIFEST)
    return repository


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A directory with a valohai.yaml and no repository."""
    directory = tmp_path / "plain"
    directory.mkdir()
    (directory / "valohai.yaml").write_text(MANIFEST)
    return directory
