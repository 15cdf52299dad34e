"""Environments: kinds of machines, and the limits within which they come and go."""

from __future__ import annotations

import dataclasses
import re
import time
from typing import TYPE_CHECKING, Any

from core.environments.environment import SELECT, Environment, from_row, limit_text, refuse_deleted
from core.environments.settings import read_limit
from core.errors import InvalidInputError, NotFoundError
from core.text import some_of
from data.changes import record
from data.identifiers import new_identifier

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from core.session import Session

KINDS = ("local", "hosts")
"""Where machines come from: slots of this box's Docker Engine, or hosts that are reached over SSH."""

_NAMED = (
    f"{SELECT} AND v.id = coalesce((SELECT id FROM environments WHERE slug = :name AND deleted_at IS NULL),"  # noqa: S608
    " (SELECT id FROM environments WHERE uuid = :name AND deleted_at IS NULL),"
    " (SELECT environment_id FROM environment_aliases WHERE alias = :name))"
)
_DEFAULT = f"{SELECT} AND v.id = coalesce(?, (SELECT default_environment_id FROM organizations WHERE id = ?))"  # noqa: S608
_LISTS = ("teams", "aliases")


class Environments:
    """Reads and changes environments."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list(self) -> Sequence[Environment]:
        """Return every environment, by slug."""
        return [from_row(row) for row in self._session.read("environment.see").execute(f"{SELECT} ORDER BY v.slug")]

    def get(self, reference: str) -> Environment:
        """Return the environment with this slug, uuid or alias.

        Raises:
            NotFoundError: there is none; the message says which there are.
        """
        row = self._session.read("environment.see").execute(_NAMED, {"name": reference}).fetchone()
        if row is None:
            slugs = some_of([environment.slug for environment in self.list()]) or "none"
            message = f"there is no environment {reference!r:.120}: it is one of {slugs}"
            raise NotFoundError(message, field="environment")
        return from_row(row)

    def by_id(self, id: int) -> Environment:  # noqa: A002 - the word of every service
        """Return the environment with this id.

        Raises:
            NotFoundError: it was deleted.
        """
        row = self._session.read("environment.see").execute(f"{SELECT} AND v.id = ?", (id,)).fetchone()
        if row is None:
            raise _deleted()
        return from_row(row)

    def exists(self, reference: str) -> bool:
        """Tell whether there is an environment with this slug, uuid or alias."""
        return self._session.read("environment.see").execute(_NAMED, {"name": reference}).fetchone() is not None

    def choose(self, reference: str | None, project_default: int | None) -> Environment:
        """Return the environment asked for, else the project's default, else the organization's."""
        if reference is not None:
            return self.get(reference)
        connection = self._session.read("environment.see")
        row = connection.execute(_DEFAULT, (project_default, self._session.actor.organization_id)).fetchone()
        if row is None:
            message = "there is no default environment: name one with --environment"
            raise NotFoundError(message, field="environment")
        return from_row(row)

    def default_id(self) -> int | None:
        """Return the id of the organization's default environment."""
        row = (
            self._session.read("organization.see")
            .execute(
                "SELECT default_environment_id FROM organizations WHERE id = ?", (self._session.actor.organization_id,)
            )
            .fetchone()
        )
        return None if row is None else row[0]

    def create(self, slug: str, *, kind: str = "local", **limits: str) -> Environment:
        """Add an environment, whose machines are slots of this box or, `kind` hosts, those of hosts.

        Raises:
            InvalidInputError: names the limit that is wrong.
            ConflictError: the slug is taken.
        """
        from core.environments.rules import check_slug  # noqa: PLC0415 - a list checks nothing

        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", slug):
            message = f"{slug!r:.120} cannot be a slug: use a-z, 0-9 and -, at most 63 characters"
            raise InvalidInputError(message, field="slug")
        if kind not in KINDS:
            message = f"kind cannot be {kind!r:.120}: it is local (machines of this box) or hosts (reached over SSH)"
            raise InvalidInputError(message, field="kind")
        self._session.require("environment.edit")
        values = _read({"name": slug, **limits})
        with self._session.write("environment.edit") as connection:
            check_slug(connection, slug)
            cursor = connection.execute(
                "INSERT INTO environments (uuid, slug, name, kind, created_at) VALUES (?, ?, ?, ?, ?)",
                (new_identifier(), slug, values.pop("name"), kind, time.time()),
            )
            record(connection, self._session.actor.id, "environment", cursor.lastrowid or 0, "created")
            self._change(connection, cursor.lastrowid or 0, values, None)
        return self.get(slug)

    def set(self, slug: str, **limits: str) -> Environment:
        """Change limits, given as text; a change acts at the next look of the scheduler, and never ends what runs.

        Raises:
            InvalidInputError: names the limit that is wrong; nothing was changed.
        """
        return self.edit(slug, limits)

    def edit(self, slug: str, limits: Mapping[str, str], *, seen: int | None = None) -> Environment:
        """Change limits as `set` does, for somebody who saw the version `seen` of the environment.

        Raises:
            InvalidInputError: names the limit that is wrong; nothing was changed.
            ConflictError: somebody changed it since that version; nothing was changed.
        """
        environment = self.get(slug)
        values = _read(limits)
        with self._session.write("environment.edit") as connection:
            self._change(connection, environment.id, values, seen)
        return self.get(environment.slug)

    def make_default(self, slug: str) -> Environment:
        """Have executions run here for which neither they, their step nor their project name an environment.

        Raises:
            InvalidInputError: it is disabled.
        """
        environment = self.get(slug)
        if not environment.enabled:
            message = f"the environment {environment.slug!r} is disabled: turn it on first"
            raise InvalidInputError(message, field="environment")
        actor = self._session.actor
        with self._session.write("organization.edit") as connection:
            refuse_deleted(connection, [environment.id])
            connection.execute(
                "UPDATE organizations SET default_environment_id = ? WHERE id = ?",
                (environment.id, actor.organization_id),
            )
            record(connection, actor.id, "environment", environment.id, "made the default environment")
        return environment

    def delete(self, slug: str, *, move_to: str | None = None) -> int:
        """Take an environment away, moving what waits there to another; return how many were moved.

        Raises:
            ConflictError: something waits or runs there, or something refers to it; nothing was done.
        """
        from core.environments.removal import remove  # noqa: PLC0415 - a list removes nothing

        environment = self.get(slug)
        return remove(self._session, environment, None if move_to is None else self.get(move_to))

    def _change(
        self, connection: sqlite3.Connection, environment_id: int, values: dict[str, Any], seen: int | None
    ) -> None:
        from core.edit_conflicts import refuse_unseen  # noqa: PLC0415 - a list changes nothing
        from core.environments.rules import check, team_ids  # noqa: PLC0415

        row = connection.execute(f"{SELECT} AND v.id = ?", (environment_id,)).fetchone()
        if row is None:
            raise _deleted()
        before = from_row(row)
        refuse_unseen(connection, "environment", before.id, seen=seen, version=before.version)
        after = dataclasses.replace(before, **values)
        changed = [name for name in values if getattr(before, name) != getattr(after, name)]
        if not changed:
            return
        teams = team_ids(connection, self._session.actor.organization_id, after) if "teams" in changed else {}
        check(connection, after, changed)
        _write(connection, after, changed, teams)
        what = "; ".join(f"{name}: {_line(before, name)} → {_line(after, name)}" for name in changed)
        record(connection, self._session.actor.id, "environment", before.id, what)


