"""Opens a home and hands out Sessions."""

from __future__ import annotations

import os
import pwd
import sqlite3
import time
from typing import TYPE_CHECKING

from core.errors import NewerDatabaseError, NotAllowedError, NotFoundError, UnavailableError
from core.home import Home
from core.policy import Role
from core.session import Actor, Session
from data.changes import SYSTEM, Bell, record
from data.database import Database
from data.identifiers import new_identifier
from data.migrations import NewerSchemaError, migrate

if TYPE_CHECKING:
    from typing import Self

DEFAULT_ENVIRONMENT = "local"
DEFAULT_STORE = "shoal"


class Shoal:
    """One installation: a home directory with its database."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.database = Database(home.database)
        self.bell = Bell(home.bell)
        self.database.after_commit(self.bell.ring)

    @classmethod
    def open(cls, home: Home | None = None) -> Self:
        """Open an installation that exists.

        Raises:
            NotFoundError: nothing was set up there yet.
            NewerDatabaseError: a newer Shoal wrote it.
        """
        home = home or Home.default()
        if not home.database.exists():
            message = f"Shoal is not set up in {home.root}: run `shoal init` in a project's directory, or `shoal demo`"
            raise NotFoundError(message)
        _refuse_loss(home)
        _migrate(home)
        return cls(home)

    @classmethod
    def create(cls, home: Home | None = None) -> Self:
        """Open an installation, setting it up first where there is none: the calling system user becomes its admin."""
        home = home or Home.default()
        home.create()
        _refuse_loss(home)
        _migrate(home)
        shoal = cls(home)
        with shoal.database.transaction() as connection:
            if connection.execute("SELECT 1 FROM organizations").fetchone() is None:
                _set_up(connection)
        return shoal

    def session(self, user: str | None = None) -> Session:
        """Return the session of a named user, or of the user of the operating system who runs this process.

        Raises:
            NotAllowedError: there is no such user, or they were disabled.
        """
        where, value = ("u.name", user) if user is not None else ("u.os_uid", os.getuid())
        row = (
            self.database.reader()
            .execute(
                f"SELECT u.id, u.name, m.role, m.organization_id FROM users u JOIN memberships m ON m.user_id = u.id"  # noqa: S608
                f" WHERE {where} = ? AND u.disabled_at IS NULL",
                (value,),
            )
            .fetchone()
        )
        if row is None:
            who = user or f"the system user {_system_user_name()}"
            message = f"{who} is not a user of this Shoal ({self.home.root}): ask its admin to add you"
            raise NotAllowedError(message)
        return Session(
            self.database, self.home, Actor(row["id"], row["name"], Role(row["role"]), row["organization_id"])
        )

    def system_session(self) -> Session:
        """Return the session in which Shoal itself acts: the scheduler's and the runner's."""
        row = self.database.reader().execute("SELECT id FROM organizations").fetchone()
        return Session(self.database, self.home, Actor(SYSTEM, "system", Role.SYSTEM, row["id"]))

    def close(self) -> None:
        """Close every connection of this thread."""
        self.bell.close()
        self.database.close()


def _refuse_loss(home: Home) -> None:
    """Refuse to set up anew a home that has lost its database: what it holds would belong to nobody."""
    if home.database.exists() and home.database.stat().st_size > 0:
        return
    if any(any(directory.iterdir()) for directory in (home.store, home.code, home.logs) if directory.is_dir()):
        message = f"{home.database} is gone or empty, but {home.root} holds files: bring it back with `shoal restore`"
        raise UnavailableError(message)


def _migrate(home: Home) -> None:
    try:
        migrate(home.database)
    except NewerSchemaError as error:
        message = f"{home.database} was written by a newer Shoal ({error}): install that release, or use another home"
        raise NewerDatabaseError(message) from error
    except sqlite3.DatabaseError as error:
        message = f"{home.database} cannot be read ({error}): check the disk, or restore a backup with `shoal restore`"
        raise UnavailableError(message) from error


def _system_user_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"


def _set_up(connection: sqlite3.Connection) -> None:
    now = time.time()
    user = _system_user_name()
    organization_id = connection.execute(
        "INSERT INTO organizations (uuid, name, created_at) VALUES (?, 'default', ?)", (new_identifier(), now)
    ).lastrowid
    user_id = connection.execute(
        "INSERT INTO users (uuid, name, os_uid, created_at) VALUES (?, ?, ?, ?)",
        (new_identifier(), user, os.getuid(), now),
    ).lastrowid
    connection.execute("INSERT INTO memberships VALUES (?, ?, 'admin', ?)", (organization_id, user_id, now))
    connection.execute(
        "INSERT INTO stores (uuid, name, kind, created_at) VALUES (?, ?, 'managed', ?)",
        (new_identifier(), DEFAULT_STORE, now),
    )
    environment_id = connection.execute(
        "INSERT INTO environments (uuid, slug, name, maximum_scale, created_at) VALUES (?, ?, 'This machine', ?, ?)",
        (new_identifier(), DEFAULT_ENVIRONMENT, max(1, os.cpu_count() or 1), now),
    ).lastrowid
    connection.execute("UPDATE organizations SET default_environment_id = ?", (environment_id,))
    record(connection, user_id or SYSTEM, "organization", organization_id or 0, "set up")
