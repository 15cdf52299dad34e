"""What goes on in the environments: the machines that are present, what runs on them, and what waits."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from core.costs import cost_today, costs_today
from core.scheduler.reasons import SHOWN_REASON, UNSEEN

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from core.environments.environment import Environment
    from core.session import Session

_OLDEST = """
    SELECT v.id, e.created_at FROM environments v JOIN executions e ON e.id =
        (SELECT min(q.id) FROM executions q INDEXED BY executions_oldest
        WHERE q.environment_id = v.id AND q.status IN ('created', 'queued'))
"""


@dataclass(frozen=True, slots=True)
class Load:
    """An environment, its machines by what they do, and how many executions run and wait in it.

    A machine that takes no new work counts as `cordoned` while it runs nothing. `oldest` is when the execution was
    created that has waited longest (seconds since 1970), `cost_today` in millionths.
    """

    environment: Environment
    busy: int = 0
    idle: int = 0
    starting: int = 0
    cordoned: int = 0
    running: int = 0
    waiting: int = 0
    oldest: float | None = None
    cost_today: int = 0

    @property
    def machines(self) -> int:
        """How many machines are present."""
        return self.busy + self.idle + self.starting + self.cordoned

    @property
    def room(self) -> int:
        """How many more machines may come."""
        return max(0, self.environment.maximum_scale - self.machines) if self.environment.enabled else 0


class Queue(NamedTuple):
    """What waits in an environment for one person, and why."""

    user: str
    number: int
    reason: str


def loads(session: Session) -> Sequence[Load]:
    """Return every environment, by slug."""
    connection = session.read("environment.see")
    machines, executions = _machines(connection), _executions(connection)
    oldest = dict(map(tuple, connection.execute(_OLDEST)))
    today = {} if session.can("cost.see") else costs_today(session)
    return [
        Load(
            environment,
            **machines[environment.id],
            **executions[environment.id],
            oldest=oldest.get(environment.id),
            cost_today=today.get(environment.id, 0),
        )
        for environment in session.environments.list()
    ]


def load(session: Session, environment: Environment) -> Load:
    """Return one environment as it is now.

    Raises:
        NotFoundError: it was deleted.
    """
    connection = session.read("environment.see")
    now = session.environments.by_id(environment.id)
    oldest = connection.execute(f"{_OLDEST} WHERE v.id = ?", (now.id,)).fetchone()
    return Load(
        now,
        **_machines(connection, now.id)[now.id],
        **_executions(connection, now.id)[now.id],
        oldest=None if oldest is None else oldest[1],
        cost_today=0 if session.can("cost.see") else cost_today(session, now.id),
    )


_CALLED = {"idle": "idle", "starting": "starting", "created": "waiting", "queued": "waiting"}
"""What machines in a state, and executions with a status, are counted as, where they are not busy or running."""


def _machines(connection: sqlite3.Connection, environment_id: int | None = None) -> Mapping[int, Mapping[str, int]]:
    """Return how many machines of each environment are busy, idle, starting and cordoned."""
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for environment, state, cordoned, number in _rows(
        connection,
        "SELECT environment_id, state, cordoned, count(*) FROM machines WHERE state != 'gone' {} GROUP BY 1, 2, 3",
        environment_id,
    ):
        what = _CALLED.get(state, "busy")
        found[environment]["cordoned" if cordoned and what == "idle" else what] += number
    return found


def _executions(connection: sqlite3.Connection, environment_id: int | None = None) -> Mapping[int, Mapping[str, int]]:
    """Return how many executions of each environment run and wait."""
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for environment, status, number in _rows(
        connection,
        "SELECT environment_id, status, sum(number) FROM execution_counts"
        " WHERE status IN ('started', 'stopping', 'created', 'queued') {} GROUP BY 1, 2",
        environment_id,
    ):
        found[environment][_CALLED.get(status, "running")] += number
    return found


def _rows(connection: sqlite3.Connection, query: str, environment_id: int | None) -> sqlite3.Cursor:
    """Read of one environment, or of all."""
    if environment_id is None:
        return connection.execute(query.format(""))
    return connection.execute(query.format("AND environment_id = ?"), (environment_id,))


def queues(session: Session, environment: Environment) -> Sequence[Queue]:
    """Return what the actor's organization has waiting in an environment, by person and reason, most first."""
    rows = session.read("environment.see").execute(
        f"SELECT u.name, sum(n.number) AS waiting, coalesce({SHOWN_REASON}, '{UNSEEN}')"  # noqa: S608 - of constants
        " FROM execution_counts n JOIN projects p ON p.id = n.project_id AND p.organization_id = ?"
        " JOIN users u ON u.id = n.user_id LEFT JOIN waiting_reasons w"
        " ON w.environment_id = n.environment_id AND w.user_id = n.user_id AND w.team_id = n.team_id"
        " AND w.status = n.status"
        " WHERE n.environment_id = ? AND n.status IN ('created', 'queued') GROUP BY 1, 3 HAVING waiting > 0"
        " ORDER BY waiting DESC, u.name",
        (session.actor.organization_id, environment.id),
    )
    return [Queue(*row) for row in rows]
