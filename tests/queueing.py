"""Queues for tests: people, what they have waiting, what runs and what ran, written as the rules would leave it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from core.executions.transitions import Place, count, start
from core.policy import Role
from core.projects.manifest import read_manifest
from core.projects.specification import specify
from core.scheduler import carry_out, machines
from core.scheduler.plan import plan
from core.scheduler.snapshot import snapshot
from core.session import Actor, Session
from data.identifiers import new_identifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.executions.estimates import Estimate
    from core.executions.execution import Execution
    from core.projects.service import Project
    from core.shoal import Shoal
    from tests.enacted import Enacted


class Queueing:
    """A project in which several people have work."""

    def __init__(self, shoal: Shoal, enacted: Enacted) -> None:
        self.shoal = shoal
        self.enacted = enacted
        self.admin = enacted.session
        self.system = shoal.system_session()

    def person(self, name: str, role: Role = Role.MEMBER, *, teams: tuple[str, ...] = ()) -> Session:
        """Return the session of somebody, who is added where they are not known yet."""
        organization = self.admin.actor.organization_id
        with self.system.write("execution.run") as connection:
            connection.execute(
                "INSERT OR IGNORE INTO users (uuid, name, created_at) VALUES (?, ?, 0)", (new_identifier(), name)
            )
            id_ = connection.execute("SELECT id FROM users WHERE name = ?", (name,)).fetchone()[0]
            connection.execute(
                "INSERT OR IGNORE INTO memberships VALUES (?, ?, ?, 0)",
                (organization, id_, "admin" if role is Role.ADMIN else "member"),
            )
            for team in teams:
                connection.execute("INSERT OR IGNORE INTO team_members VALUES (?, ?)", (self._team(team), id_))
        return Session(self.shoal.database, self.shoal.home, Actor(id_, name, role, organization))

    def _team(self, name: str) -> int:
        with self.system.write("execution.run") as connection:
            connection.execute(
                "INSERT OR IGNORE INTO teams (uuid, organization_id, name, created_at) VALUES (?, ?, ?, 0)",
                (new_identifier(), self.admin.actor.organization_id, name),
            )
            return int(connection.execute("SELECT id FROM teams WHERE name = ?", (name,)).fetchone()[0])

    def environment(
        self,
        slug: str = "local",
        *,
        teams: Mapping[str, int | None] | None = None,
        columns: Mapping[str, object] | None = None,
        **others: object,
    ) -> int:
        """Have an environment with these columns, and teams with their quotas; return its id."""
        with self.system.write("execution.run") as connection:
            connection.execute(
                "INSERT OR IGNORE INTO environments (uuid, slug, name, created_at) SELECT ?, ?, ?, 0"
                " WHERE NOT EXISTS (SELECT 1 FROM environments WHERE slug = ?)",
                (new_identifier(), slug, slug, slug),
            )
            id_ = connection.execute("SELECT id FROM environments WHERE slug = ?", (slug,)).fetchone()[0]
            for name, value in {**(columns or {}), **others}.items():
                connection.execute(f"UPDATE environments SET {name} = ? WHERE id = ?", (value, id_))  # noqa: S608
            for team, quota in (teams or {}).items():
                connection.execute(
                    "INSERT OR REPLACE INTO environment_teams VALUES (?, ?, ?)", (id_, self._team(team), quota)
                )
        return int(id_)

    def project(self, name: str) -> Project:
        """Return another project."""
        return self.admin.projects.create(name)

    def waits(
        self, session: Session, step: str = "train", *, priority: int = 0, environment: str | None = None
    ) -> Execution:
        """Let somebody create an execution."""
        specification = specify(read_manifest(self.enacted.commit.yaml), step, environment=environment)
        return session.executions.create(self.enacted.project, self.enacted.commit, specification, priority=priority)

    def ran(self, session: Session, step: str, *durations: float) -> None:
        """Have runs of a step that took so long."""
        for seconds in durations:
            execution = self.waits(session, step)
            self.enacted.ends(self.enacted.start(execution))
            with self.system.write("execution.run") as connection:
                connection.execute(
                    "UPDATE executions SET started_at = ended_at - ? WHERE id = ?", (seconds, execution.id)
                )
                connection.execute("UPDATE machines SET state = 'gone', gone_at = 1")

    def runs(self, execution: Execution, *, since: float = 0.0) -> Execution:
        """Let it run, since so many seconds."""
        started = self.enacted.start(execution)
        with self.system.write("execution.run") as connection:
            connection.execute("UPDATE executions SET started_at = ? WHERE id = ?", (time.time() - since, execution.id))
        return self.enacted.session.executions.by_id(started.id)

    def served(self, *sessions: Session, environment_id: int = 1) -> None:
        """Have had these people be served, one after the other."""
        with self.system.write("execution.run") as connection:
            connection.execute("DELETE FROM last_served WHERE environment_id = ?", (environment_id,))
            for turn, session in enumerate(sessions, 1):
                connection.execute("INSERT INTO last_served VALUES (?, ?, ?)", (environment_id, session.actor.id, turn))

    def planned(self) -> None:
        """Let the plan look at it once, without a machine being there: it says why all of them wait."""
        with self.system.write("execution.run") as connection:
            decision = plan(snapshot(connection, {}), time.time())
            carry_out.carry_out(connection, decision)
            carry_out.write_reasons(connection, carry_out.reasons_of(decision))

    def empty(self) -> None:
        """Take everything away that waits, runs or ran."""
        tables = ("execution_events", "attempts", "machine_usage", "execution_counts", "waiting_reasons", "last_served")
        with self.system.write("execution.run") as connection:
            for table in (*tables, "executions", "machines", "environment_teams"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608

    def write(self, session: Session, *, priority: int, team_id: int, status: str, environment_id: int) -> int:
        """Write a row as it may lie there, whatever the rules of creation say; return its id."""
        execution = self.waits(session)
        with self.system.write("execution.run") as connection:
            query = "SELECT team_id FROM executions WHERE id = ?"
            team_before = connection.execute(query, (execution.id,)).fetchone()[0]
            connection.execute(
                "UPDATE executions SET priority = ?, team_id = ?, status = ?, environment_id = ? WHERE id = ?",
                (priority, team_id, "queued" if status == "started" else status, environment_id, execution.id),
            )
            project = execution.project_id
            counted = Place(execution.environment_id, session.actor.id, team_before, project)
            count(connection, counted, None, "created", -1)
            place = Place(environment_id, session.actor.id, team_id, project)
            count(connection, place, None, "queued" if status == "started" else status)
            if status == "started":
                machine = machines.launch(connection, environment_id)
                assert machine is not None
                machines.lease(connection, machine)
                assert start(connection, execution.id, machine) is not None
        return execution.id


def place_in_queue(session: Session, execution: Execution) -> int | None:
    """Return the place that somebody is told of an execution; None without a place."""
    row = session.queue.row(execution.id)
    return None if row is None else row.place


def estimate(session: Session, execution: Execution) -> Estimate | None:
    """Return what somebody is told of when one that waits starts, or one that runs ends."""
    row = session.queue.row(execution.id)
    return None if row is None else row.estimate
