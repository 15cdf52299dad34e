"""What goes on in the environments: the machines that are present, what runs on them, and what waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from core.environments import Environment
    from core.session import Session

_MACHINES = """
    SELECT m.id, m.name, m.state, m.state_at, v.slug, e.id, e.counter, e.step, p.name
    FROM machines m JOIN environments v ON v.id = m.environment_id
    LEFT JOIN executions e ON e.id = (SELECT r.id FROM executions r INDEXED BY executions_running
        WHERE r.status IN ('started', 'stopping') AND r.machine_id = m.id
        AND r.project_id IN (SELECT id FROM projects WHERE organization_id = :organization))
    LEFT JOIN projects p ON p.id = e.project_id
    WHERE m.state != 'gone' AND (:environment IS NULL OR m.environment_id = :environment)
    ORDER BY v.slug, m.id
"""


@dataclass(frozen=True, slots=True)
class Load:
    """An environment, and how many machines are present, executions run and executions wait in it."""

    environment: Environment
    machines: int
    running: int
    waiting: int


class PresentMachine(NamedTuple):
    """A machine that is present; what follows the environment is of the execution that it runs, if it runs one."""

    id: int
    name: str
    state: str
    state_at: float
    environment: str
    execution_id: int | None
    counter: int | None
    step: str | None
    project: str | None


class Queue(NamedTuple):
    """What waits in an environment for one person, and why."""

    user: str
    number: int
    reason: str


def loads(session: Session) -> Sequence[Load]:
    """Return every environment, by slug."""
    connection = session.read("environment.see")
    machines = _numbers(
        connection, "SELECT environment_id, count(*) FROM machines WHERE state != 'gone' GROUP BY environment_id"
    )
    running, waiting = (
        _numbers(
            connection,
            "SELECT environment_id, sum(number) FROM execution_counts"  # noqa: S608 - of constants
            f" WHERE status IN ({statuses}) GROUP BY environment_id",
        )
        for statuses in ("'started', 'stopping'", "'created', 'queued'")
    )
    return [
        Load(each, machines.get(each.id, 0), running.get(each.id, 0), waiting.get(each.id, 0))
        for each in session.environments.list()
    ]


def load(session: Session, environment: Environment) -> Load:
    """Return one environment."""
    return next(each for each in loads(session) if each.environment.id == environment.id)


def present_machines(session: Session, environment: Environment | None = None) -> Sequence[PresentMachine]:
    """Return the machines that are present, of one environment or of all, by environment and then oldest first."""
    rows = session.read("machine.see").execute(
        _MACHINES,
        {
            "organization": session.actor.organization_id,
            "environment": None if environment is None else environment.id,
        },
    )
    return [PresentMachine(*row) for row in rows]


def queues(session: Session, environment: Environment) -> Sequence[Queue]:
    """Return what waits in an environment, by person and reason, the longest queue first."""
    rows = session.read("environment.see").execute(
        "SELECT u.name, sum(n.number) AS waiting, coalesce(w.reason, 'the scheduler has not looked at it yet')"
        " FROM execution_counts n JOIN users u ON u.id = n.user_id LEFT JOIN waiting_reasons w"
        " ON w.environment_id = n.environment_id AND w.user_id = n.user_id AND w.status = n.status"
        " WHERE n.environment_id = ? AND n.status IN ('created', 'queued') GROUP BY 1, 3 HAVING waiting > 0"
        " ORDER BY waiting DESC, u.name",
        (environment.id,),
    )
    return [Queue(*row) for row in rows]


def _numbers(connection: sqlite3.Connection, query: str) -> dict[int, int]:
    return dict(tuple(row) for row in connection.execute(query))
