"""The git command, run so that nothing in a repository's configuration is carried out."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from core.errors import InvalidInputError, NotAllowedError, NotFoundError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK = 1024 * 1024
_SAFE = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.untrackedCache=false",
    "safe.bareRepository=explicit",
)


class NoRepositoryError(NotFoundError):
    """The directory is in no git repository."""

    code = "no_repository"


class NoGitError(UnavailableError):
    """The git command is not installed."""

    code = "no_git"


def git(directory: Path, *arguments: str) -> bytes:
    """Run git in `directory` and return its output.

    Raises:
        NoGitError, NoRepositoryError: as they say.
        NotAllowedError: the repository belongs to another user.
        GitError: it failed for another reason.
    """
    try:
        result = subprocess.run(
            _command(arguments),
            cwd=directory,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise _not_started(directory, error) from error
    if result.returncode != 0:
        raise _failure(directory, result.stderr.decode(errors="replace"))
    return result.stdout


def changed_files(directory: Path) -> int:
    """Return how many files in `directory` are not as its last commit has them, new ones included.

    Filters are programs that a repository's configuration names: none is run, so that what only a filter would make
    equal counts as changed.
    """
    configured = git(directory, "config", "--list", "--name-only", "-z").decode(errors="surrogateescape").split("\0")
    filters = {name for name in configured if name.startswith("filter.")}
    if any("=" in name for name in filters):
        reason = "a filter's name holds '='"
        raise GitError(directory, reason)
    settings = [part for name in sorted(filters) for part in ("-c", f"{name}=")]
    status = ("status", "--porcelain", "-z", "--no-renames", "--ignore-submodules=all", "--", ".")
    return git(directory, *settings, *status).count(b"\0")


class GitError(UnavailableError):
    """Git failed; `reason` is what it said."""

    code = "git"

    def __init__(self, directory: Path, reason: str) -> None:
        super().__init__(f"git failed in {directory}: {reason}")
        self.reason = reason


class Objects:
    """Reads objects of one repository, one after the other, through one git process."""

    def __init__(self, directory: Path, process: subprocess.Popen[bytes]) -> None:
        self._directory = directory
        self._process = process

    def open(self, identifier: str) -> tuple[IO[bytes], int]:
        """Return a stream that stands at the object's content, and its size; read it whole, then call `close()`."""
        if self._process.stdin is None or self._process.stdout is None:
            raise GitError(self._directory, "it has no pipes")
        try:
            self._process.stdin.write(f"{identifier}\n".encode())
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise GitError(self._directory, "it ended early") from error
        header = self._process.stdout.readline().split()
        if len(header) != 3:
            reason = f"the repository lacks the object {identifier}: is it a partial clone, or damaged?"
            raise GitError(self._directory, reason)
        return self._process.stdout, int(header[2])

    def close(self) -> None:
        """Step over the end of the object that was read."""
        if self._process.stdout is not None:
            self._process.stdout.read(1)

    def read(self, identifier: str, limit: int) -> bytes:
        """Return up to `limit` bytes of an object."""
        stream, size = self.open(identifier)
        content = stream.read(min(size, limit))
        left = size - len(content)
        while left > 0 and (skipped := stream.read(min(left, _CHUNK))):
            left -= len(skipped)
        self.close()
        return content


@contextmanager
def objects(directory: Path) -> Iterator[Objects]:
    """Open the objects of the repository of `directory`."""
    try:
        process = subprocess.Popen(
            _command(("cat-file", "--batch")),
            cwd=directory,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        raise _not_started(directory, error) from error
    with process:
        try:
            yield Objects(directory, process)
        finally:
            process.kill()


def _command(arguments: tuple[str, ...]) -> list[str]:
    return ["git", *(part for setting in _SAFE for part in ("-c", setting)), "--no-replace-objects", *arguments]


def _environment() -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return environment | {
        # A partial clone would fetch what it lacks, by whatever command its configuration names; this wins over that.
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
        "LANGUAGE": "",
    }


def _not_started(directory: Path, error: OSError) -> InvalidInputError | UnavailableError:
    if not directory.is_dir():
        return InvalidInputError(f"{directory} is not a directory", field="directory")
    if not isinstance(error, FileNotFoundError):
        return GitError(directory, error.strerror or str(error))
    return NoGitError("git is not installed: install it (apt install git), or run with --adhoc")


def _failure(directory: Path, stderr: str) -> NotAllowedError | NoRepositoryError | GitError:
    if "dubious ownership" in stderr:
        message = (
            f"git does not read {directory}, which belongs to another user: run as that user, or trust it with "
            f"`git config --global --add safe.directory {directory}`"
        )
        return NotAllowedError(message, field="directory")
    if "not a git repository" in stderr or "cannot use bare repository" in stderr:
        message = f"{directory} is not in a git repository: run `git init` and commit, or run with --adhoc"
        return NoRepositoryError(message, field="directory")
    lines = [line for line in stderr.splitlines() if line.strip()]
    return GitError(directory, lines[0][:300] if lines else "it gave no reason")
