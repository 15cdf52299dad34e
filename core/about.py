"""What this installation is: versions, who asks, where it lies, how much it holds, and whether it is well.

The parts that take long are given one after the other, so that a face shows each as soon as it is known.
"""

from __future__ import annotations

import os
import platform
import sqlite3
import stat
from typing import TYPE_CHECKING

from core.errors import ShoalError
from core.quantities import size
from core.resources.resource import Pair, Section, Tone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.doctor import Check
    from core.session import Session

_TONES = {"ok": Tone.GOOD, "warn": Tone.WAITING, "fail": Tone.BAD}
_SHAPES = {"ok": "✔", "warn": "▲", "fail": "✖"}


def versions() -> Section:
    """Return the versions of what runs in this process."""
    from importlib.metadata import version  # noqa: PLC0415 - costs more than a list

    pairs = [
        Pair("shoal", version("shoal"), tone=Tone.STRONG),
        Pair("Python", platform.python_version()),
        Pair("SQLite", sqlite3.sqlite_version),
        Pair("Textual", version("textual")),
        Pair("system", f"{platform.system()} {platform.release()} {platform.machine()}"),
    ]
    return Section("Versions", pairs)


def engine(session: Session) -> Pair:
    """Return the version of the Docker Engine, asked over its socket."""
    from core.scheduler.engines.docker_connection import DockerConnection  # noqa: PLC0415

    session.require("organization.see")
    docker = DockerConnection()
    try:
        answer = docker.ask("/version") or {}
        return Pair("Docker Engine", str(answer.get("Version", "unknown")))
    except (ShoalError, OSError):
        return Pair("Docker Engine", "does not answer", tone=Tone.BAD)
    finally:
        docker.close()


def you(session: Session) -> Section:
    """Return who is at work."""
    actor = session.actor
    return Section(
        "You", [Pair("name", actor.name), Pair("role", actor.role.value), Pair("system uid", str(os.getuid()))]
    )


def home_sizes(session: Session) -> Iterator[tuple[str, int]]:
    """Yield what lies in the home and how many bytes it takes, one after the other: a large store takes a while."""
    session.require("organization.see")
    home = session.home
    write_ahead = home.database.with_name(f"{home.database.name}-wal")
    yield "database", sum(map(_size_of, (home.database, write_ahead)))
    for name in ("logs", "store", "code", "cache", "attempts"):
        yield name, _size_below(getattr(home, name))


def size_pair(name: str, bytes_: int) -> Pair:
    """Return a size as a line of a description."""
    return Pair(name, size(bytes_))


def check_pairs(check: Check) -> Iterator[Pair]:
    """Yield what a look found, and what is to be done about it."""
    shown = f"{_SHAPES[check.state]} {check.state:4}  {check.message}"
    yield Pair(check.name, shown, tone=_TONES[check.state])
    if check.next_step:
        yield Pair("", f"→ {check.next_step}")


def _size_of(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _size_below(directory: Path) -> int:
    """Return the bytes of the files below a directory; one that is linked several times counts once."""
    total, seen = 0, set[int]()
    pending = [os.fspath(directory)]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(status.st_mode):
                        pending.append(entry.path)
                    elif status.st_nlink == 1 or status.st_ino not in seen:
                        seen.add(status.st_ino)
                        total += status.st_size
        except OSError:
            continue  # a directory that went away meanwhile, or that a container keeps to itself
    return total
