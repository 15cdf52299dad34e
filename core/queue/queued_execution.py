"""What waits or runs, as a queue lists it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from core.executions.steering import WAITING
from core.scheduler.reasons import reason_text

if TYPE_CHECKING:
    from core.executions.estimates import Estimate


@dataclass(frozen=True, slots=True)
class QueuedExecution:
    """One that waits or runs, as it was read at `read_at`; `place` is None where it runs, or a quota keeps it."""

    id: int
    number: int
    project_id: int
    project: str
    step: str
    title: str | None
    user_id: int
    user: str
    team_id: int
    team: str
    environment_id: int
    environment: str
    status: str
    priority: int
    whose: str
    code: str
    reason_template: str
    reason_since: float | None
    created_at: float
    started_at: float | None
    machine: str | None
    read_at: float
    place: int | None = None
    estimate: Estimate | None = None

    @property
    def waits(self) -> bool:
        """Whether it waits."""
        return self.status in WAITING

    @property
    def reason(self) -> str:
        """Why it waits, or where it runs, as it was when this was read."""
        return self.reason_at(self.read_at)

    def reason_at(self, now: float) -> str:
        """Return why it waits at a moment, or where it runs."""
        if self.waits:
            return reason_text(self.reason_template, self.whose, self.reason_since, now)
        return " · ".join(filter(None, (self.reason_template, self.machine)))

    def age(self, now: float) -> float:
        """Return for how long it has waited, or runs."""
        return max(0.0, now - (self.created_at if self.waits or self.started_at is None else self.started_at))


class Group(NamedTuple):
    """How much runs and waits of one environment, person, project or team, and since when the oldest waits."""

    id: int
    name: str
    running: int
    waiting: int
    oldest: float | None


class Ahead(NamedTuple):
    """One that waits, as far as others want to know who goes before them."""

    id: int
    user_id: int
    user: str
    priority: int


ROWS = """
    SELECT e.id, e.counter AS number, e.project_id, p.name AS project, e.step, e.title, e.user_id, u.name AS user,
        e.team_id, coalesce(t.name, '') AS team, e.environment_id, v.slug AS environment, e.status, e.priority,
        coalesce(w.code, '') AS code, coalesce(w.reason, '') AS reason, w.since, e.status_detail, e.created_at,
        e.started_at, m.name AS machine
    FROM json_each(:ids) g CROSS JOIN executions e ON e.id = g.value CROSS JOIN projects p ON p.id = e.project_id
    CROSS JOIN users u ON u.id = e.user_id CROSS JOIN environments v ON v.id = e.environment_id
    LEFT JOIN teams t ON t.id = e.team_id LEFT JOIN machines m ON m.id = e.machine_id
    LEFT JOIN waiting_reasons w ON w.environment_id = e.environment_id AND w.user_id = e.user_id
        AND w.team_id = e.team_id AND w.status = e.status
    WHERE p.organization_id = :organization AND e.status IN ('created', 'queued', 'started', 'stopping')
"""
"""Those of `:ids` that wait or run in an organization; the columns are the fields, and what the reason is made of."""
