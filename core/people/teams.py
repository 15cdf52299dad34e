"""Teams: people who share quotas of machines and own projects together."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.text import some_of
from data.changes import record
from data.identifiers import new_identifier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.session import Session

LONGEST_NAME = 80
_QUOTA_AT_END = re.compile(r" -?[\d.]+$", re.ASCII)

_SELECT = """
SELECT t.id, t.uuid, t.name, t.created_at,
    (SELECT json_group_array(name) FROM (SELECT u.name FROM team_members m JOIN users u ON u.id = m.user_id
        WHERE m.team_id = t.id ORDER BY u.name)) AS members,
    (SELECT json_group_array(name) FROM (SELECT name FROM projects WHERE team_id = t.id ORDER BY name)) AS projects,
    (SELECT json_group_array(slug) FROM (SELECT v.slug FROM environment_teams q
        JOIN environments v ON v.id = q.environment_id AND v.deleted_at IS NULL
        WHERE q.team_id = t.id ORDER BY v.slug)) AS environments
FROM teams t WHERE t.organization_id = ?
"""


@dataclass(frozen=True, slots=True)
class Team:
    """A team, with the names of its members and projects, and of the environments that have a quota for it."""

    id: int
    uuid: str
    name: str
    created_at: float
    members: tuple[str, ...]
    projects: tuple[str, ...]
    environments: tuple[str, ...]


class Teams:
    """The teams of the actor's organization."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list(self) -> Sequence[Team]:
        """Return every team, by name."""
        rows = self._session.read("team.see").execute(
            f"{_SELECT} ORDER BY t.name", (self._session.actor.organization_id,)
        )
        return [_team(row) for row in rows]

    def get(self, name: str) -> Team:
        """Return the team of this name or uuid.

        Raises:
            NotFoundError: there is none; the message says which there are.
        """
        for team in self.list():
            if name in (team.name, team.uuid):
                return team
        there = some_of([team.name for team in self.list()]) or "none: `shoal teams add NAME` makes one"
        message = f"there is no team {name!r:.120}; teams: {there}"
        raise NotFoundError(message, field="team")

    def create(self, name: str, members: Sequence[str] = ()) -> Team:
        """Make a team of these people.

        Raises:
            InvalidInputError: the name cannot be, or there is no such person.
            ConflictError: there is a team of that name.
        """
        name, actor = checked_team_name(name), self._session.actor
        with self._session.write("team.edit") as connection:
            try:
                team_id = connection.execute(
                    "INSERT INTO teams (uuid, organization_id, name, created_at) VALUES (?, ?, ?, ?) RETURNING id",
                    (new_identifier(), actor.organization_id, name, time.time()),
                ).fetchone()[0]
            except sqlite3.IntegrityError as error:
                raise _taken(name) from error
            self._put(connection, team_id, members)
            record(connection, actor.id, "team", team_id, _told("created", members))
        return self.get(name)

    def set(self, team: Team, *, name: str | None = None, members: Sequence[str] | None = None) -> Team:
        """Give a team, as somebody saw it, another name, or other members.

        Raises:
            InvalidInputError: the name cannot be, or there is no such person.
            ConflictError: there is a team of that name, or what is to be changed was changed since it was seen.
        """
        told = []
        with self._session.write("team.edit") as connection:
            self._refuse_changed(team, name=name is not None, members=members is not None)
            if name is not None and (name := checked_team_name(name)) != team.name:
                try:
                    connection.execute("UPDATE teams SET name = ? WHERE id = ?", (name, team.id))
                except sqlite3.IntegrityError as error:
                    raise _taken(name) from error
                told.append(f"name: {team.name} → {name}")
            if members is not None and sorted(members) != [*team.members]:
                self._put(connection, team.id, members)
                told.append(f"members: {', '.join(team.members) or 'none'} → {', '.join(sorted(members)) or 'none'}")
            if told:
                record(connection, self._session.actor.id, "team", team.id, "; ".join(told))
        return self.get(name or team.name)

    def delete(self, team: Team) -> None:
        """Take a team away; what ran for it stays counted under it.

        Raises:
            ConflictError: projects belong to it, environments name it, or something waits or runs for it.
        """
        with self._session.write("team.edit") as connection:
            busy = connection.execute(
                "SELECT sum(number) FROM execution_counts WHERE team_id = ?"
                " AND status IN ('created', 'queued', 'started', 'stopping')",
                (team.id,),
            ).fetchone()[0]
            current = self.get(team.name)
            reasons = [
                *([f"projects belong to it ({some_of(current.projects, 5)})"] if current.projects else []),
                *([f"environments name it ({some_of(current.environments, 5)})"] if current.environments else []),
                *([f"{busy} of its executions wait or run"] if busy else []),
            ]
            if reasons:
                message = f"the team {team.name!r} cannot be deleted: {'; '.join(reasons)}"
                raise ConflictError(message, field="team")
            connection.execute("DELETE FROM teams WHERE id = ?", (team.id,))
            record(connection, self._session.actor.id, "team", team.id, f"deleted the team {team.name}")

    def _refuse_changed(self, seen: Team, *, name: bool, members: bool) -> None:
        """Refuse to put something in the place of what an editor has not seen."""
        now = self.get(seen.uuid)
        if name and now.name != seen.name:
            message = f"the team {seen.name!r} is called {now.name!r} meanwhile: look at it again, nothing was saved"
            raise ConflictError(message, field="name")
        if members and now.members != seen.members:
            message = (
                f"the members of {now.name!r} were changed meanwhile, to {some_of(now.members) or 'nobody'}:"
                " look at it again, nothing of yours was saved"
            )
            raise ConflictError(message, field="members")

    def _put(self, connection: sqlite3.Connection, team_id: int, names: Sequence[str]) -> None:
        if len(set(names)) < len(names):
            message = "somebody is named twice: name each person once"
            raise InvalidInputError(message, field="members")
        found = {
            row["name"]: row["id"]
            for row in connection.execute(
                "SELECT u.name, u.id FROM users u JOIN memberships m ON m.user_id = u.id WHERE m.organization_id = ?"
                " AND u.name IN (SELECT value FROM json_each(?))",
                (self._session.actor.organization_id, json.dumps([*names])),
            )
        }
        for name in names:
            if name not in found:
                message = f"there is no member {name!r:.120}: `shoal members ls` lists them, `members add` adds one"
                raise InvalidInputError(message, field="members")
        connection.execute("DELETE FROM team_members WHERE team_id = ?", (team_id,))
        connection.executemany("INSERT INTO team_members VALUES (?, ?)", [(team_id, found[name]) for name in names])


def checked_team_name(name: str) -> str:
    """Return a team's name without surrounding spaces, or raise InvalidInputError.

    A last word of digits would be taken for a quota where teams are named with theirs.
    """
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable() or _QUOTA_AT_END.search(name):
        message = (
            f"{name[:LONGEST_NAME]!r} cannot be a team's name: give 1 to {LONGEST_NAME} printable characters,"
            " the last word not a number"
        )
        raise InvalidInputError(message, field="name")
    return name


def _taken(name: str) -> ConflictError:
    return ConflictError(f"there is a team {name!r} already", field="name")


def _told(what: str, members: Sequence[str]) -> str:
    return f"{what}: {', '.join(sorted(members))}" if members else what


def _team(row: sqlite3.Row) -> Team:
    members, projects, environments = (tuple(json.loads(row[each])) for each in ("members", "projects", "environments"))
    return Team(row["id"], row["uuid"], row["name"], row["created_at"], members, projects, environments)
