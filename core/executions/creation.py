"""Making executions: everything is checked and resolved first, then written in one transaction."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from core.environments.environment import refuse_deleted
from core.errors import InvalidInputError, ShoalError
from core.executions.access import team_for
from core.executions.transitions import Place, add_event, count
from core.labels import checked_tag
from data.changes import record_many
from data.identifiers import new_identifier

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from core.environments.environment import Environment
    from core.projects.service import Commit, Project
    from core.projects.specification import Specification
    from core.session import Session
    from core.storage.resolve import ResolvedInput

PRIORITIES = (0, 1)
LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class NewExecution:
    """One execution to be written: its specification with the inputs resolved to files."""

    specification: Specification
    inputs: Mapping[str, Sequence[ResolvedInput]]
    title: str | None = None
    tags: tuple[str, ...] = ()
    priority: int = 0
    copied_from: int | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an execution runs, for which team, what it mounts, as JSON, and where it keeps its outputs.

    `note` tells of an environment that was replaced, and of mounts that were left out.
    """

    environment_id: int
    team_id: int
    store_id: int
    mounts: str
    note: str | None


def resolve_inputs(
    session: Session, project: Project, specification: Specification
) -> dict[str, Sequence[ResolvedInput]]:
    """Resolve every input of a specification to files, aliases included, as they are now."""
    from core.storage.resolve import resolve  # noqa: PLC0415

    resolved: dict[str, Sequence[ResolvedInput]] = {}
    for name, request in specification.inputs.items():
        try:
            resolved[name] = resolve(session, project, request)
        except ShoalError as error:
            error.field = name  # whoever asked knows the input, not what a driver calls its part of an address
            raise
    return resolved


def check(session: Session, project: Project, news: Sequence[NewExecution]) -> list[Placement]:
    """Say where executions will run and keep their outputs, having looked at all that would keep them from it.

    Raises:
        InvalidInputError: names the field.
        NotFoundError: there is no such environment.
        NotAllowedError: the environment is not for this person, team or project.
    """
    for new in news:
        _check(new)
    return _placements(session, project, news)


def _check(new: NewExecution) -> None:
    if new.priority not in PRIORITIES:
        message = f"priority is {new.priority}: it is 0 (normal) or 1 (high)"
        raise InvalidInputError(message, field="priority")
    if new.title is not None and (len(new.title) > LONGEST_TITLE or not new.title.isprintable()):
        message = f"a title is at most {LONGEST_TITLE} printable characters"
        raise InvalidInputError(message, field="title")
    for tag in new.tags:
        checked_tag(tag)


def insert(session: Session, project: Project, commit: Commit, news: Sequence[NewExecution]) -> list[int]:
    """Write executions and their inputs and tags, durably, in one transaction; return their ids.

    Raises:
        InvalidInputError: names the field; nothing was written.
        NotFoundError: the project is none of the organization.
        NotAllowedError: the environment is not for this person, team or project.
    """
    project = session.projects.by_id(project.id)
    if commit.project_id != project.id:
        message = f"the commit {commit.identifier[:12]} is of another project than {project.name!r}"
        raise InvalidInputError(message, field="commit")
    placements = check(session, project, news)
    actor = session.actor.id
    with session.write("execution.create") as connection:
        refuse_deleted(connection, {placement.environment_id for placement in placements})
        counter = connection.execute(
            "UPDATE projects SET next_counter = next_counter + ? WHERE id = ? RETURNING next_counter",
            (len(news), project.id),
        ).fetchone()[0] - len(news)
        first = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM executions").fetchone()[0]
        now = time.time()
        connection.executemany(
            "INSERT INTO executions (id, uuid, project_id, counter, commit_id, environment_id, user_id,"
            " copied_from, step, title, priority, image, command, parameters, environment_variables, time_limit,"
            " no_output_timeout, stop_condition, restart_lost, store_id, team_id, mounts, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    *(first + i, new_identifier(), project.id, counter + i, commit.id, placement.environment_id, actor),
                    *_columns(new),
                    *(placement.store_id, placement.team_id, placement.mounts, now),
                )
                for i, (new, placement) in enumerate(zip(news, placements, strict=True))
            ),
        )
        ids = list(range(first, first + len(news)))
        connection.executemany(
            "INSERT INTO execution_inputs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _input_rows(ids, news)
        )
        connection.executemany(
            "INSERT OR IGNORE INTO execution_tags VALUES (?, ?)",
            [(id_, checked_tag(tag)) for id_, new in zip(ids, news, strict=True) for tag in new.tags],
        )
        places = Counter(Place(each.environment_id, actor, each.team_id, project.id) for each in placements)
        for place, number in places.items():
            count(connection, place, None, "created", number)
        _add_notes(connection, ids, placements)
        record_many(connection, ((actor, "execution", id_, "created", project.id) for id_ in ids))
    return ids


