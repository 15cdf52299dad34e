"""Projects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.errors import InvalidInputError
from core.projects.service import checked_name
from core.projects.settings import JOINERS, checked_joiner, checked_personal, checked_yaml_path
from core.projects.summaries import ProjectSummary, summaries, summary
from core.quantities import age, iso_time
from core.resources.address import address
from core.resources.form import Field, Form
from core.resources.listed import Listed
from core.resources.resource import Column, Empty, Pair, Resource, Section, Tone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.projects.service import Project
    from core.session import Session

_WAITING = ("created", "queued")
_RUNNING = ("started", "stopping")
_FAILED = ("error", "crashed")

_FIELDS = (
    Field(
        key="name",
        label="Name",
        meaning="how it is called here: 1 to 80 printable characters",
        required=True,
        fixed=True,
        argument=True,
        check=checked_name,
    ),
    Field(
        key="default_environment",
        label="Default environment",
        meaning="where its executions run when nothing else is said; none is that of the installation",
        kind="choice",
        choices=lambda session: ["", *(each.slug for each in session.environments.list())],
    ),
    Field(
        key="team",
        label="Team",
        meaning="what runs in it counts for this team, whoever starts it; without one, for a team of theirs",
        kind="choice",
        choices=lambda session: ["", *(each.name for each in session.teams.list())],
    ),
    Field(
        key="personal",
        label="Personal",
        meaning="on: it is its creator's own, which some environments do not take",
        kind="flag",
        default="off",
        check=checked_personal,
    ),
    Field(
        key="yaml_path",
        label="Path of valohai.yaml",
        meaning="where the steps are defined, below the project's directory",
        default="valohai.yaml",
        check=checked_yaml_path,
    ),
    Field(
        key="command_joiner",
        label="Lines of a command",
        meaning="newline: go on after a line that failed; and: stop there",
        kind="choice",
        default="newline",
        choices=lambda _: JOINERS,
        check=checked_joiner,
    ),
)


def _count(key: str, title: str, meaning: str, tone: Tone, *statuses: str, needs: int = 0) -> Column[ProjectSummary]:
    return Column(
        key=key,
        title=title,
        meaning=meaning,
        text=lambda row, _: str(row.number(*statuses)),
        value=lambda row: row.number(*statuses),
        order=lambda row: row.number(*statuses),
        right=True,
        width=8,
        needs=needs,
        tone=lambda row: tone if row.number(*statuses) else Tone.DIM,
    )


_COLUMNS: tuple[Column[ProjectSummary], ...] = (
    Column(
        key="name",
        title="NAME",
        text=lambda row, _: row.project.name,
        order=lambda row: row.project.name.casefold(),
        width=20,
        flexible=True,
        tone=lambda _: Tone.STRONG,
    ),
    _count("waiting", "WAITING", "executions that wait for a machine", Tone.WAITING, *_WAITING),
    _count("running", "RUNNING", "executions that run", Tone.BUSY, *_RUNNING),
    _count("complete", "COMPLETE", "executions that ended well", Tone.GOOD, "complete", needs=90),
    _count("failed", "FAILED", "executions that ended otherwise", Tone.BAD, *_FAILED),
    _count("executions", "ALL", "all its executions", Tone.PLAIN),
    Column(
        key="directory",
        title="DIRECTORY",
        meaning="directories of this machine that are linked to it",
        text=lambda row, _: ", ".join(row.directories) or "none linked",
        value=lambda row: list(row.directories),
        width=20,
        flexible=True,
        tone=lambda row: Tone.PLAIN if row.directories else Tone.DIM,
    ),
    Column(
        key="environment",
        title="ENVIRONMENT",
        meaning="its default environment, where it has one of its own",
        text=lambda row, _: row.environment,
        value=lambda row: row.environment or None,
        width=12,
        wide=True,
    ),
    Column(
        key="owner",
        title="OWNER",
        meaning="the team whose it is; of a personal project, the person",
        text=lambda row, _: row.team or (row.creator if row.project.personal else ""),
        width=12,
        wide=True,
    ),
    Column(
        key="age",
        title="AGE",
        meaning="since it was created",
        text=lambda row, now: age(now - row.project.created_at),
        order=lambda row: -row.project.created_at,
        right=True,
        width=6,
        time=True,
    ),
)


def _add(session: Session, _: Project | None, answers: Mapping[str, str]) -> ProjectSummary:
    standard = {field.key: field.default for field in _FIELDS}
    is_personal = checked_personal(answers.get("personal") or "off")
    own = ("name", "personal")
    others = {key: text for key, text in answers.items() if key not in own and text and text != standard[key]}
    if others:
        session.require("project.edit")
        _check(session, others | {"personal": "on" if is_personal else "off"})
    project = session.projects.create(answers.get("name", ""), personal=is_personal)
    return summary(session, session.projects.set(project, **others) if others else project)


def _edit(session: Session, row: ProjectSummary, answers: Mapping[str, str]) -> ProjectSummary:
    changes: dict[str, str | None] = dict(answers)
    for key in ("default_environment", "team"):
        if changes.get(key) == "":
            changes[key] = None
    return summary(session, session.projects.set(row.project, **changes))


def _check(session: Session, answers: Mapping[str, str]) -> None:
    checked_yaml_path(answers.get("yaml_path", "valohai.yaml"))
    checked_joiner(answers.get("command_joiner", "newline"))
    if "default_environment" in answers:
        session.environments.get(answers["default_environment"])
    if "team" in answers:
        session.teams.get(answers["team"])
        if checked_personal(answers.get("personal") or "off"):
            message = "a project is personal or a team's: choose one"
            raise InvalidInputError(message, field="personal")


def _values(row: ProjectSummary) -> Mapping[str, str]:
    return {
        "name": row.project.name,
        "default_environment": row.environment,
        "team": row.team,
        "personal": "on" if row.project.personal else "off",
        "yaml_path": row.project.yaml_path,
        "command_joiner": row.project.command_joiner,
    }


def _describe(_: Session, row: ProjectSummary) -> Sequence[Section]:
    project = row.project
    facts = [
        Pair("name", project.name, tone=Tone.STRONG),
        Pair("id", project.uuid),
        Pair("created", iso_time(project.created_at)),
        Pair("valohai.yaml", project.yaml_path),
        Pair("lines of a command", f"joined by {project.command_joiner!r}"),
        *([Pair("team", row.team, address("team", row.team))] if row.team else []),
        *([Pair("personal", f"{row.creator}'s own")] if row.project.personal else []),
        Pair("environment", row.environment or "that of the installation", _environment(row)),
    ]
    counts = [
        Pair(status, str(number), address("executions", project=project.name, status=status))
        for status, number in row.counts.items()
        if number
    ]
    return [
        Section("Project", facts),
        Section("Executions", counts or [Pair("", "none yet", tone=Tone.DIM)]),
        Section("Directories", [Pair("", directory) for directory in row.directories] or [Pair("", "none linked")]),
    ]


def _environment(row: ProjectSummary) -> str:
    return address("environment", row.environment) if row.environment else ""


def _fields(row: ProjectSummary) -> dict[str, Any]:
    return {
        "id": row.project.id,
        "uuid": row.project.uuid,
        **_values(row),
        "default_environment": row.environment or None,
        "team": row.team or None,
        "personal": row.project.personal,
        "creator": row.creator,
        "executions": dict(row.counts),
        "directories": list(row.directories),
        "created_at": iso_time(row.project.created_at),
    }


PROJECTS: Resource[ProjectSummary] = Resource(
    name="projects",
    singular="project",
    aliases=("proj",),
    meaning="what executions and files belong to",
    permission="project.see",
    columns=_COLUMNS,
    source=Listed(
        lambda session, _: summaries(session),
        key=lambda row: row.project.id,
        columns=_COLUMNS,
        kinds=frozenset({"project", "environment", "execution", "team"}),
    ),
    key=lambda row: row.project.id,
    label=lambda row: f"project {row.project.name}",
    reference=lambda row: row.project.name,
    find=lambda session, _, reference: summary(session, session.projects.get(reference)),
    empty=Empty(
        "No project yet: executions and files belong to one.",
        "Add the first{key:list.add}, or run `shoal init` in a directory to make one for it.",
    ),
    describe=_describe,
    fields=_fields,
    opens=lambda row: address("use", row.project.name),
    form=Form(
        fields=_FIELDS,
        values=_values,
        add=_add,
        add_permission="project.create",
        edit=_edit,
        edit_permission="project.edit",
    ),
)
