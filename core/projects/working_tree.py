"""Which files of a directory are its code: what git knows and does not ignore, else all but hidden files."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InvalidInputError, UnavailableError
from core.projects.git import NoGitError, NoRepositoryError, git

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pathspec import GitIgnoreSpec

_MAXIMUM_NESTING = 20
_MAXIMUM_IGNORE_BYTES = 1024 * 1024


def code_files(directory: Path) -> list[str]:
    """Return the relative names of the files and links that are code, sorted by their bytes, as Valohai chooses them.

    `.vhignore` (with the syntax of .gitignore) leaves out more. A name need not be text: it is decoded with
    `os.fsdecode`.

    Raises:
        InvalidInputError: the directory or its `.vhignore` cannot be read.
        NotAllowedError: the repository belongs to another user.
    """
    if not directory.is_dir():
        message = f"{directory} is not a directory"
        raise InvalidInputError(message, field="directory")
    ignored = _patterns(directory, ".vhignore")
    try:
        names = set(_listed_by_git(directory))
    except (NoRepositoryError, NoGitError):
        names = set(_walked(directory, [ignored, _patterns(directory, ".gitignore")]))
    return sorted((name for name in names if not _matches(ignored, name)), key=os.fsencode)


def _listed_by_git(directory: Path, prefix: str = "", nesting: int = 0) -> Iterator[str]:
    listing = git(directory / prefix, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for raw in listing.split(b"\0")[:-1]:
        name = prefix + os.fsdecode(raw).rstrip("/")
        if name.startswith("."):
            continue
        path = directory / name
        if not path.is_dir() or path.is_symlink():
            yield name
        elif (path / ".git").exists() and nesting < _MAXIMUM_NESTING:  # a submodule that is here
            yield from _listed_by_git(directory, f"{name}/", nesting + 1)


def _walked(directory: Path, ignored: list[GitIgnoreSpec | None]) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        message = f"{error.filename!r} cannot be read ({error.strerror}): list it in .vhignore"
        raise InvalidInputError(message, field="directory")

    for root, directories, files in os.walk(directory, onerror=refuse):
        below = os.path.relpath(root, directory)
        prefix = "" if below == "." else f"{below}/"
        links = [name for name in directories if Path(root, name).is_symlink()]
        directories[:] = [
            name
            for name in directories
            if not name.startswith(".")
            and name not in links
            and not any(_matches(patterns, f"{prefix}{name}/") for patterns in ignored)
        ]
        for name in files + links:
            if not name.startswith(".") and not any(_matches(patterns, prefix + name) for patterns in ignored):
                yield prefix + name


def _patterns(directory: Path, name: str) -> GitIgnoreSpec | None:
    content = _ignore_file(directory / name)
    if content is None:
        return None
    import pathspec  # noqa: PLC0415

    try:
        return pathspec.GitIgnoreSpec.from_lines(os.fsdecode(content).splitlines())
    except (ValueError, re.error) as error:
        message = f"{name} cannot be read: {error}"
        raise InvalidInputError(message, field=name) from error


def _ignore_file(path: Path) -> bytes | None:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAXIMUM_IGNORE_BYTES:
            message = f"{path} is not a text file of at most {_MAXIMUM_IGNORE_BYTES // 1024} KiB"
            raise InvalidInputError(message, field=path.name)
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror})"
        raise UnavailableError(message) from error


def _matches(patterns: GitIgnoreSpec | None, name: str) -> bool:
    return patterns is not None and patterns.match_file(name)
