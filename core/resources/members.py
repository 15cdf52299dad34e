"""Members: the people who may use this installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.people.members import Member, checked_member_name, system_uid
from core.quantities import age, iso_time
from core.resources.address import address
from core.resources.form import Field, Form
from core.resources.listed import Listed
from core.resources.resource import Action, Column, Consequence, Empty, Pair, Resource, Section, Tone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.projects.service import Project
    from core.session import Session

_COLUMNS: tuple[Column[Member], ...] = (
    Column(
        key="name",
        title="MEMBER",
        text=lambda row, _: row.name,
        order=lambda row: row.name.casefold(),
        width=14,
        flexible=True,
        tone=lambda _: Tone.STRONG,
    ),
    Column(
        key="role",
        title="ROLE",
        meaning="an admin changes environments, teams and members, too",
        text=lambda row, _: row.role,
        width=6,
    ),
    Column(
        key="state",
        title="STATE",
        meaning="who is disabled cannot get in; what they made stays",
        text=lambda row, _: "on" if row.is_enabled else "disabled",
        width=8,
        tone=lambda row: Tone.GOOD if row.is_enabled else Tone.DIM,
    ),
    Column(
        key="system_user",
        title="SYSTEM USER",
        meaning="the user of the operating system by whom they are known",
        text=lambda row, _: row.system_user,
        width=12,
        flexible=True,
    ),
    Column(
        key="teams",
        title="TEAMS",
        text=lambda row, _: ", ".join(row.teams),
        value=lambda row: [*row.teams],
        order=lambda row: len(row.teams),
        width=16,
        flexible=True,
    ),
    Column(
        key="age",
        title="AGE",
        meaning="since they were added",
        text=lambda row, now: age(now - row.created_at),
        value=lambda row: iso_time(row.created_at),
        order=lambda row: -row.created_at,
        right=True,
        width=6,
        time=True,
    ),
)


def _describe(_: Session, row: Member) -> Sequence[Section]:
    facts = [
        Pair("name", row.name, tone=Tone.STRONG),
        Pair("id", row.uuid),
        Pair("role", row.role),
        Pair("state", "on" if row.disabled_at is None else f"disabled since {iso_time(row.disabled_at)}"),
        Pair("system user", row.system_user or "none"),
        Pair("added", iso_time(row.created_at)),
    ]
    teams = [Pair("", each, address("team", each)) for each in row.teams]
    return [Section("Member", facts), Section("Teams", teams or [Pair("", "none", tone=Tone.DIM)])]


def _fields(row: Member) -> dict[str, Any]:
    return {
        "id": row.id,
        "uuid": row.uuid,
        "name": row.name,
        "role": row.role,
        "enabled": row.is_enabled,
        "system_user": row.system_user or None,
        "teams": [*row.teams],
        "created_at": iso_time(row.created_at),
    }


def _add(session: Session, _: Project | None, answers: Mapping[str, str]) -> Member:
    name = answers.get("name", "")
    return session.members.add(name, system_user=answers.get("system_user", ""), admin=answers.get("admin") == "on")


def _edit(session: Session, row: Member, answers: Mapping[str, str]) -> Member:
    return session.members.set_admin(row, admin=answers["admin"] == "on") if "admin" in answers else row


def _consequence(session: Session, rows: Sequence[Member]) -> Consequence:
    row = rows[0]
    number = session.read("member.see").execute(
        "SELECT coalesce(sum(number), 0) FROM execution_counts WHERE user_id = ?"
        " AND status IN ('created', 'queued', 'started', 'stopping')",
        (row.id,),
    )
    active = number.fetchone()[0]
    what = f" {active} of their executions wait or run, and go on." if active else ""
    return Consequence(f"Disable {row.name}?", f"They cannot get in any more; what they made stays.{what}")


def _disable(session: Session, row: Member) -> str:
    return f"{session.members.disable(row).name} is disabled"


def _enable(session: Session, row: Member) -> str:
    return f"{session.members.enable(row).name} may get in again"


MEMBERS: Resource[Member] = Resource(
    name="members",
    singular="member",
    aliases=("people",),
    meaning="the people who may use this installation",
    permission="member.see",
    columns=_COLUMNS,
    source=Listed(
        lambda session, _: session.members.list(),
        key=lambda row: row.id,
        columns=_COLUMNS,
        kinds=frozenset({"member", "team"}),
    ),
    key=lambda row: row.id,
    label=lambda row: f"member {row.name}",
    reference=lambda row: row.name,
    find=lambda session, _, reference: session.members.get(reference),
    empty=Empty("Nobody is a member here."),
    describe=_describe,
    fields=_fields,
    form=Form(
        fields=(
            Field(
                key="name",
                label="Name",
                meaning="how they are called here: 1 to 80 printable characters",
                required=True,
                fixed=True,
                argument=True,
                check=checked_member_name,
            ),
            Field(
                key="system_user",
                label="System user",
                meaning="their login name on this machine, by which they are known",
                required=True,
                fixed=True,
                check=system_uid,
            ),
            Field(
                key="admin",
                label="Admin",
                meaning="on: may change environments, teams, members and settings",
                kind="flag",
                default="off",
            ),
        ),
        values=lambda row: {
            "name": row.name,
            "system_user": row.system_user,
            "admin": "on" if row.role == "admin" else "off",
        },
        add=_add,
        add_permission="member.edit",
        edit=_edit,
        edit_permission="member.edit",
    ),
    actions=(
        Action(
            id="enable",
            key="o",
            title="Enable",
            meaning="Let somebody who is disabled in again.",
            permission="member.edit",
            refuse=lambda _, row: f"{row.name} is not disabled" if row.is_enabled else None,
            run=_enable,
        ),
        Action(
            id="disable",
            key="X",
            title="Disable",
            meaning="Shut somebody out; what they made stays.",
            permission="member.edit",
            refuse=lambda _, row: None if row.is_enabled else f"{row.name} is disabled already",
            consequence=_consequence,
            run=_disable,
        ),
    ),
)
