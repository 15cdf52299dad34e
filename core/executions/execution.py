"""What is known of one execution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import orjson

from core.scheduler.reasons import SHOWN_REASON, UNSEEN

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

Status = Literal["created", "queued", "started", "stopping", "complete", "error", "stopped", "crashed"]

STATUSES: tuple[Status, ...] = (
    "created",
    "queued",
    "started",
    "stopping",
    "complete",
    "error",
    "stopped",
    "crashed",
)
FINAL: frozenset[Status] = frozenset({"complete", "error", "stopped", "crashed"})


class Execution(NamedTuple):
    """One execution; `reason` says why it waits or how it ended, `cost` is in millionths, `duration` in seconds."""

    id: int
    uuid: str
    project_id: int
    counter: int
    commit_id: int
    commit: str
    adhoc: bool
    environment_id: int
    environment: str
    user_id: int
    user: str
    copied_from: int | None
    step: str
    title: str | None
    status: Status
    reason: str
    priority: int
    image: str
    image_digest: str | None
    command: list[str]
    parameters: dict[str, Any]
    environment_variables: dict[str, str]
    time_limit: float | None
    no_output_timeout: float | None
    stop_condition: str | None
    store_id: int
    created_at: float
    queued_at: float | None
    started_at: float | None
    ended_at: float | None
    machine_id: int | None
    machine: str | None
    exit_code: int | None
    out_of_memory: bool
    cost: int | None
    log_bytes: int
    log_lines: int
    tags: tuple[str, ...]

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in FINAL

    def duration(self, now: float) -> float | None:
        """Return how long it ran, or has run at `now`; None before it started."""
        return None if self.started_at is None else (self.ended_at or now) - self.started_at


class ExecutionInput(NamedTuple):
    """One file of an input: what was asked for, what it resolved to, where it lies below the input's directory."""

    name: str
    position: int
    requested: str
    uri: str
    path: str
    file_id: int | None
    size: int | None
    md5: str | None
    sha1: str | None
    sha256: str | None


class Event(NamedTuple):
    """Something that happened to an execution."""

    at: float
    kind: str
    message: str


def beginnings(execution: Execution) -> Iterator[Event]:
    """Yield how an execution came to run, as its own times tell it: what happened later was written down."""
    yield Event(execution.created_at, "created", f"by {execution.user}")
    if execution.queued_at is not None:
        yield Event(execution.queued_at, "queued", f"for {execution.environment}")
    if execution.started_at is not None:
        yield Event(execution.started_at, "started", f"on {execution.machine}" if execution.machine else "")


# CROSS JOIN keeps the order of the joins: executions are read in the order asked for, and only as many as that.
# More conditions follow; `:organization` is the actor's.
SELECT = f"""
SELECT e.id, e.uuid, e.project_id, e.counter, e.commit_id, c.identifier, c.adhoc, e.environment_id, v.slug,
    e.user_id, u.name, e.copied_from, e.step, e.title, e.status,
    CASE WHEN e.status IN ('created', 'queued') THEN coalesce({SHOWN_REASON}, '{UNSEEN}')
        ELSE e.status_detail END,
    e.priority, e.image, e.image_digest, e.command, e.parameters, e.environment_variables, e.time_limit,
    e.no_output_timeout, e.stop_condition, e.store_id, e.created_at, e.queued_at, e.started_at, e.ended_at,
    e.machine_id, m.name, e.exit_code, e.out_of_memory, e.cost, e.log_bytes, e.log_lines,
    (SELECT group_concat(t.tag, char(31)) FROM execution_tags t WHERE t.execution_id = e.id)
FROM executions e
CROSS JOIN commits c ON c.id = e.commit_id
CROSS JOIN environments v ON v.id = e.environment_id
CROSS JOIN users u ON u.id = e.user_id
LEFT JOIN machines m ON m.id = e.machine_id
CROSS JOIN projects p ON p.id = e.project_id
LEFT JOIN waiting_reasons w ON w.environment_id = e.environment_id AND w.user_id = e.user_id AND w.team_id = e.team_id
    AND w.status = e.status
WHERE p.organization_id = :organization
"""  # noqa: S608 - made of constants


def from_row(row: sqlite3.Row) -> Execution:
    """Make an Execution from a row of SELECT."""
    values = list(row)
    values[6] = bool(values[6])
    for column in (19, 20, 21):
        values[column] = orjson.loads(values[column])
    values[33] = bool(values[33])
    values[37] = tuple(values[37].split("\x1f")) if values[37] else ()
    return Execution(*values)
