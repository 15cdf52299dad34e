"""Steering what waits: its priority, and the environment that it waits for.

Everybody may steer what they created themselves; what belongs to others is steered by admins (`queue.steer`), since
whoever goes first makes others wait. What has been moved waits as if it were new: the plan looks at its quotas again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

from core.environments.environment import refuse_deleted
from core.errors import ConflictError, InvalidInputError, NotAllowedError, ShoalError
from core.executions.access import team_for
from core.executions.creation import PRIORITIES, check_open
from core.executions.mounts import check_kept
from core.executions.steering import WAITING
from core.executions.transitions import Place, add_event, count
from data.changes import record

if TYPE_CHECKING:
    from core.environments.environment import Environment
    from core.executions.steering import Steered
    from core.session import Session


class _Row(NamedTuple):
    id: int
    counter: int
    user_id: int
    user: str
    status: str
    priority: int
    environment_id: int
    environment: str
    team_id: int
    project_id: int
    mounts: str


def set_priority(session: Session, execution: Steered, priority: int) -> None:
    """Give an execution that waits a priority: 0 (normal) or 1 (high).

    Raises:
        InvalidInputError: there is no such priority, or its environment allows none.
        ConflictError: it does not wait any more.
        NotAllowedError: it is somebody else's.
    """
    if priority not in PRIORITIES:
        message = f"priority is {priority}: it is 0 (normal) or 1 (high)"
        raise InvalidInputError(message, field="priority")
    row = _checked(session, execution.id)
    if priority and not session.environments.get(row.environment).priority_allowed:
        message = f"the environment {row.environment!r} does not allow priorities"
        raise InvalidInputError(message, field="priority")
    with session.write("execution.reschedule") as connection:
        changed = connection.execute(
            "UPDATE executions SET priority = ? WHERE id = ? AND status IN ('created', 'queued') RETURNING status",
            (priority, row.id),
        ).fetchone()
        if changed is None:
            raise _too_late(row)
        what = "raised" if priority else "lowered"
        add_event(
            connection, row.id, "priority", f"{what} to {'high' if priority else 'normal'} by {session.actor.name}"
        )
        record(connection, session.actor.id, "execution", row.id, f"priority {what}", project_id=row.project_id)
    session.queue.forget()


def move(session: Session, execution: Steered, environment: str) -> None:
    """Have an execution that waits run in another environment.

    Raises:
        InvalidInputError: the other environment is disabled, or does not allow its priority or its mounts.
        ConflictError: it does not wait any more, or waits there already.
        NotAllowedError: it is somebody else's, or the other environment is not for its person, team or project.
        NotFoundError: there is no such environment.
    """
    row = _checked(session, execution.id)
    target = session.environments.get(environment)
    if target.id == row.environment_id:
        message = f"#{row.counter} waits for {target.slug} already"
        raise ConflictError(message, field="environment")
    team_id = _team_there(session, row, target)
    with session.write("execution.reschedule") as connection:
        refuse_deleted(connection, [target.id])
        before = connection.execute(
            "SELECT status, environment_id, team_id FROM executions WHERE id = ? AND status IN ('created', 'queued')",
            (row.id,),
        ).fetchone()
        if before is None:
            raise _too_late(row)
        connection.execute(
            "UPDATE executions SET environment_id = ?, team_id = ?, status = 'created', queued_at = NULL WHERE id = ?",
            (target.id, team_id, row.id),
        )
        place = Place(before["environment_id"], row.user_id, before["team_id"], row.project_id)
        count(connection, place, None, before["status"], -1)
        count(connection, Place(target.id, row.user_id, team_id, row.project_id), None, "created")
        add_event(connection, row.id, "moved", f"to {target.slug} by {session.actor.name}")
        record(connection, session.actor.id, "execution", row.id, f"moved to {target.slug}", project_id=row.project_id)
    session.queue.forget()


def refusal_there(session: Session, execution_id: int, target: Environment) -> str | None:
    """Return why an execution cannot run in an environment, None where it can."""
    row = _row(session, execution_id)
    try:
        _team_there(session, row, target)
    except ShoalError as error:
        return str(error)
    return None


def _row(session: Session, execution_id: int) -> _Row:
    session.executions.by_id(execution_id)
    row = (
        session.read("execution.see")
        .execute(
            "SELECT e.id, e.counter, e.user_id, u.name, e.status, e.priority, e.environment_id, v.slug, e.team_id,"
            " e.project_id, e.mounts FROM executions e JOIN users u ON u.id = e.user_id"
            " JOIN environments v ON v.id = e.environment_id WHERE e.id = ?",
            (execution_id,),
        )
        .fetchone()
    )
    return _Row(*row)


def _checked(session: Session, execution_id: int) -> _Row:
    """Return an execution that waits and that this person may steer."""
    session.require("execution.reschedule")
    row = _row(session, execution_id)
    if row.user_id != session.actor.id and session.can("queue.steer") is not None:
        message = f"#{row.counter} is {row.user}'s: they or an admin of the organization may do that"
        raise NotAllowedError(message, field="execution")
    if row.status not in WAITING:
        raise _too_late(row)
    return row


def _too_late(row: _Row) -> ConflictError:
    message = f"#{row.counter} does not wait any more: only what waits has a priority and can be moved"
    return ConflictError(message, field="execution")


def _team_there(session: Session, row: _Row, target: Environment) -> int:
    """Return the team for which an execution would count in an environment, all that creation asks being so."""
    check_open(target, row.priority)
    project = session.projects.by_id(row.project_id)
    person = None if row.user_id == session.actor.id else row.user
    team_id = team_for(session.read("environment.see"), project, row.user_id, target, person=person)
    check_kept(target, orjson.loads(row.mounts), session.home.root)
    return team_id
