"""Environments: kinds of machines, and the limits within which they come and go."""

from __future__ import annotations

import math
import os
import re
import sqlite3
import time
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.quantities import read_seconds
from data.changes import record
from data.identifiers import new_identifier

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from core.session import Session


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment. `scale_down_grace_period` is in seconds, `price_per_hour` in millionths, `memory` in bytes."""

    id: int
    uuid: str
    slug: str
    name: str
    kind: Literal["local"]
    enabled: bool
    minimum_scale: int
    maximum_scale: int
    scale_down_grace_period: float
    per_user_quota: int
    priority_allowed: bool
    price_per_hour: int
    cpus: float | None
    memory: int | None
    pids: int
    network: Literal["bridge", "host", "none"]
    isolation: Literal["standard", "strict"]
    created_at: float


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that is present in an environment, and the execution that it runs."""

    id: int
    name: str
    environment_id: int
    state: str
    state_at: float
    execution_id: int | None


@dataclass(frozen=True, slots=True)
class Limit:
    """One thing that can be set: how its text is read, and what it means."""

    read: Callable[[str], Any]
    meaning: str


def _whole(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 100_000:
        raise ValueError
    return value


def _flag(text: str) -> bool:
    return {"on": True, "yes": True, "true": True, "1": True, "off": False, "no": False, "false": False, "0": False}[
        text.lower()
    ]


def _seconds(text: str) -> float:
    seconds = read_seconds(text)
    if seconds > LONGEST_GRACE:
        raise ValueError
    return seconds


def _money(text: str) -> int:
    value = float(text)
    if not 0 <= value <= 1e6:
        raise ValueError
    return round(value * 1_000_000)


def _pids(text: str) -> int:
    value = _whole(text)
    if value < 10:
        raise ValueError
    return value


def _cpus(text: str) -> float | None:
    if text in ("", "all"):
        return None
    value = float(text)
    # Docker makes no container with more CPUs than the box has.
    if not (math.isfinite(value) and 0.01 <= value <= (os.cpu_count() or 1)):
        raise ValueError
    return value


def _memory(text: str) -> int | None:
    if text in ("", "all"):
        return None
    match = re.fullmatch(r"(\d+)\s*([kmgt]?)(?:i?b)?", text.strip().lower())
    if match is None:
        raise ValueError
    value: int = int(match[1]) * 1024 ** " kmgt".index(match[2] or " ")
    if not 6 * 1024**2 <= value <= 1024**5:
        raise ValueError
    return value


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError
        return text

    return read


def _name(text: str) -> str:
    if not 1 <= len(text) <= 80 or not text.isprintable():
        raise ValueError
    return text


LONGEST_GRACE = 365 * 86400.0

LIMITS: dict[str, Limit] = {
    "name": Limit(_name, "1 to 80 printable characters"),
    "enabled": Limit(_flag, "on or off"),
    "minimum_scale": Limit(_whole, "machines always kept once launched, a whole number"),
    "maximum_scale": Limit(_whole, "machines at most, a whole number"),
    "scale_down_grace_period": Limit(_seconds, "how long an idle machine is kept: seconds, or 90s, 15m, 2h"),
    "per_user_quota": Limit(_whole, "machines that one user may use at once, 0 for no limit"),
    "priority_allowed": Limit(_flag, "on or off"),
    "price_per_hour": Limit(_money, "price of one machine hour, such as 1.25"),
    "cpus": Limit(_cpus, "CPUs of one machine, at most those of this box, such as 2 or 0.5, or all"),
    "memory": Limit(_memory, "memory of one machine, at least 6m, such as 512m or 8g, or all"),
    "pids": Limit(_pids, "processes that one machine may run, a whole number from 10 on"),
    "network": Limit(_one_of("bridge", "host", "none"), "bridge, host or none"),
    "isolation": Limit(_one_of("standard", "strict"), "standard or strict"),
}


class Environments:
    """Reads and changes environments."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list(self) -> Sequence[Environment]:
        """Return every environment, by slug."""
        rows = self._session.read("environment.see").execute("SELECT * FROM environments ORDER BY slug")
        return [_environment(row) for row in rows]

    def get(self, reference: str) -> Environment:
        """Return the environment with this slug or uuid."""
        row = (
            self._session.read("environment.see")
            .execute("SELECT * FROM environments WHERE slug = ? OR uuid = ?", (reference, reference))
            .fetchone()
        )
        if row is None:
            slugs = ", ".join(environment.slug for environment in self.list())
            message = f"there is no environment {reference!r}: it is one of {slugs}"
            raise NotFoundError(message, field="environment")
        return _environment(row)

    def exists(self, reference: str) -> bool:
        """Tell whether there is an environment with this slug or uuid."""
        query = "SELECT 1 FROM environments WHERE slug = ? OR uuid = ?"
        return self._session.read("environment.see").execute(query, (reference, reference)).fetchone() is not None

    def choose(self, reference: str | None, project_default: int | None) -> Environment:
        """Return the environment asked for, else the project's default, else the organization's."""
        if reference is not None:
            return self.get(reference)
        row = (
            self._session.read("environment.see")
            .execute(
                "SELECT * FROM environments WHERE id = coalesce(?,"
                " (SELECT default_environment_id FROM organizations WHERE id = ?))",
                (project_default, self._session.actor.organization_id),
            )
            .fetchone()
        )
        if row is None:
            message = "there is no default environment: name one with --environment"
            raise NotFoundError(message, field="environment")
        return _environment(row)

    def machines(self, environment: Environment) -> Sequence[Machine]:
        """Return the machines that are present, oldest first."""
        rows = self._session.read("machine.see").execute(
            "SELECT m.id, m.name, m.environment_id, m.state, m.state_at,"
            " (SELECT e.id FROM executions e WHERE e.machine_id = m.id AND e.status IN ('started', 'stopping'))"
            " FROM machines m WHERE m.environment_id = ? AND m.state != 'gone' ORDER BY m.id",
            (environment.id,),
        )
        return [Machine(*row) for row in rows]

    def waiting(self, environment: Environment) -> int:
        """Return how many executions wait for this environment."""
        row = (
            self._session.read("environment.see")
            .execute(
                "SELECT coalesce(sum(number), 0) FROM execution_counts WHERE environment_id = ?"
                " AND status IN ('created', 'queued')",
                (environment.id,),
            )
            .fetchone()
        )
        return int(row[0])

    def create(self, slug: str, **limits: str) -> Environment:
        """Add an environment of local machines.

        Raises:
            InvalidInputError: names the limit that is wrong.
            ConflictError: the slug is taken.
        """
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", slug):
            message = f"{slug!r} cannot be a slug: use a-z, 0-9 and -, at most 63 characters"
            raise InvalidInputError(message, field="slug")
        self._session.require("environment.edit")
        values = _read({"name": slug, **limits})
        try:
            with self._session.write("environment.edit") as connection:
                cursor = connection.execute(
                    "INSERT INTO environments (uuid, slug, name, created_at) VALUES (?, ?, ?, ?)",
                    (new_identifier(), slug, values.pop("name"), time.time()),
                )
                record(connection, self._session.actor.id, "environment", cursor.lastrowid or 0, "created")
                self._update(connection, cursor.lastrowid or 0, values)
        except sqlite3.IntegrityError as error:
            raise _integrity(error, slug) from error
        return self.get(slug)

    def set(self, slug: str, **limits: str) -> Environment:
        """Change limits, given as text; a change acts at the next look of the scheduler, and never ends what runs.

        Raises:
            InvalidInputError: names the limit that is wrong; nothing was changed.
        """
        environment = self.get(slug)
        values = _read(limits)
        try:
            with self._session.write("environment.edit") as connection:
                self._update(connection, environment.id, values)
        except sqlite3.IntegrityError as error:
            raise _integrity(error, slug) from error
        return self.get(slug)

    def _update(self, connection: sqlite3.Connection, environment_id: int, values: dict[str, Any]) -> None:
        if not values:
            return
        # The names come from LIMITS, never from outside.
        assignments = ", ".join(f"{name} = ?" for name in values)
        connection.execute(f"UPDATE environments SET {assignments} WHERE id = ?", (*values.values(), environment_id))  # noqa: S608
        what = ", ".join(f"{name} = {value}" for name, value in values.items())
        record(connection, self._session.actor.id, "environment", environment_id, what)


def read_limit(name: str, text: str) -> Any:  # noqa: ANN401 - the type is that of the Environment's attribute
    """Return the value of the limit called `name` that a text gives.

    Raises:
        InvalidInputError: there is no such limit, or it does not take the text.
    """
    limit = LIMITS.get(name)
    if limit is None:
        message = f"there is no limit {name!r}: it is one of {', '.join(LIMITS)}"
        raise InvalidInputError(message, field=name)
    try:
        return limit.read(text)
    except (ValueError, KeyError, OverflowError) as error:
        message = f"{name} cannot be {text!r}: it takes {limit.meaning}"
        raise InvalidInputError(message, field=name) from error


def _read(limits: dict[str, str]) -> dict[str, Any]:
    return {name: read_limit(name, text) for name, text in limits.items()}


def _integrity(error: sqlite3.IntegrityError, slug: str) -> InvalidInputError | ConflictError:
    if "minimum_scale <= maximum_scale" in str(error):
        return InvalidInputError("minimum_scale would be above maximum_scale: change both", field="minimum_scale")
    return ConflictError(f"there is an environment {slug!r} already", field="slug")


def _environment(row: sqlite3.Row) -> Environment:
    values = {field.name: row[field.name] for field in fields(Environment)}
    values["enabled"] = bool(values["enabled"])
    values["priority_allowed"] = bool(values["priority_allowed"])
    return Environment(**values)
