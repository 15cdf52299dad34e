"""Settings of the whole installation: a closed list, each with its type, default and meaning."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import InvalidInputError
from data.changes import record

if TYPE_CHECKING:
    from core.session import Session


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its default, whose type every value must have, and what it does."""

    default: Any
    meaning: str


SETTINGS: dict[str, Setting] = {
    "file_roots": Setting([], "directories below which file:// inputs may lie (none: file:// is refused)"),
    "input_cache_size": Setting(50 * 1024**3, "bytes that the input cache may hold"),
    "no_output_timeout": Setting(8 * 3600, "seconds without output after which an execution is stopped, by default"),
    "stop_grace_period": Setting(30, "seconds between SIGTERM and SIGKILL when an execution is stopped"),
}


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
        """Change a setting."""
        if key not in SETTINGS:
            message = f"there is no setting {key!r}: it is one of {', '.join(sorted(SETTINGS))}"
            raise InvalidInputError(message, field="key")
        if type(value) is not type(SETTINGS[key].default):
            message = f"{key} takes a {type(SETTINGS[key].default).__name__}: {SETTINGS[key].meaning}"
            raise InvalidInputError(message, field=key)
        with self._session.write("organization.edit") as connection:
            connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, json.dumps(value)))
            record(connection, self._session.actor.id, "setting", 0, f"{key} = {value}")