def _deleted() -> NotFoundError:
    return NotFoundError("the environment was deleted meanwhile", field="environment")


def _write(
    connection: sqlite3.Connection, after: Environment, changed: Sequence[str], teams: Mapping[str, int]
) -> None:
    # The names come from LIMITS, never from outside.
    columns = [name for name in changed if name not in _LISTS]
    assignments = "".join(f"{name} = ?, " for name in columns)
    connection.execute(
        f"UPDATE environments SET {assignments}version = version + 1 WHERE id = ?",  # noqa: S608
        (*(getattr(after, name) for name in columns), after.id),
    )
    if "aliases" in changed:
        connection.execute("DELETE FROM environment_aliases WHERE environment_id = ?", (after.id,))
        connection.executemany(
            "INSERT INTO environment_aliases VALUES (?, ?)", [(alias, after.id) for alias in after.aliases]
        )
    if "teams" in changed:
        connection.execute("DELETE FROM environment_teams WHERE environment_id = ?", (after.id,))
        connection.executemany(
            "INSERT INTO environment_teams VALUES (?, ?, ?)",
            [(after.id, teams[each.team], each.quota) for each in after.teams],
        )


def _line(environment: Environment, name: str) -> str:
    return ", ".join(limit_text(environment, name).split("\n")) or "none"


def _read(limits: Mapping[str, str]) -> dict[str, Any]:
    return {name: read_limit(name, text) for name, text in limits.items()}
