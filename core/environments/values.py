"""How the values of an environment's settings are read from texts, and written as texts.

What reads raises ValueError, KeyError or OverflowError for a text that cannot be.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.quantities import read_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_MACHINES = 100_000
DEAREST = 1_000_000
MOST_CPUS = 1024
MOST_GPUS = 64
MOST_LINES = 200
_SYSTEM_DIRECTORIES = ("/proc", "/sys", "/dev")


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number between two."""

    def read(text: str) -> int:
        # `int` takes 1_000, +5 and the digits of all scripts as well, which are mistakes here.
        if not re.fullmatch(r"\s*[0-9]{1,9}\s*", text) or not least <= int(text) <= most:
            raise ValueError
        return int(text)

    return read


_FLAGS = {"on": True, "yes": True, "true": True, "1": True, "off": False, "no": False, "false": False, "0": False}


def flag(text: str) -> bool:
    """Return whether a text says on."""
    return _FLAGS[text.lower()]


def seconds(least: float, most: float) -> Callable[[str], float]:
    """Return what reads a time between two."""

    def read(text: str) -> float:
        value = read_seconds(text)
        if not least <= value <= most:
            raise ValueError
        return value

    return read


def amount(text: str) -> int:
    """Return an amount of money in millionths, of which it loses nothing."""
    value = _decimal(text)
    if value > DEAREST:
        raise ValueError
    return round(value * 1_000_000)


def _decimal(text: str) -> float:
    """Return a number that is written with at most six decimals."""
    if not re.fullmatch(r"\s*[0-9]{1,9}(?:\.[0-9]{0,6})?\s*|\s*\.[0-9]{1,6}\s*", text):
        raise ValueError
    return float(text)


def cpus(text: str) -> float | None:
    """Return a number of CPUs, None for all of them."""
    if text in ("", "all"):
        return None
    value = _decimal(text)
    if not 0.01 <= value <= MOST_CPUS:
        raise ValueError
    return value


def memory(text: str) -> int | None:
    """Return bytes of memory, None for all of it."""
    if text in ("", "all"):
        return None
    match = re.fullmatch(r"(\d+)\s*([kmgt]?)(?:i?b)?", text.strip().lower(), re.ASCII)
    if match is None:
        raise ValueError
    value: int = int(match[1]) * 1024 ** " kmgt".index(match[2] or " ")
    if not 6 * 1024**2 <= value <= 1024**5:
        raise ValueError
    return value


def one_of(*choices: str) -> Callable[[str], str]:
    """Return what takes some words only."""

    def read(text: str) -> str:
        if text not in choices:
            raise ValueError
        return text

    return read


def printable(least: int, most: int) -> Callable[[str], str]:
    """Return what takes printable text of a length between two, without surrounding spaces."""

    def read(text: str) -> str:
        text = text.strip(" ")
        if not least <= len(text) <= most or not text.isprintable():
            raise ValueError
        return text

    return read


def _lines(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_LINES or len(set(lines)) < len(lines):
        raise ValueError
    return lines


def gpu_list(text: str) -> tuple[str, ...]:
    """Return the GPUs that a setting names, as Docker calls them."""
    return tuple(device for device in re.split(r"[\s,]+", text) if device)


def gpus(text: str) -> str:
    """Return the GPUs that a text names, joined by commas."""
    devices = gpu_list(text)
    named = all(re.fullmatch(r"\d{1,3}|(?:GPU|MIG)-[0-9A-Za-z/-]{1,80}", each, re.ASCII) for each in devices)
    if not named or len(devices) > MOST_GPUS or len(set(devices)) < len(devices):
        raise ValueError
    return ",".join(devices)


def roots(text: str) -> str:
    """Return absolute directories, none of them / or what the system itself keeps, joined by newlines."""
    paths = [_root(line) for line in _lines(text)]
    if len(set(paths)) < len(paths):
        raise ValueError
    return "\n".join(paths)


def _root(line: str) -> str:
    path = "/" + posixpath.normpath(line).lstrip("/")
    if not line.startswith("/") or not line.isprintable() or ".." in line.split("/") or len(line.encode()) > 1000:
        raise ValueError
    if path == "/" or any(path == each or path.startswith(f"{each}/") for each in _SYSTEM_DIRECTORIES):
        raise ValueError
    return path


def aliases(text: str) -> tuple[str, ...]:
    """Return other names of an environment, one a line."""
    names = _lines(text)
    if not all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,79}", name, re.ASCII) for name in names):
        raise ValueError
    return tuple(sorted(names))


@dataclass(frozen=True, slots=True)
class TeamQuota:
    """How many machines a team may use at once: 0 for none at all, None for no limit."""

    team: str
    quota: int | None

    def __str__(self) -> str:
        return self.team if self.quota is None else f"{self.team} {self.quota}"


def teams(text: str) -> tuple[TeamQuota, ...]:
    """Return teams with their quotas, one a line."""
    quotas = [_team(line) for line in _lines(text)]
    if len({each.team for each in quotas}) < len(quotas):
        raise ValueError
    return tuple(sorted(quotas, key=lambda each: each.team))


def _team(line: str) -> TeamQuota:
    name, _, number = line.rpartition(" ")
    if not name or not re.fullmatch(r"-?[\d.]+", number, re.ASCII):
        return TeamQuota(line, None)
    return TeamQuota(name.strip(), whole(0, MOST_MACHINES)(number))


def written_flag(value: bool) -> str:  # noqa: FBT001 - the value of a flag
    """Return a flag as it is written."""
    return "on" if value else "off"


def written_period(seconds: float) -> str:
    """Return seconds in the largest unit that divides them."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds / length:g}{unit}"
    return f"{seconds:g}"


def written_lines(values: tuple[object, ...]) -> str:
    """Return values one a line."""
    return "\n".join(map(str, values))
