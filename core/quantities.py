"""Times, sizes and money as people read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime


def age(seconds: float) -> str:
    """Return how long ago something was, in its largest unit: `12 s`, `3 min`, `5 h`, `12 d`."""
    if seconds < 60:
        return f"{max(0, int(seconds))} s"
    if seconds < 3600:
        return f"{int(seconds / 60)} min"
    if seconds < 48 * 3600:
        return f"{int(seconds / 3600)} h"
    return f"{int(seconds / 86400)} d"


def duration(seconds: float) -> str:
    """Return how long something took, in two units: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 3 min`, `4 d 1 h`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    for larger, smaller, large, small in (("min", "s", 60, 1), ("h", "min", 3600, 60), ("d", "h", 86400, 3600)):
        if whole < {"min": 3600, "h": 86400}.get(larger, whole + 1):
            rest = whole % large // small
            return f"{whole // large} {larger} {rest} {smaller}" if rest else f"{whole // large} {larger}"
    raise AssertionError


def size(number: int) -> str:
    """Return bytes in decimal units: `512 B`, `28.9 kB`, `1.2 GB`."""
    if number < 1000:
        return f"{number} B"
    value = float(number)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} PB"


def binary_size(number: int) -> str:
    """Return bytes as a limit is written: `512m`, `8g`, in powers of 1024 where they divide it."""
    for unit, power in (("t", 4), ("g", 3), ("m", 2), ("k", 1)):
        if number and number % 1024**power == 0:
            return f"{number // 1024**power}{unit}"
    return str(number)


def money(millionths: int) -> str:
    """Return an amount with at least two decimals, and as many more as it has: `1.25`, `0.000021`."""
    whole, fraction = divmod(abs(millionths), 1_000_000)
    digits = f"{fraction:06}".rstrip("0").ljust(2, "0")
    return f"{'-' if millionths < 0 else ''}{whole}.{digits}"


def iso_time(seconds: float) -> str:
    """Return a time in UTC as ISO 8601 with milliseconds: `2026-11-24T16:07:00.125Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_number(text: str) -> int | None:
    """Return the number of a row as people write it, `12` or `#12`; None for what is none, or too large to be one."""
    digits = text.removeprefix("#")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 16 else None


def read_seconds(text: str) -> float:
    """Return the seconds of a time as people write it: `90`, `90s`, `1.5h`, `2 d`.

    Raises:
        ValueError: it is not written so.
    """
    match = re.fullmatch(r"(\d{1,12}(?:\.\d{1,6})?)\s*([smhd]?)", text.strip(), re.ASCII)
    if match is None:
        raise ValueError(text)
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]


def read_since(text: str, now: float) -> float:
    """Return the moment that a text names: `7d` is so long before `now`, `2026-11-01` when that day began here.

    Raises:
        ValueError: it is not written so, or that day has not begun yet.
    """
    text = text.strip()
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        try:
            day = max(0.0, datetime.strptime(text, "%Y-%m-%d").astimezone().timestamp())
        except OverflowError as error:
            raise ValueError(text) from error
        if day > now:
            raise ValueError(text)
        return day
    if text.isdecimal():
        raise ValueError(text)
    return max(0.0, now - read_seconds(text))


def clock_time(seconds: float) -> str:
    """Return a time of today as a clock on the wall of this machine shows it: `14:02:10`."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%H:%M:%S")
