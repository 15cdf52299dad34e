"""Who may use an environment, and for which team what they run there counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import NotAllowedError

if TYPE_CHECKING:
    import sqlite3

    from core.environments.environment import Environment
    from core.projects.service import Project

NO_TEAM = 0
"""The `team_id` of an execution that counts for no team."""


def team_for(
    connection: sqlite3.Connection,
    project: Project,
    user_id: int,
    environment: Environment,
    *,
    person: str | None = None,
) -> int:
    """Return the team for which an execution of a project counts in an environment, NO_TEAM for none.

    A refusal is told to the one whose it is, else to somebody else about that `person`.

    That is the project's team, else the first by name of the person's teams that may use the environment.

    Raises:
        NotAllowedError: says who may use it.
    """
    if project.personal and not environment.personal_projects:
        message = (
            f"the environment {environment.slug!r} is not for personal projects, and {project.name!r} is one:"
            " choose another with --environment, or ask an admin"
        )
        raise NotAllowedError(message, field="environment")
    teams = _teams(connection, project, user_id)
    for name, team_id in teams:
        if environment.quota_of(name) != 0:
            return team_id
    if not teams and environment.quota_of(None) != 0:
        return NO_TEAM
    raise NotAllowedError(_refusal(project, environment, [name for name, _ in teams], person), field="environment")


def _teams(connection: sqlite3.Connection, project: Project, user_id: int) -> list[tuple[str, int]]:
    if project.team_id is not None:
        rows = connection.execute("SELECT name, id FROM teams WHERE id = ?", (project.team_id,))
    else:
        rows = connection.execute(
            "SELECT t.name, t.id FROM teams t JOIN team_members m ON m.team_id = t.id WHERE m.user_id = ?"
            " AND t.organization_id = ? ORDER BY t.name",
            (user_id, project.organization_id),
        )
    return [(row[0], row[1]) for row in rows]


def _refusal(project: Project, environment: Environment, teams: list[str], person: str | None) -> str:
    if project.team_id is not None:
        who = (
            f"the project {project.name!r} belongs to the team {teams[0]!r}, which may not use"
            if teams
            else f"{person or 'you'} may not use"
        )
    elif teams:
        whose = "your" if person is None else f"{person}'s"
        who = f"{whose} {'teams' if len(teams) > 1 else 'team'} {', '.join(map(repr, teams))} may not use"
    else:
        who = f"{'you are' if person is None else f'{person} is'} in no team, and only teams may use"
    allowed = [each.team for each in environment.teams if each.quota != 0]
    for_whom = f": it is for {', '.join(map(repr, allowed))}" if allowed and environment.access == "teams" else ""
    return f"{who} the environment {environment.slug!r}{for_whom}; choose another with --environment, or ask an admin"
