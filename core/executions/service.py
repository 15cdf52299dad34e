"""Executions as the faces see them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from core.errors import ConflictError, NotFoundError
from core.executions import metadata
from core.executions.execution import FINAL, SELECT, STATUSES, Event, Execution, ExecutionInput, beginnings, from_row
from core.executions.listing import Filter, page_query
from core.executions.logs import LogLine, log_path, read_log, tail_offset
from core.labels import checked_label, checked_tag
from data.changes import record
from data.paging import Page, page_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from core.executions.metadata import Newest, Part, Point
    from core.projects.service import Commit, Project
    from core.projects.specification import Specification
    from core.session import Session

LARGEST_PAGE = 10_000

_GIVEN = "SELECT value FROM json_each(:ids)"


class Executions:
    """Create, find, follow, stop and copy executions."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def create(
        self,
        project: Project,
        commit: Commit,
        specification: Specification,
        *,
        title: str | None = None,
        tags: Sequence[str] = (),
        priority: int = 0,
    ) -> Execution:
        """Write one execution, its inputs resolved to the files that they name now.

        Raises:
            InvalidInputError: names the field; nothing was created.
        """
        from core.executions import creation  # noqa: PLC0415 - a list makes none

        self._session.require("execution.create")
        inputs = creation.resolve_inputs(self._session, project, specification)
        new = creation.NewExecution(specification, inputs, title, tuple(tags), priority)
        return self.by_id(creation.insert(self._session, project, commit, [new])[0])

    def check(
        self,
        project: Project,
        specification: Specification,
        *,
        title: str | None = None,
        tags: Sequence[str] = (),
        priority: int = 0,
    ) -> str | None:
        """Raise what `create` would raise for all but the inputs; return a note about the environment, if there is one.

        For faces that have something long to do first, such as uploading the inputs.
        """
        from core.executions import creation  # noqa: PLC0415 - a list creates nothing

        self._session.require("execution.create")
        new = creation.NewExecution(specification, {}, title, tuple(tags), priority)
        return creation.check(self._session, project, [new])[0].note

    def create_many(self, project: Project, commit: Commit, specifications: Iterable[Specification]) -> list[int]:
        """Write many executions in one transaction; return their ids."""
        from core.executions import creation  # noqa: PLC0415 - a list makes none

        self._session.require("execution.create")
        news = [
            creation.NewExecution(specification, creation.resolve_inputs(self._session, project, specification))
            for specification in specifications
        ]
        return creation.insert(self._session, project, commit, news)

    def copy(
        self,
        execution: Execution,
        *,
        parameters: Mapping[str, object] | None = None,
        inputs: Mapping[str, Sequence[str]] | None = None,
        others: Mapping[str, Any] | None = None,
    ) -> Execution:
        """Run an execution again: same commit, image, values and files, but for what is given here.

        `others` are environment, image, environment_variables, time_limit, title, tags and priority.
        """
        from core.executions import creation  # noqa: PLC0415
        from core.executions.copying import copied  # noqa: PLC0415

        self._session.require("execution.create")
        project, commit, new = copied(self._session, execution, parameters or {}, inputs or {}, others or {})
        return self.by_id(creation.insert(self._session, project, commit, [new])[0])

    def by_id(self, execution_id: int) -> Execution:
        """Return the execution with this id.

        Raises:
            NotFoundError: there is none, or it is of another organization.
        """
        execution = self._one("e.id = :id", id=execution_id)
        if execution is None:
            message = f"there is no execution with id {execution_id}"
            raise NotFoundError(message)
        return execution

    def get(self, project: Project, counter: int | Literal["latest"]) -> Execution:
        """Return the execution `#counter` of a project, or its latest one.

        Raises:
            NotFoundError: there is none.
        """
        if counter == "latest":
            execution = self._one("e.project_id = :project ORDER BY e.counter DESC LIMIT 1", project=project.id)
        else:
            execution = self._one(
                "e.project_id = :project AND e.counter = :counter", project=project.id, counter=counter
            )
        if execution is None:
            message = f"{project.name!r} has no execution #{counter}: `shoal executions ls` shows what there is"
            raise NotFoundError(message, field="execution")
        return execution

    def list(
        self,
        project: Project | None = None,
        *,
        statuses: Sequence[str] = (),
        creator: str | None = None,
        tag: str | None = None,
        after: int | None = None,
        limit: int = 100,
    ) -> Page[Execution]:
        """Return executions, newest first; `after` is the `next` of the page before."""
        connection = self._session.read("execution.see")
        creator_id = None
        if creator is not None:
            row = connection.execute("SELECT id FROM users WHERE name = ?", (creator,)).fetchone()
            if row is None:
                return Page([], None)
            creator_id = int(row["id"])
        wanted = Filter(None if project is None else project.id, statuses, creator_id, tag)
        limit = max(1, min(limit, LARGEST_PAGE))
        organization = self._session.actor.organization_id
        query, values = page_query(wanted, organization=organization, after=after, limit=limit + 1)
        found = [from_row(row) for row in connection.execute(query, values)]
        return page_of(found, [execution.id for execution in found], limit)

    def ids_by_metadata(
        self, project: Project, key: str, *, descending: bool = True, limit: int = LARGEST_PAGE
    ) -> Sequence[int]:
        """Return the ids of executions that have the metadata `key`, sorted by its latest value: numbers first."""
        connection = self._session.read("execution.see")
        ids: dict[int, None] = {}
        for query in metadata.SORTED[descending]:
            ids |= dict.fromkeys(row[0] for row in connection.execute(query, (project.id, key, limit - len(ids))))
        return [*ids]

    def sorted_by_metadata(
        self, project: Project, key: str, *, descending: bool = True, limit: int = 100
    ) -> Sequence[Execution]:
        """Return the executions whose latest value of the metadata `key` comes first."""
        ids = self.ids_by_metadata(project, key, descending=descending, limit=limit)
        rows = self._session.read("execution.see").execute(
            f"{SELECT} AND e.id IN ({_GIVEN})",
            {"organization": self._session.actor.organization_id, "ids": json.dumps([*ids])},
        )
        by_id = {row["id"]: from_row(row) for row in rows}
        return [by_id[id_] for id_ in ids if id_ in by_id]

    def counts(self, project: Project | None = None) -> dict[str, int]:
        """Return how many executions are in each status, from kept counts."""
        rows = self._session.read("execution.see").execute(
            "SELECT n.status, sum(n.number) FROM execution_counts n JOIN projects p ON p.id = n.project_id"
            " WHERE p.organization_id = ? AND (? IS NULL OR p.id = ?) GROUP BY n.status",
            (self._session.actor.organization_id, project and project.id, project and project.id),
        )
        found = dict(tuple(row) for row in rows)
        return {status: found.get(status, 0) for status in STATUSES}

    def stop(self, execution: Execution, reason: str = "") -> Execution:
        """Ask an execution to stop: one that waits is stopped at once, one that runs gets SIGTERM and its grace period.

        Raises:
            ConflictError: it has ended already.
        """
        from core.executions.transitions import begin_stopping, stop_waiting  # noqa: PLC0415 - a list changes nothing

        actor = self._session.actor
        detail = reason or f"stopped by {actor.name}"
        self.by_id(execution.id)
        with self._session.write("execution.stop") as connection:
            stopped = stop_waiting(connection, execution.id, actor.id, detail) or begin_stopping(
                connection, execution.id, actor.id, detail
            )
        current = self.by_id(execution.id)
        if not stopped and current.status in FINAL:
            message = f"execution #{current.counter} has ended already ({current.status}): there is nothing to stop"
            raise ConflictError(message, field="execution")
        return current

    def add_tags(self, execution: Execution, tags: Sequence[str]) -> None:
        """Add tags to an execution; those that it has are kept once."""
        rows = [(execution.id, checked_tag(tag)) for tag in tags]
        self.by_id(execution.id)
        with self._session.write("execution.edit") as connection:
            connection.executemany("INSERT OR IGNORE INTO execution_tags VALUES (?, ?)", rows)
            record(
                connection, self._session.actor.id, "execution", execution.id, "tagged", project_id=execution.project_id
            )

    def set_tags(self, execution: Execution, tags: Sequence[str]) -> Execution:
        """Give an execution these tags and no others."""
        rows = [(execution.id, tag) for tag in dict.fromkeys(checked_tag(tag) for tag in tags)]
        self.by_id(execution.id)
        with self._session.write("execution.edit") as connection:
            connection.execute("DELETE FROM execution_tags WHERE execution_id = ?", (execution.id,))
            connection.executemany("INSERT INTO execution_tags VALUES (?, ?)", rows)
            record(
                connection, self._session.actor.id, "execution", execution.id, "tagged", project_id=execution.project_id
            )
        return self.by_id(execution.id)

    def set_title(self, execution: Execution, title: str) -> Execution:
        """Give an execution a title; an empty one takes it away.

        Raises:
            InvalidInputError: it is no printable text, or too long.
        """
        checked = checked_label(title, "title") if title.strip() else None
        self.by_id(execution.id)
        with self._session.write("execution.edit") as connection:
            connection.execute("UPDATE executions SET title = ? WHERE id = ?", (checked, execution.id))
            record(
                connection, self._session.actor.id, "execution", execution.id, "titled", project_id=execution.project_id
            )
        return self.by_id(execution.id)

    def events(self, execution: Execution) -> Sequence[Event]:
        """Return what happened to an execution, oldest first: what was written down, and its own times."""
        rows = self._session.read("execution.see").execute(
            "SELECT at, kind, message FROM execution_events WHERE execution_id = ? ORDER BY id", (execution.id,)
        )
        # What happened at the same moment stays in its order, and a beginning comes before what followed from it.
        return sorted([*beginnings(self.by_id(execution.id)), *(Event(*row) for row in rows)], key=lambda each: each.at)

    def inputs(self, execution: Execution) -> Sequence[ExecutionInput]:
        """Return the files of an execution's inputs."""
        rows = self._session.read("execution.see").execute(
            "SELECT name, position, requested, uri, path, file_id, size, md5, sha1, sha256 FROM execution_inputs"
            " WHERE execution_id = ? ORDER BY name, position",
            (execution.id,),
        )
        return [ExecutionInput(*row) for row in rows]

    def log(self, execution: Execution, after: int = 0) -> tuple[Sequence[LogLine], int]:
        """Return the next lines of the log from offset `after`, and the offset to go on from."""
        self._session.require("execution.see")
        return read_log(log_path(self._session.home.logs, execution.uuid), self._log_bytes(execution), after)

    def log_tail(self, execution: Execution, lines: int) -> int:
        """Return the offset at which the last `lines` lines of the log begin."""
        return tail_offset(log_path(self._session.home.logs, execution.uuid), self._log_bytes(execution), lines)

    def metadata(self, execution: Execution, key: str) -> Sequence[Point]:
        """Return every value of one metadata key."""
        return metadata.series(self._session.read("execution.see"), execution.id, key)

    def metadata_latest(self, execution: Execution) -> dict[str, Any]:
        """Return the newest value of every metadata key."""
        return metadata.latest(self._session.read("execution.see"), execution.id)

    def metadata_part(self, execution: Execution, key: str, after: int = -1) -> Part:
        """Return the next points of one metadata key, `after` the `last` of the part before: a few at a time."""
        return metadata.part(self._session.read("execution.see"), execution.id, key, after)

    def metadata_newest(self, execution: Execution, after: tuple[int, int] = (-1, -1)) -> Sequence[Newest]:
        """Return the keys that were printed since `after`, the `place` of the newest known: some at a time."""
        return metadata.newest(self._session.read("execution.see"), execution.id, after)

    def _log_bytes(self, execution: Execution) -> int:
        row = (
            self._session.read("execution.see")
            .execute("SELECT log_bytes FROM executions WHERE id = ?", (execution.id,))
            .fetchone()
        )
        return int(row[0]) if row else 0

    def _one(self, where: str, **values: int) -> Execution | None:
        row = (
            self._session.read("execution.see")
            .execute(f"{SELECT} AND {where}", {"organization": self._session.actor.organization_id, **values})
            .fetchone()
        )
        return None if row is None else from_row(row)
