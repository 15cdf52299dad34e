"""Attempts: the rows that say how far the running of an execution has come."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import orjson

from core.scheduler.gpus import devices

if TYPE_CHECKING:
    import sqlite3

AttemptState = Literal["preparing", "running", "closed"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at running an execution, on a machine of this box, or of the host named `host` at `address`.

    `mounts` are what the step asked for besides its own directories: source, target and read_only of each. `lost`
    says why its machine is gone, where it is.
    """

    id: int
    execution_id: int
    number: int
    state: AttemptState
    cursor: dict[str, Any]
    machine_id: int
    machine: str
    host_id: int | None
    host: str
    address: str | None
    lost: str | None
    gpus: tuple[str, ...]
    mounts: list[dict[str, Any]]


def load(connection: sqlite3.Connection, attempt_id: int) -> Attempt:
    """Return an attempt as it stands."""
    row = connection.execute(
        "SELECT a.id, a.execution_id, a.number, a.state, a.cursor, m.id AS machine_id, m.name AS machine, m.host_id,"
        " coalesce(h.name, 'this machine') AS host, h.address, CASE m.state WHEN 'gone' THEN m.reason END AS lost,"
        " m.gpu_devices AS gpus, e.mounts FROM attempts a"
        " JOIN executions e ON e.id = a.execution_id JOIN machines m ON m.id = a.machine_id"
        " LEFT JOIN hosts h ON h.id = m.host_id WHERE a.id = ?",
        (attempt_id,),
    ).fetchone()
    read = {
        "cursor": orjson.loads(row["cursor"]),
        "gpus": tuple(devices(row["gpus"])),
        "mounts": orjson.loads(row["mounts"]),
    }
    return Attempt(**(dict(row) | read))


def is_open(connection: sqlite3.Connection, attempt_id: int) -> bool:
    """Tell whether an attempt is not closed: only then is its execution, and its machine, still its own to end."""
    row = connection.execute("SELECT 1 FROM attempts WHERE id = ? AND state != 'closed'", (attempt_id,)).fetchone()
    return row is not None


def open_attempts(connection: sqlite3.Connection) -> list[int]:
    """Return the ids of the attempts that are not closed."""
    rows = connection.execute("SELECT id FROM attempts INDEXED BY attempts_open WHERE state != 'closed'")
    return sorted(row[0] for row in rows)


def attempts_on(connection: sqlite3.Connection, host_id: int) -> list[int]:
    """Return the ids of the open attempts on a host."""
    rows = connection.execute(
        "SELECT a.id FROM attempts a INDEXED BY attempts_open JOIN machines m ON m.id = a.machine_id"
        " WHERE a.state != 'closed' AND m.host_id = ?",
        (host_id,),
    )
    return [row[0] for row in rows]


def stopping_attempts(connection: sqlite3.Connection) -> list[int]:
    """Return the ids of the open attempts of executions that were asked to stop."""
    rows = connection.execute(
        "SELECT a.id FROM executions e INDEXED BY executions_running JOIN attempts a ON a.execution_id = e.id"
        " WHERE e.status = 'stopping' AND e.status IN ('started', 'stopping') AND a.state != 'closed'"
    )
    return [row[0] for row in rows]


def note_running(connection: sqlite3.Connection, attempt_id: int, container_id: str) -> None:
    """Note that the container was started: from here on its absence is a loss, never a reason to make it again."""
    connection.execute(
        "UPDATE attempts SET state = 'running', container_id = ?, started_at = ? WHERE id = ? AND state = 'preparing'",
        (container_id, time.time(), attempt_id),
    )


def container_name(instance: str, execution_uuid: str, number: int) -> str:
    """Return the name of an attempt's container: the same at every call, so that the container is found again.

    It holds the execution's id, which no execution of a restored database can have too.
    """
    return f"shoal-{instance}-{execution_uuid.replace('-', '')}-{number}"
