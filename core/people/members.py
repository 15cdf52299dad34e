"""Members: the people who may use this installation, each known by a user of the operating system."""

from __future__ import annotations

import json
import pwd
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.text import some_of
from data.changes import record
from data.identifiers import new_identifier

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from core.session import Session

LONGEST_NAME = 80

_SELECT = """
SELECT u.id, u.uuid, u.name, u.os_uid, m.role, u.created_at, u.disabled_at,
    (SELECT json_group_array(name) FROM (SELECT t.name FROM team_members x JOIN teams t ON t.id = x.team_id
        WHERE x.user_id = u.id ORDER BY t.name)) AS teams
FROM users u JOIN memberships m ON m.user_id = u.id WHERE m.organization_id = ?
"""


@dataclass(frozen=True, slots=True)
class Member:
    """A person of the organization. Who is disabled may do nothing here; what they made stays theirs."""

    id: int
    uuid: str
    name: str
    system_uid: int | None
    role: Literal["admin", "member"]
    created_at: float
    disabled_at: float | None
    teams: tuple[str, ...]

    @property
    def is_enabled(self) -> bool:
        """Whether the person may use this installation."""
        return self.disabled_at is None

    @property
    def system_user(self) -> str:
        """The name of the user of the operating system, its number where that has no name."""
        if self.system_uid is None:
            return ""
        try:
            return pwd.getpwuid(self.system_uid).pw_name
        except KeyError:
            return str(self.system_uid)


class Members:
    """The members of the actor's organization."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list(self) -> Sequence[Member]:
        """Return every member, by name."""
        rows = self._session.read("member.see").execute(
            f"{_SELECT} ORDER BY u.name", (self._session.actor.organization_id,)
        )
        return [_member(row) for row in rows]

    def get(self, name: str) -> Member:
        """Return the member of this name or uuid.

        Raises:
            NotFoundError: there is none; the message says which there are.
        """
        members = self.list()
        for member in members:
            if name in (member.name, member.uuid):
                return member
        message = f"there is no member {name!r:.120}; members: {some_of([member.name for member in members])}"
        raise NotFoundError(message, field="member")

    def add(self, name: str, *, system_user: str, admin: bool = False) -> Member:
        """Let a user of the operating system use this installation, under a name.

        Raises:
            InvalidInputError: the name cannot be, or there is no such user of the operating system.
            ConflictError: the name, or that user, is a member already.
        """
        name, uid = checked_member_name(name), system_uid(system_user)
        actor, now = self._session.actor, time.time()
        with self._session.write("member.edit") as connection:
            taken = connection.execute("SELECT name FROM users WHERE name = ? OR os_uid = ?", (name, uid)).fetchone()
            if taken is not None:
                is_name = taken["name"] == name
                told = f"{name!r}" if is_name else f"the system user {system_user!r}, as {taken['name']!r},"
                raise ConflictError(f"{told} is a member already", field="name" if is_name else "system_user")
            user_id = connection.execute(
                "INSERT INTO users (uuid, name, os_uid, created_at) VALUES (?, ?, ?, ?) RETURNING id",
                (new_identifier(), name, uid, now),
            ).fetchone()[0]
            role = "admin" if admin else "member"
            connection.execute(
                "INSERT INTO memberships VALUES (?, ?, ?, ?)", (actor.organization_id, user_id, role, now)
            )
            record(connection, actor.id, "member", user_id, f"added as {role}")
        return self.get(name)

    def set_admin(self, member: Member, *, admin: bool) -> Member:
        """Make a member an admin, or an admin a member.

        Raises:
            ConflictError: nobody would be left who is an admin.
        """
        role = "admin" if admin else "member"
        with self._session.write("member.edit") as connection:
            if not admin:
                self._keep_an_admin(connection, member)
            changed = connection.execute(
                "UPDATE memberships SET role = ? WHERE user_id = ? AND organization_id = ? AND role != ?",
                (role, member.id, self._session.actor.organization_id, role),
            ).rowcount
            if changed:
                record(connection, self._session.actor.id, "member", member.id, f"role: {member.role} → {role}")
        return self.get(member.name)

    def disable(self, member: Member) -> Member:
        """Shut a member out: nothing lets them in from then on, and what they have open changes nothing more.

        What runs for them goes on.

        Raises:
            ConflictError: nobody would be left who is an admin.
        """
        with self._session.write("member.edit") as connection:
            self._keep_an_admin(connection, member)
            if connection.execute(
                "UPDATE users SET disabled_at = ? WHERE id = ? AND disabled_at IS NULL", (time.time(), member.id)
            ).rowcount:
                record(connection, self._session.actor.id, "member", member.id, "disabled")
        return self.get(member.name)

    def enable(self, member: Member) -> Member:
        """Let a disabled member in again."""
        with self._session.write("member.edit") as connection:
            if connection.execute(
                "UPDATE users SET disabled_at = NULL WHERE id = ? AND disabled_at IS NOT NULL", (member.id,)
            ).rowcount:
                record(connection, self._session.actor.id, "member", member.id, "enabled")
        return self.get(member.name)

    def _keep_an_admin(self, connection: sqlite3.Connection, member: Member) -> None:
        others = connection.execute(
            "SELECT count(*) FROM users u JOIN memberships m ON m.user_id = u.id"
            " WHERE m.organization_id = ? AND m.role = 'admin' AND u.disabled_at IS NULL AND u.id != ?",
            (self._session.actor.organization_id, member.id),
        ).fetchone()[0]
        if not others:
            message = f"{member.name!r} is the last admin: make somebody else one first"
            raise ConflictError(message, field="member")


def checked_member_name(name: str) -> str:
    """Return a member's name without surrounding spaces, or raise InvalidInputError."""
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable() or name.casefold() in ("shoal", "system"):
        message = f"{name[:LONGEST_NAME]!r} cannot be a member's name: give 1 to {LONGEST_NAME} printable characters"
        raise InvalidInputError(message, field="name")
    return name


def system_uid(login: str) -> int:
    """Return the number of a user of the operating system, or raise InvalidInputError."""
    try:
        return pwd.getpwnam(login).pw_uid
    except (KeyError, ValueError) as error:
        message = f"this machine has no user {login!r:.120}: give a login name of it, such as `id -un` prints"
        raise InvalidInputError(message, field="system_user") from error


def _member(row: sqlite3.Row) -> Member:
    return Member(
        row["id"],
        row["uuid"],
        row["name"],
        row["os_uid"],
        row["role"],
        row["created_at"],
        row["disabled_at"],
        tuple(json.loads(row["teams"])),
    )
