"""An environment as the database has it, with its teams and its other names."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal

from core.environments.settings import LIMITS
from core.environments.values import TeamQuota
from core.errors import ConflictError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

SELECT = """
SELECT v.*,
    (SELECT json_group_array(alias) FROM (
        SELECT alias FROM environment_aliases WHERE environment_id = v.id ORDER BY alias)) AS aliases,
    (SELECT json_group_array(json_array(name, quota)) FROM (
        SELECT t.name, q.quota FROM environment_teams q JOIN teams t ON t.id = q.team_id
        WHERE q.environment_id = v.id ORDER BY t.name)) AS teams
FROM environments v WHERE v.deleted_at IS NULL
"""
"""Environments that are there; conditions on `v` follow."""

_FLAGS = ("enabled", "restart_lost", "personal_projects", "priority_allowed")


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment. `scale_down_grace_period` is in seconds, `price_per_hour` in millionths, `memory` in bytes.

    `gpu_devices` are joined by commas, `mount_roots` by newlines.
    """

    id: int
    uuid: str
    slug: str
    name: str
    description: str
    kind: Literal["local", "hosts"]
    enabled: bool
    minimum_scale: int
    maximum_scale: int
    scale_down_grace_period: float
    launch_timeout: float
    host_timeout: float
    restart_lost: bool
    per_user_quota: int
    access: Literal["everyone", "teams"]
    personal_projects: bool
    priority_allowed: bool
    price_per_hour: int
    cpus: float | None
    memory: int | None
    pids: int
    gpu_devices: str
    gpus_per_machine: int
    network: Literal["bridge", "host", "none"]
    isolation: Literal["standard", "strict"]
    mount_roots: str
    version: int
    created_at: float
    teams: tuple[TeamQuota, ...] = ()
    aliases: tuple[str, ...] = ()

    def quota_of(self, team: str | None) -> int | None:
        """Return how many machines a team may use at once, None for no limit; without a team: those of no team."""
        for each in self.teams:
            if each.team == team:
                return each.quota
        return 0 if self.access == "teams" else None


def from_row(row: sqlite3.Row) -> Environment:
    """Return the environment of a row of SELECT."""
    values = {field.name: row[field.name] for field in fields(Environment)}
    for name in _FLAGS:
        values[name] = bool(values[name])
    values["teams"] = tuple(TeamQuota(*each) for each in json.loads(row["teams"]))
    values["aliases"] = tuple(json.loads(row["aliases"]))
    return Environment(**values)


def refuse_deleted(connection: sqlite3.Connection, environment_ids: Iterable[int]) -> None:
    """Ask in the transaction that begins to refer to environments whether they were deleted since they were looked at.

    Raises:
        ConflictError: one was.
    """
    row = connection.execute(
        "SELECT slug FROM environments WHERE deleted_at IS NOT NULL AND id IN (SELECT value FROM json_each(?)) LIMIT 1",
        (json.dumps([*environment_ids]),),
    ).fetchone()
    if row is not None:
        message = f"the environment {row['slug']!r} was deleted just now: choose another"
        raise ConflictError(message, field="environment")


def limit_text(environment: Environment, name: str) -> str:
    """Return a limit as the text that sets it."""
    return LIMITS[name].write(getattr(environment, name))
