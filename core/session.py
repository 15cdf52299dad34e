"""A Session is somebody at work: every call of the rules goes through one."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from core.errors import NotAllowedError
from core.policy import Role, refusal

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from core.environments.service import Environments
    from core.executions.service import Executions
    from core.home import Home
    from core.lineage import Lineage
    from core.machines.hosts import Hosts
    from core.machines.service import Machines
    from core.people.members import Members
    from core.people.teams import Teams
    from core.preferences import Preferences
    from core.projects.service import Projects
    from core.queue.service import Queue
    from core.settings import Settings
    from core.storage.files import Files
    from data.database import Database


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a call: `id` is the user's id, 0 for Shoal itself."""

    id: int
    name: str
    role: Role
    organization_id: int


def _refuse_former(connection: sqlite3.Connection, actor: Actor, action: str) -> None:
    """Refuse somebody who was shut out, or is no admin any more, since their session began."""
    row = connection.execute(
        "SELECT m.role, u.disabled_at FROM users u JOIN memberships m ON m.user_id = u.id AND m.organization_id = ?"
        " WHERE u.id = ?",
        (actor.organization_id, actor.id),
    ).fetchone()
    if row is None or row["disabled_at"] is not None:
        message = f"{actor.name} was shut out of this organization meanwhile: ask one of its admins"
        raise NotAllowedError(message)
    if reason := refusal(Role(row["role"]), action):
        raise NotAllowedError(reason)


class Session:
    """The services, seen by one actor. They are imported when first used, so that a list costs no more than a list."""

    def __init__(self, database: Database, home: Home, actor: Actor) -> None:
        self.database = database
        self.home = home
        self.actor = actor

    def can(self, action: str) -> str | None:
        """Return None when the actor may do `action`, else the reason why not."""
        return refusal(self.actor.role, action)

    def require(self, action: str) -> None:
        """Raise NotAllowedError unless the actor may do `action`."""
        if reason := self.can(action):
            raise NotAllowedError(reason)

    def read(self, action: str) -> sqlite3.Connection:
        """Return a read-only connection for `action`, which the policy must allow."""
        self.require(action)
        return self.database.reader()

    def write(self, action: str) -> AbstractContextManager[sqlite3.Connection]:
        """Open a transaction for `action`, which the policy must allow, now too: a console may be open for days."""
        self.require(action)
        return self._written(action)

    @contextmanager
    def _written(self, action: str) -> Iterator[sqlite3.Connection]:
        with self.database.transaction() as connection:
            if self.actor.role is not Role.SYSTEM:
                _refuse_former(connection, self.actor, action)
            yield connection

    @cached_property
    def projects(self) -> Projects:
        """Projects, the directories linked to them and their commits."""
        from core.projects.service import Projects  # noqa: PLC0415

        return Projects(self)

    @cached_property
    def executions(self) -> Executions:
        """Executions: create, list, stop, copy, their logs and metadata."""
        from core.executions.service import Executions  # noqa: PLC0415

        return Executions(self)

    @cached_property
    def queue(self) -> Queue:
        """What waits or runs, its places and estimates."""
        from core.queue.service import Queue  # noqa: PLC0415

        return Queue(self)

    @cached_property
    def files(self) -> Files:
        """Files: list, upload, download, tags and aliases."""
        from core.storage.files import Files  # noqa: PLC0415

        return Files(self)

    @cached_property
    def lineage(self) -> Lineage:
        """Which execution made a file from which files, and which used it."""
        from core.lineage import Lineage  # noqa: PLC0415

        return Lineage(self)

    @cached_property
    def environments(self) -> Environments:
        """Environments and their limits."""
        from core.environments.service import Environments  # noqa: PLC0415

        return Environments(self)

    @cached_property
    def hosts(self) -> Hosts:
        """Docker Engines on named hosts."""
        from core.machines.hosts import Hosts  # noqa: PLC0415

        return Hosts(self)

    @cached_property
    def machines(self) -> Machines:
        """Machines: what they run and ran, whether they take work."""
        from core.machines.service import Machines  # noqa: PLC0415

        return Machines(self)

    @cached_property
    def teams(self) -> Teams:
        """Teams: who shares quotas and projects."""
        from core.people.teams import Teams  # noqa: PLC0415

        return Teams(self)

    @cached_property
    def members(self) -> Members:
        """The people who may use this installation."""
        from core.people.members import Members  # noqa: PLC0415

        return Members(self)

    @cached_property
    def settings(self) -> Settings:
        """Settings of this installation that an admin may change."""
        from core.settings import Settings  # noqa: PLC0415

        return Settings(self)

    @cached_property
    def preferences(self) -> Preferences:
        """How the actor likes what they see."""
        from core.preferences import Preferences  # noqa: PLC0415

        return Preferences(self)