def _add_notes(connection: sqlite3.Connection, ids: Sequence[int], placements: Sequence[Placement]) -> None:
    for id_, placement in zip(ids, placements, strict=True):
        if placement.note is not None:
            add_event(connection, id_, "note", placement.note)


def _columns(new: NewExecution) -> tuple[object, ...]:
    specification = new.specification
    return (
        new.copied_from,
        specification.step,
        new.title,
        new.priority,
        specification.image,
        orjson.dumps(specification.command).decode(),
        orjson.dumps(specification.parameters).decode(),
        orjson.dumps(specification.environment_variables).decode(),
        specification.time_limit,
        specification.no_output_timeout,
        specification.stop_condition,
        specification.restart_lost,
    )


def _input_rows(ids: Sequence[int], news: Sequence[NewExecution]) -> Iterable[tuple[object, ...]]:
    for id_, new in zip(ids, news, strict=True):
        for name, files in new.inputs.items():
            for position, file in enumerate(files):
                sums = file.checksums
                known = (sums.size, sums.md5, sums.sha1, sums.sha256) if sums else (None, None, None, None)
                yield (id_, name, position, file.requested, file.uri, file.path, file.file_id, *known)


def _placements(session: Session, project: Project, news: Sequence[NewExecution]) -> list[Placement]:
    connection = session.read("environment.see")
    known: dict[tuple[object, ...], Placement] = {}
    for new in news:
        wanted = _wanted(new)
        if wanted not in known:
            known[wanted] = _placement(session, project, new, connection)
    return [known[_wanted(new)] for new in news]


def _placement(session: Session, project: Project, new: NewExecution, connection: sqlite3.Connection) -> Placement:
    from core.executions.mounts import IGNORED, allowed  # noqa: PLC0415

    environment, note = _environment(session, project, new.specification, new.priority)
    team = team_for(connection, project, session.actor.id, environment)
    store = _store(connection, project, new.specification.upload_store)
    asked = new.specification.mounts
    mounts = allowed(environment, asked, session.home.root) if asked else []
    ignored = IGNORED.format(slug=environment.slug) if asked and not mounts else None
    notes = "; ".join(filter(None, (note, ignored))) or None
    return Placement(environment.id, team, store, orjson.dumps(mounts).decode(), notes)


def _wanted(new: NewExecution) -> tuple[object, ...]:
    specification = new.specification
    return (
        specification.environment,
        specification.is_environment_of_step,
        specification.upload_store,
        specification.mounts,
        new.priority,
    )


def _environment(
    session: Session, project: Project, specification: Specification, priority: int
) -> tuple[Environment, str | None]:
    """Return the environment, and what to note about it.

    Projects name environments of the installation that they were written for: where only the step's own words name
    one that is not here, the default serves, so that the project runs as it is.
    """
    slug, note = specification.environment, None
    if specification.is_environment_of_step and slug is not None and not session.environments.exists(slug):
        note = f"the step's environment {slug!r} is not known here: it runs on the default one"
        slug = None
    environment = session.environments.choose(slug, project.default_environment_id)
    check_open(environment, priority)
    return environment, note


def check_open(environment: Environment, priority: int) -> None:
    """Look whether an environment takes executions, and such a priority.

    Raises:
        InvalidInputError: it does not.
    """
    if not environment.enabled:
        message = (
            f"the environment {environment.slug!r} is disabled: choose another with --environment, or ask an admin"
        )
        raise InvalidInputError(message, field="environment")
    if priority and not environment.priority_allowed:
        message = f"the environment {environment.slug!r} does not allow priorities"
        raise InvalidInputError(message, field="priority")


def _store(connection: sqlite3.Connection, project: Project, name: str | None) -> int:
    if name is None:
        row = connection.execute(
            "SELECT id FROM stores WHERE ? IS NULL OR id = ? ORDER BY id LIMIT 1", (project.default_store_id,) * 2
        ).fetchone()
    else:
        row = connection.execute("SELECT id FROM stores WHERE name = ? OR uuid = ?", (name, name)).fetchone()
    if row is None:
        names = ", ".join(row["name"] for row in connection.execute("SELECT name FROM stores ORDER BY name"))
        message = f"there is no data store {name!r}: upload-store is one of {names}"
        raise InvalidInputError(message, field="upload-store")
    return int(row["id"])
