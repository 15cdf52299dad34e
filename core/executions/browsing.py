"""Executions as a long list: their ids in any order and filtered, and the rows of those that are looked at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from core.errors import InvalidInputError
from core.executions.execution import SELECT, STATUSES, Execution, from_row
from core.text_match import like_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from core.resources.resource import Query
    from core.session import Session
    from data.changes import Change

FIRST_PART = 200
PART = 20_000
"""Ids that are given at once: few at first, so that a screen fills, then as many as take some 20 ms."""

# CROSS JOIN keeps the order: all executions are read newest first by their ids, those of a project by its index.
_OF_ALL = """
FROM executions e CROSS JOIN projects p ON p.id = e.project_id WHERE p.organization_id = :organization
"""
_OF_PROJECT = """
FROM projects p CROSS JOIN executions e ON e.project_id = p.id
WHERE p.organization_id = :organization AND p.id = :project
"""
_USER = "(SELECT name FROM users WHERE id = e.user_id)"
_ENVIRONMENT = "(SELECT slug FROM environments WHERE id = e.environment_id)"
_MACHINE = "(SELECT name FROM machines WHERE id = e.machine_id)"
_SHOWN = f"""
'#' || e.counter || ' ' || e.step || ' ' || coalesce(e.title, '') || ' ' || e.status || ' ' || {_USER} || ' '
|| {_ENVIRONMENT} || ' ' || coalesce({_MACHINE}, '') || ' ' || (SELECT identifier FROM commits WHERE id = e.commit_id)
|| ' ' || coalesce((SELECT group_concat(t.tag, ' ') FROM execution_tags t WHERE t.execution_id = e.id), '')
"""  # noqa: S608 - made of constants
_ORDERS: dict[str, str] = {
    "number": "e.id",
    "status": "e.status",
    "step": "e.step COLLATE NOCASE",
    "title": "e.title COLLATE NOCASE",
    "user": f"{_USER} COLLATE NOCASE",
    "environment": _ENVIRONMENT,
    "machine": _MACHINE,
    "age": "-e.created_at",
    "duration": "coalesce(e.ended_at, unixepoch('subsec')) - e.started_at",
    "cost": "e.cost",
    "priority": "e.priority",
}
_CONDITIONS: dict[str, str] = {
    "user": "e.user_id = (SELECT id FROM users WHERE name = :user)",
    "step": "e.step = :step",
    "environment": "e.environment_id = (SELECT id FROM environments WHERE slug = :environment)",
    "tag": "EXISTS (SELECT 1 FROM execution_tags t WHERE t.execution_id = e.id AND t.tag = :tag)",
}
_GIVEN = "SELECT value FROM json_each(:ids)"


class BrowsedExecutions:
    """The source of the list of executions; newest first, unless it is sorted by a column."""

    kinds = frozenset({"execution", "environment"})

    def ids(self, session: Session, query: Query) -> Iterator[Sequence[int]]:
        """Yield the ids that match, in order.

        Raises:
            InvalidInputError: there is no such filter, status or order.
        """
        condition, values = _condition(query)
        statement = f"SELECT e.id {_from(query)} {condition} ORDER BY {_order(query)}"
        cursor = session.read("execution.see").execute(statement, values | _bound(session))
        size = FIRST_PART
        while rows := cursor.fetchmany(size):
            yield [row[0] for row in rows]
            size = PART

    def rows(self, session: Session, ids: Sequence[int]) -> Mapping[int, Execution]:
        """Return the executions with these ids."""
        rows = session.read("execution.see").execute(
            f"{SELECT} AND e.id IN ({_GIVEN})", _bound(session) | {"ids": json.dumps([*ids])}
        )
        return {row["id"]: from_row(row) for row in rows}

    def total(self, session: Session, query: Query) -> int:
        """Return how many there are without the text that filters: from kept counts, where there is no other filter."""
        connection = session.read("execution.see")
        if not set(query.where) - {"status"}:
            statement = (
                "SELECT coalesce(sum(n.number), 0) FROM execution_counts n JOIN projects p ON p.id = n.project_id"
                " WHERE p.organization_id = :organization AND (:project IS NULL OR p.id = :project)"
                " AND n.status IN (SELECT value FROM json_each(:statuses))"
            )
            bound = {"project": query.project and query.project.id, "statuses": json.dumps(_statuses(query))}
            return int(connection.execute(statement, _bound(session) | bound).fetchone()[0])
        condition, values = _condition(query, with_text=False)
        return int(
            connection.execute(f"SELECT count(*) {_from(query)} {condition}", values | _bound(session)).fetchone()[0]
        )

    def touched(self, session: Session, changes: Sequence[Change]) -> set[int] | None:  # noqa: ARG002
        """Return the executions that the changes are about."""
        return {change.subject for change in changes if change.kind == "execution"}

    def matching(self, session: Session, query: Query, ids: Sequence[int]) -> Sequence[int]:
        """Return those of the ids that match, in order."""
        condition, values = _condition(query)
        statement = f"SELECT e.id {_from(query)} {condition} AND e.id IN ({_GIVEN}) ORDER BY {_order(query)}"
        bound = values | _bound(session) | {"ids": json.dumps([*ids])}
        return [row[0] for row in session.read("execution.see").execute(statement, bound)]


def _bound(session: Session) -> dict[str, Any]:
    return {"organization": session.actor.organization_id}


def _from(query: Query) -> str:
    return _OF_ALL if query.project is None else _OF_PROJECT


def _order(query: Query) -> str:
    if query.sort is None or query.sort == "number":
        # Within a project the ids rise with the numbers, and there is an index on these.
        key = "e.id" if query.project is None or "status" in query.where else "e.counter"
        return f"{key} {'ASC' if query.descending and query.sort is None else _direction(query)}"
    expression = _ORDERS.get(query.sort)
    if expression is None:
        message = f"executions cannot be sorted by {query.sort!r}: {', '.join(_ORDERS)} can be used"
        raise InvalidInputError(message, field="sort")
    return f"{expression} IS NULL, {expression} {_direction(query)}, e.id DESC"


def _direction(query: Query) -> str:
    return "DESC" if query.descending or query.sort is None else "ASC"


def _statuses(query: Query) -> list[str]:
    wanted = [status for status in query.where.get("status", "").split(",") if status]
    unknown = [status for status in wanted if status not in STATUSES]
    if unknown:
        message = f"there is no status {unknown[0]!r}: it is one of {', '.join(STATUSES)}"
        raise InvalidInputError(message, field="status")
    return wanted or [*STATUSES]


def _condition(query: Query, *, with_text: bool = True) -> tuple[str, dict[str, Any]]:
    parts: list[str] = []
    values: dict[str, Any] = {} if query.project is None else {"project": query.project.id}
    if "status" in query.where:
        parts.append("e.status IN (SELECT value FROM json_each(:statuses))")
        values["statuses"] = json.dumps(_statuses(query))
    for name, value in query.where.items():
        if name == "status":
            continue
        if name not in _CONDITIONS:
            message = f"executions have no filter {name!r}: status, {', '.join(_CONDITIONS)} can be used"
            raise InvalidInputError(message, field=name)
        parts.append(_CONDITIONS[name])
        values[name] = value
    words = query.text.split() if with_text else []
    if words:
        shows = " AND ".join(f"shown LIKE :word{number} ESCAPE '\\'" for number in range(len(words)))
        negation = "NOT " if query.inverted else ""
        parts.append(f"(SELECT {negation}({shows}) FROM (SELECT {_SHOWN} AS shown))")  # noqa: S608 - words are bound
        values |= {f"word{number}": like_pattern(word) for number, word in enumerate(words)}
    return "".join(f" AND {part}" for part in parts), values
