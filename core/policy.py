"""Who may do what: one table, read by every service at its door and by every face that dims a key."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What somebody is in the organization."""

    SYSTEM = "system"
    ADMIN = "admin"
    MEMBER = "member"
    NOBODY = "nobody"


_EVERYONE = frozenset({Role.SYSTEM, Role.ADMIN, Role.MEMBER})
_ADMINS = frozenset({Role.SYSTEM, Role.ADMIN})
_SYSTEM = frozenset({Role.SYSTEM})

TABLE: dict[str, frozenset[Role]] = {
    "project.see": _EVERYONE,
    "project.create": _EVERYONE,
    "project.link": _EVERYONE,
    "project.edit": _ADMINS,
    "commit.create": _EVERYONE,
    "execution.see": _EVERYONE,
    "execution.create": _EVERYONE,
    "execution.stop": _EVERYONE,
    "execution.edit": _EVERYONE,
    # What one created oneself, while it waits. Whoever lets others' go first makes people wait: that is for admins.
    "execution.reschedule": _EVERYONE,
    "queue.steer": _ADMINS,
    "execution.run": _SYSTEM,
    "file.see": _EVERYONE,
    "file.create": _EVERYONE,
    "file.edit": _EVERYONE,
    "environment.see": _EVERYONE,
    "environment.edit": _ADMINS,
    "host.see": _EVERYONE,
    "host.edit": _ADMINS,
    # Machines that a team shares are paid for together: what each one used is everybody's to see.
    "cost.see": _EVERYONE,
    "machine.see": _EVERYONE,
    "machine.edit": _ADMINS,
    "machine.run": _SYSTEM,
    "team.see": _EVERYONE,
    "team.edit": _ADMINS,
    "member.see": _EVERYONE,
    "member.edit": _ADMINS,
    "organization.see": _EVERYONE,
    "organization.edit": _ADMINS,
    "home.backup": _ADMINS,
    "preference.see": _EVERYONE,
    "preference.edit": _EVERYONE,
}
"""Action → the roles that may do it. An action that is not here may be done by nobody."""


def refusal(role: Role, action: str) -> str | None:
    """Return None when `role` may do `action`, else a sentence that says why not."""
    allowed = TABLE.get(action, frozenset())
    if role in allowed:
        return None
    if role is Role.NOBODY:
        return "you are not a member of this organization: ask an admin to add you"
    if Role.ADMIN in allowed:
        return f"{action} is for admins of the organization: ask one of them"
    return f"{action} is done by Shoal itself"
