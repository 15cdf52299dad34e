"""Teams: people who share quotas and projects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.errors import InvalidInputError
from core.people.teams import Team, checked_team_name
from core.quantities import age, iso_time
from core.resources.address import address
from core.resources.form import Field, Form
from core.resources.listed import Listed
from core.resources.resource import Action, Column, Consequence, Empty, Pair, Resource, Section, Tone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.projects.service import Project
    from core.session import Session


def _names(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _check_names(text: str) -> None:
    names = _names(text)
    if len(set(names)) < len(names):
        message = "somebody is named twice: name each person once"
        raise InvalidInputError(message, field="members")


_COLUMNS: tuple[Column[Team], ...] = (
    Column(
        key="name",
        title="TEAM",
        text=lambda row, _: row.name,
        order=lambda row: row.name.casefold(),
        width=14,
        flexible=True,
        tone=lambda _: Tone.STRONG,
    ),
    Column(
        key="members",
        title="MEMBERS",
        meaning="who is in it",
        text=lambda row, _: ", ".join(row.members) or "nobody",
        value=lambda row: [*row.members],
        order=lambda row: len(row.members),
        width=24,
        flexible=True,
        tone=lambda row: Tone.PLAIN if row.members else Tone.DIM,
    ),
    Column(
        key="projects",
        title="PROJECTS",
        meaning="projects that belong to it: what runs in them counts for it",
        text=lambda row, _: ", ".join(row.projects),
        value=lambda row: [*row.projects],
        order=lambda row: len(row.projects),
        width=16,
        flexible=True,
    ),
    Column(
        key="environments",
        title="QUOTAS IN",
        meaning="environments that have a quota for it",
        text=lambda row, _: ", ".join(row.environments),
        value=lambda row: [*row.environments],
        order=lambda row: len(row.environments),
        width=16,
        flexible=True,
        needs=90,
    ),
    Column(
        key="age",
        title="AGE",
        meaning="since it was made",
        text=lambda row, now: age(now - row.created_at),
        value=lambda row: iso_time(row.created_at),
        order=lambda row: -row.created_at,
        right=True,
        width=6,
        time=True,
    ),
)


def _describe(session: Session, row: Team) -> Sequence[Section]:
    quotas = {
        environment.slug: quota.quota
        for environment in session.environments.list()
        for quota in environment.teams
        if quota.team == row.name
    }
    return [
        Section(
            "Team",
            [Pair("name", row.name, tone=Tone.STRONG), Pair("id", row.uuid), Pair("made", iso_time(row.created_at))],
        ),
        Section(
            "Members", [Pair("", each, address("member", each)) for each in row.members] or [_nothing("nobody yet")]
        ),
        Section("Projects", [Pair("", each, address("project", each)) for each in row.projects] or [_nothing("none")]),
        Section(
            "Quotas",
            [Pair(slug, _quota(quota), address("environment", slug)) for slug, quota in quotas.items()]
            or [_nothing("none of its own: it may use what everyone may")],
        ),
    ]


def _nothing(text: str) -> Pair:
    return Pair("", text, tone=Tone.DIM)


def _quota(quota: int | None) -> str:
    if quota is None:
        return "no limit"
    return f"{quota} {'machine' if quota == 1 else 'machines'} at once" if quota else "may not use it"


def _fields(row: Team) -> dict[str, Any]:
    return {
        "id": row.id,
        "uuid": row.uuid,
        "name": row.name,
        "members": [*row.members],
        "projects": [*row.projects],
        "environments": [*row.environments],
        "created_at": iso_time(row.created_at),
    }


def _add(session: Session, _: Project | None, answers: Mapping[str, str]) -> Team:
    return session.teams.create(answers.get("name", ""), _names(answers.get("members", "")))


def _edit(session: Session, row: Team, answers: Mapping[str, str]) -> Team:
    members = _names(answers["members"]) if "members" in answers else None
    return session.teams.set(row, name=answers.get("name"), members=members)


def _refuse(_: Session, row: Team) -> str | None:
    if row.projects:
        return f"projects belong to {row.name}: {', '.join(row.projects)}"
    if row.environments:
        return f"environments have a quota for {row.name}: {', '.join(row.environments)}"
    return None


def _consequence(_: Session, rows: Sequence[Team]) -> Consequence:
    members = len(rows[0].members)
    who = (
        "Nobody is in it."
        if not members
        else f"{members} {'person is' if members == 1 else 'people are'} in it, and stay."
    )
    return Consequence(f"Delete the team {rows[0].name}?", who)


def _delete(session: Session, row: Team) -> str:
    session.teams.delete(row)
    return f"team {row.name} was deleted"


TEAMS: Resource[Team] = Resource(
    name="teams",
    singular="team",
    meaning="people who share quotas of machines and projects",
    permission="team.see",
    columns=_COLUMNS,
    source=Listed(
        lambda session, _: session.teams.list(),
        key=lambda row: row.id,
        columns=_COLUMNS,
        kinds=frozenset({"team", "member", "project", "environment"}),
    ),
    key=lambda row: row.id,
    label=lambda row: f"team {row.name}",
    reference=lambda row: row.name,
    find=lambda session, _, reference: session.teams.get(reference),
    empty=Empty("No team yet: everybody's executions count for themselves alone.", "Add the first{key:list.add}."),
    describe=_describe,
    fields=_fields,
    form=Form(
        fields=(
            Field(
                key="name",
                label="Name",
                meaning="1 to 80 printable characters, the last word not a number",
                required=True,
                argument=True,
                check=checked_team_name,
            ),
            Field(key="members", label="Members", meaning="the name of a member", kind="lines", check=_check_names),
        ),
        values=lambda row: {"name": row.name, "members": "\n".join(row.members)},
        add=_add,
        add_permission="team.edit",
        edit=_edit,
        edit_permission="team.edit",
    ),
    actions=(
        Action(
            id="delete",
            key="X",
            title="Delete",
            meaning="Delete it; no project may belong to it, no environment have a quota for it.",
            permission="team.edit",
            refuse=_refuse,
            consequence=_consequence,
            run=_delete,
        ),
    ),
)
