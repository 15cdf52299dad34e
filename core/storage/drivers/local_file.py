"""file://: files of this machine, only below the directories that an admin allowed."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from core.errors import InvalidInputError, UnavailableError
from core.storage.checksums import copy
from core.storage.drivers.source import Fetched, Found
from core.storage.names import base_name, printable_name
from core.storage.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.projects.service import Project
    from core.session import Session
    from core.storage.drivers.source import Fetching

MATCHES = 100_000
"""The most files that one wildcard may stand for."""

TRIES = 3
"""How often a file that changes while it is copied is copied again."""


def resolve(session: Session, project: Project, uri: str) -> list[Found]:  # noqa: ARG001 - every driver takes these
    """Return the file that `uri` names, or all that its wildcards match, in the order of their names.

    Raises:
        InvalidInputError: there is none, it is no regular file, or it lies outside the allowed directories.
    """
    parts = _parts(uri)
    roots = _Roots.allowed(session)
    plain = next((index for index, part in enumerate(parts) if "*" in part), len(parts))
    base = _below_roots("/" + "/".join(_decode(part) for part in parts[:plain]), roots, uri)
    if plain == len(parts):
        _check_regular(base, roots, uri)
        return [_found(base, base.parent, roots)]
    matches = list(_matches(base, parts[plain:], roots, uri))
    if not matches:
        message = f"no file matches {uri!r}"
        raise InvalidInputError(message, field="inputs")
    return [_found(path, base, roots) for path in sorted(matches)]


async def fetch(uri: str, validator: str | None, fetching: Fetching) -> Fetched | None:
    """Copy the file, or return None where `validator` shows that it did not change since."""
    return await in_thread(_fetch, uri, validator, fetching)


@dataclass(frozen=True, slots=True)
class _Roots:
    """The directories that an admin allowed, as they were written and as they really are."""

    paths: list[Path]
    real: list[Path]

    @classmethod
    def allowed(cls, session: Session) -> _Roots:
        paths = [Path(root) for root in session.settings.get("file_roots")]
        if not paths:
            message = "file:// inputs are not allowed yet: an admin must allow their directory (setting file_roots)"
            raise InvalidInputError(message, field="inputs")
        return cls(paths, [path.resolve() for path in paths])

    def root_of(self, path: Path) -> Path | None:
        return next((root for root in (*self.paths, *self.real) if path.is_relative_to(root)), None)

    def hold(self, real: Path) -> bool:
        return any(real.is_relative_to(root) for root in self.real)


def _parts(uri: str) -> list[str]:
    rest = uri.replace("%", "%25") if uri.startswith("/") else uri.partition("://")[2].removeprefix("localhost")
    parts = [part for part in rest.split("/") if part not in ("", ".")]
    if not rest.startswith("/") or not parts or rest.endswith("/"):
        message = f"{uri!r} names no file: write file:///directory/file"
        raise InvalidInputError(message, field="inputs")
    if any(_decode(part) == ".." or "\0" in _decode(part) or "/" in _decode(part) for part in parts):
        message = f"{uri!r} must name its file directly, without `..`"
        raise InvalidInputError(message, field="inputs")
    return parts


def _decode(part: str) -> str:
    return unquote(part, errors="surrogateescape")


def _below_roots(text: str, roots: _Roots, uri: str) -> Path:
    # The name is judged before the disk is touched: nobody learns here what lies outside the roots.
    path = Path(text)
    if roots.root_of(path) is None:
        allowed = ", ".join(str(root) for root in roots.paths)
        message = f"{uri!r} lies outside the directories that file:// inputs may come from ({allowed})"
        raise InvalidInputError(message, field="inputs")
    _check_real(path, roots, uri)
    return path


def _check_real(path: Path, roots: _Roots, uri: str) -> None:
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        message = f"{uri!r} cannot be read: there is no {str(path)!r}"
        raise InvalidInputError(message, field="inputs") from error
    if not roots.hold(real):
        message = f"{str(path)!r} is a link that leads out of the directories that file:// inputs may come from"
        raise InvalidInputError(message, field="inputs")


def _check_regular(path: Path, roots: _Roots, uri: str) -> None:
    _check_real(path, roots, uri)
    if not path.is_file():
        hint = f"use {uri}/* or {uri}/** for the files in it" if path.is_dir() else "it cannot be an input"
        message = f"{uri!r} is no regular file: {hint}"
        raise InvalidInputError(message, field="inputs")


def _matches(base: Path, parts: list[str], roots: _Roots, uri: str) -> Iterator[Path]:
    pattern = re.compile("/".join(_expression(part) for part in parts).replace("(?:.*)/", "(?:.*/)?"), re.DOTALL)
    deepest = None if any("**" in part for part in parts) else len(parts)
    number = 0
    for path in _walk(base, deepest):
        if not pattern.fullmatch(path.relative_to(base).as_posix()) or not path.is_file():
            continue
        if path.is_symlink():
            _check_real(path, roots, uri)
        number += 1
        if number > MATCHES:
            message = f"{uri!r} matches more than {MATCHES} files: give a narrower pattern, or pack the files"
            raise InvalidInputError(message, field="inputs")
        yield path


def _expression(part: str) -> str:
    if part == "**":
        return "(?:.*)"
    pieces = re.split(r"(\*\*|\*)", part)
    known = {"**": ".*", "*": "[^/]*"}
    return "".join(known.get(piece) or re.escape(_decode(piece)) for piece in pieces)


def _walk(base: Path, deepest: int | None) -> Iterator[Path]:
    for directory, subdirectories, names in os.walk(base):
        here = Path(directory)
        if deepest is not None and len(here.relative_to(base).parts) + 1 >= deepest:
            subdirectories.clear()
        for name in names:
            yield here / name


def _found(path: Path, base: Path, roots: _Roots) -> Found:
    below = path.relative_to(roots.root_of(path) or path.parent)
    return Found(
        uri=f"file://{quote(os.fsencode(path))}",
        full=printable_name(below.as_posix()) if below.parts else base_name(path.as_posix()),
        suffix=printable_name(path.relative_to(base).as_posix()),
    )


def _fetch(uri: str, validator: str | None, fetching: Fetching) -> Fetched | None:
    with _opened(uri, _Roots.allowed(fetching.session)) as descriptor:
        for _ in range(TRIES):
            before = _validator(descriptor)
            if before == validator:
                return None
            fetching.incoming.clear()
            advance = partial(_advance, fetching, os.fstat(descriptor).st_size)
            checksums = copy(descriptor, fetching.incoming.descriptor, advance)
            if _validator(descriptor) == before:
                return Fetched(checksums, before)
    message = f"{uri!r} was changed each time it was copied: wait until whoever writes it is done"
    raise UnavailableError(message, field="inputs")


@contextlib.contextmanager
def _opened(uri: str, roots: _Roots) -> Iterator[int]:
    path = Path("/" + "/".join(_decode(part) for part in _parts(uri)))
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        message = f"{uri!r} cannot be read: {error.strerror}"
        raise UnavailableError(message, field="inputs") from error
    try:
        # What was really opened, whatever links were changed since the execution was created.
        real = Path(f"/proc/self/fd/{descriptor}").readlink()
        if not stat.S_ISREG(os.fstat(descriptor).st_mode) or not roots.hold(real):
            message = f"{uri!r} is no regular file below the directories that file:// inputs may come from"
            raise InvalidInputError(message, field="inputs")
        yield descriptor
    finally:
        os.close(descriptor)


def _advance(fetching: Fetching, size: int, done: int) -> None:
    fetching.advance(done, max(done, size))


def _validator(descriptor: int) -> str:
    status = os.fstat(descriptor)
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_dev}:{status.st_ino}"
