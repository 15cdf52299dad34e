"""Settings of the whole installation: a closed list, each with its type, default and meaning."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import InvalidInputError
from data.changes import record

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.session import Session


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its default, what it does, what it takes in words, and the test whether a value is that."""

    default: Any
    meaning: str
    takes: str
    fits: Callable[[object], bool]


def _directories(meaning: str) -> Setting:
    def fits(value: object) -> bool:
        return isinstance(value, list) and all(map(_is_absolute, value))

    return Setting([], meaning, "a list of absolute paths", fits)


def _whole_number(default: int, meaning: str, least: int, most: int) -> Setting:
    def fits(value: object) -> bool:
        return type(value) is int and least <= value <= most

    return Setting(default, meaning, f"a whole number from {least} to {most}", fits)


def _is_absolute(path: object) -> bool:
    return isinstance(path, str) and path.startswith("/") and path.isprintable()


def _is_loopback(address: str) -> bool:
    from core.metrics.publishing import read_address  # noqa: PLC0415 - asked when somebody sets it

    try:
        read_address(address)
    except ValueError:
        return False
    return True


_DAY = 24 * 3600

SETTINGS: dict[str, Setting] = {
    "alarm_after": _whole_number(
        600, "seconds for which nothing is scheduled while work waits, after which there is an alarm (0: none)", 0, _DAY
    ),
    "disk_alarm": _whole_number(
        97, "percent of a disk, the home's or Docker's, that may be taken before there is an alarm (100: none)", 1, 100
    ),
    "file_roots": _directories("directories below which file:// inputs may lie (none: file:// is refused)"),
    "input_cache_size": _whole_number(50 * 1024**3, "bytes that the input cache may hold", 0, 1024**5),
    "metrics_address": Setting(
        "",
        "where the scheduler serves metrics for Prometheus on this machine (empty: nowhere)",
        'empty, or a port of loopback such as "127.0.0.1:9465" or "[::1]:9465"',
        lambda value: value == "" or (isinstance(value, str) and _is_loopback(value)),
    ),
    "metrics_file": Setting(
        "",
        "where the scheduler writes metrics: .prom as node_exporter reads it, else OpenMetrics (empty: nowhere)",
        "empty, or an absolute path",
        lambda value: value == "" or _is_absolute(value),
    ),
    "no_output_timeout": _whole_number(
        8 * 3600, "seconds without output after which an execution is stopped, by default (0: none is)", 0, 365 * _DAY
    ),
    "stop_grace_period": _whole_number(30, "seconds between SIGTERM and SIGKILL when an execution is stopped", 0, _DAY),
}


def read_value(text: str) -> Any:  # noqa: ANN401 - whatever JSON can hold; the settings know what they take
    """Return the value that somebody wrote as JSON; what is no JSON is a text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


class Settings:
    """Reads and writes the settings."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, key: str) -> Any:  # noqa: ANN401 - the type is the one of the setting's default
        """Return a setting's value, or its default."""
        row = (
            self._session.read("organization.see")
            .execute("SELECT value FROM settings WHERE key = ?", (key,))
            .fetchone()
        )
        return SETTINGS[key].default if row is None else json.loads(row["value"])

    def set(self, key: str, value: Any) -> None:  # noqa: ANN401
        """Change a setting.

        Raises:
            InvalidInputError: there is no such setting, or it does not take the value.
        """
        setting = SETTINGS.get(key)
        if setting is None:
            message = f"there is no setting {key!r:.120}: it is one of {', '.join(sorted(SETTINGS))}"
            raise InvalidInputError(message, field="key")
        if not setting.fits(value):
            message = f"{key} takes {setting.takes}: {setting.meaning}"
            raise InvalidInputError(message, field=key)
        with self._session.write("organization.edit") as connection:
            connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, json.dumps(value)))
            record(connection, self._session.actor.id, "setting", 0, f"{key} = {value}")
