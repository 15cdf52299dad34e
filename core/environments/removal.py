"""Taking an environment away: nothing that waits, runs or refers to it is lost on the way."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.executions.access import team_for
from core.executions.mounts import check_kept
from core.executions.transitions import Place, count
from core.text import some_of
from data.changes import record, record_many

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from core.environments.environment import Environment
    from core.session import Session

_SHOWN = 5


def remove(session: Session, environment: Environment, target: Environment | None) -> int:
    """Delete an environment, moving what waits there to `target` (None: nothing may wait); return how many moved.

    Raises:
        ConflictError: says all that keeps it; nothing was done.
        InvalidInputError: what waits cannot be moved to the target; nothing was done.
    """
    if target is not None and target.id == environment.id:
        message = f"what waits in {environment.slug!r} cannot be moved to itself: name another environment"
        raise InvalidInputError(message, field="move_to")
    with session.write("environment.edit") as connection:
        _refuse_gone(connection, environment, "environment")
        if target is not None:
            _refuse_gone(connection, target, "move_to")
            target = session.environments.get(target.uuid)
        waiting = _number(connection, environment.id, "created", "queued")
        reasons = [*_reasons(connection, environment)]
        if waiting and target is None:
            reasons.append(f"{_executions(waiting)} there (--move-to OTHER moves what waits to another environment)")
        if reasons:
            message = f"the environment {environment.slug!r} cannot be deleted: {'; '.join(reasons)}"
            raise ConflictError(message, field="environment")
        if target is not None and waiting:
            _move(session, connection, environment, target)
        _hide(connection, environment)
        moved = f", what waited was moved to {target.slug}: {waiting}" if target is not None and waiting else ""
        record(connection, session.actor.id, "environment", environment.id, f"deleted{moved}")
    return waiting


def _refuse_gone(connection: sqlite3.Connection, environment: Environment, field: str) -> None:
    row = connection.execute(
        "SELECT 1 FROM environments WHERE id = ? AND deleted_at IS NULL", (environment.id,)
    ).fetchone()
    if row is None:
        message = f"the environment {environment.slug!r} was deleted meanwhile"
        raise NotFoundError(message, field=field)


def _executions(number: int) -> str:
    return "1 execution waits" if number == 1 else f"{number:,} executions wait"


def _reasons(connection: sqlite3.Connection, environment: Environment) -> Iterator[str]:
    running = _number(connection, environment.id, "started", "stopping")
    if running:
        what = "1 execution runs" if running == 1 else f"{running:,} executions run"
        yield f"{what} there: wait for the end, or stop them"
    hosts = connection.execute(
        "SELECT name FROM hosts WHERE environment_id = ? AND deleted_at IS NULL ORDER BY name", (environment.id,)
    )
    if names := [row["name"] for row in hosts]:
        yield f"hosts belong to it: {some_of(names, _SHOWN)}"
    if connection.execute("SELECT 1 FROM organizations WHERE default_environment_id = ?", (environment.id,)).fetchone():
        yield "it is the default environment: make another one that first"
    projects = connection.execute(
        "SELECT name FROM projects WHERE default_environment_id = ? ORDER BY name", (environment.id,)
    )
    if names := [row["name"] for row in projects]:
        yield f"it is the default of projects: {some_of(names, _SHOWN)}"


def _number(connection: sqlite3.Connection, environment_id: int, *statuses: str) -> int:
    row = connection.execute(
        "SELECT coalesce(sum(number), 0) FROM execution_counts WHERE environment_id = ?"
        " AND status IN (SELECT value FROM json_each(?))",
        (environment_id, json.dumps(statuses)),
    ).fetchone()
    return int(row[0])


def _move(session: Session, connection: sqlite3.Connection, environment: Environment, target: Environment) -> None:
    """Have all that waits wait for the target, as if it were new there: quotas and teams are others."""
    groups = connection.execute(
        "SELECT user_id, u.name AS person, project_id, sum(number) AS number FROM execution_counts"
        " JOIN users u ON u.id = user_id"
        " WHERE environment_id = ? AND status IN ('created', 'queued') AND number > 0 GROUP BY user_id, project_id",
        (environment.id,),
    ).fetchall()
    _check(session, connection, environment, target)
    connection.execute(
        "UPDATE execution_counts SET number = 0 WHERE environment_id = ? AND status IN ('created', 'queued')",
        (environment.id,),
    )
    told = f"to {target.slug}, since {environment.slug} was deleted by {session.actor.name}"
    for group in groups:
        project = session.projects.by_id(group["project_id"])
        person = None if group["user_id"] == session.actor.id else group["person"]
        team = team_for(connection, project, group["user_id"], target, person=person)
        ids = connection.execute(
            "UPDATE executions SET environment_id = :target, team_id = :team, status = 'created', queued_at = NULL,"
            " priority = priority * :priorities WHERE environment_id = :environment AND user_id = :user"
            " AND project_id = :project AND status IN ('created', 'queued') RETURNING id",
            {
                "target": target.id,
                "team": team,
                "priorities": target.priority_allowed,
                "environment": environment.id,
                "user": group["user_id"],
                "project": project.id,
            },
        ).fetchall()
        count(connection, Place(target.id, group["user_id"], team, project.id), None, "created", group["number"])
        now = time.time()
        connection.executemany(
            "INSERT INTO execution_events (execution_id, at, kind, message) VALUES (?, ?, 'moved', ?)",
            ((row["id"], now, told) for row in ids),
        )
        actor, what = session.actor.id, f"moved to {target.slug}"
        record_many(connection, ((actor, "execution", row["id"], what, project.id) for row in ids))


def _check(session: Session, connection: sqlite3.Connection, environment: Environment, target: Environment) -> None:
    if not target.enabled:
        message = f"the environment {target.slug!r} is disabled: turn it on first, or name another"
        raise InvalidInputError(message, field="move_to")
    mounted = connection.execute(
        "SELECT min(counter), mounts FROM executions WHERE environment_id = ? AND status IN ('created', 'queued')"
        " AND mounts != '[]' GROUP BY mounts",
        (environment.id,),
    )
    for counter, mounts in mounted:
        try:
            check_kept(target, json.loads(mounts), session.home.root)
        except InvalidInputError as error:
            message = f"#{counter} cannot be moved, stop it first: {error}"
            raise InvalidInputError(message, field="move_to") from error


def _hide(connection: sqlite3.Connection, environment: Environment) -> None:
    from core.scheduler.machines import terminate  # noqa: PLC0415

    present = connection.execute(
        "SELECT id, name, state FROM machines WHERE environment_id = ? AND state != 'gone'", (environment.id,)
    ).fetchall()
    for machine in present:
        if not terminate(connection, machine["id"]):
            message = (
                f"the environment {environment.slug!r} cannot be deleted: its machine {machine['name']} is"
                f" {machine['state']}; disable it and wait until its machines have left"
            )
            raise ConflictError(message, field="environment")
    for table in ("environment_aliases", "environment_teams", "waiting_reasons"):
        connection.execute(f"DELETE FROM {table} WHERE environment_id = ?", (environment.id,))  # noqa: S608 - of constants
    connection.execute(
        "UPDATE environments SET deleted_at = ?, version = version + 1 WHERE id = ?", (time.time(), environment.id)
    )
