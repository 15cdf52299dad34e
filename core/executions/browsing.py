"""Executions as a long list: their ids in any order and filtered, and the rows of those that are looked at."""

from __future__ import annotations

import json
from array import array
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.errors import InvalidInputError
from core.executions.execution import SELECT, STATUSES, Execution, from_row
from core.scheduler.reasons import SHOWN_REASON
from core.text_match import shows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from core.resources.resource import Query
    from core.session import Session
    from data.changes import Change

FIRST_PART = 200
PART = 10_000
"""Executions that are looked at for one part: few at first, so that a screen fills, then as many as take some 30 ms.

No query is left half read between two parts: what its connection reads meanwhile would be as old as its beginning.
"""

# CROSS JOIN keeps the order of going through them: by id, by number within a project, by what has a tag, as given.
_OF_ALL = "FROM executions e CROSS JOIN projects p ON p.id = e.project_id"
_OF_PROJECT = "FROM projects p CROSS JOIN executions e ON e.project_id = p.id"
_OF_TAG = f"FROM execution_tags t CROSS JOIN executions e ON e.id = t.execution_id {_OF_ALL.partition(' e ')[2]}"
_OF_GIVEN = f"FROM json_each(:ids) g CROSS JOIN executions e ON e.id = g.value {_OF_ALL.partition(' e ')[2]}"
_USER = "(SELECT name FROM users WHERE id = e.user_id)"
_ENVIRONMENT = "(SELECT slug FROM environments WHERE id = e.environment_id)"
_MACHINE = "(SELECT name FROM machines WHERE id = e.machine_id)"
_REASON = f"""
CASE WHEN e.status IN ('created', 'queued') THEN (
    SELECT {SHOWN_REASON} FROM waiting_reasons w JOIN users u ON u.id = w.user_id
    WHERE w.environment_id = e.environment_id AND w.user_id = e.user_id AND w.team_id = e.team_id
    AND w.status = e.status)
    WHEN e.status != 'complete' THEN e.status_detail END
"""  # noqa: S608 - made of constants
_SHOWN = f"""
'#' || e.counter || ' ' || e.step || ' ' || coalesce(e.title, '') || ' ' || e.status || ' ' || {_USER} || ' '
|| {_ENVIRONMENT} || ' ' || coalesce({_MACHINE}, '') || ' ' || (SELECT identifier FROM commits WHERE id = e.commit_id)
|| ' ' || coalesce((SELECT group_concat(t.tag, ' ') FROM execution_tags t WHERE t.execution_id = e.id), '')
|| ' ' || coalesce({_REASON}, '')
"""  # noqa: S608 - made of constants
_ORDERS: dict[str, str] = {
    "number": "e.id",
    "status": "e.status",
    "step": "e.step COLLATE NOCASE",
    "title": "e.title COLLATE NOCASE",
    "user": f"{_USER} COLLATE NOCASE",
    "environment": _ENVIRONMENT,
    "machine": _MACHINE,
    "duration": "coalesce(e.ended_at, (julianday('now') - 2440587.5) * 86400.0) - e.started_at",
    "cost": "e.cost",
    "priority": "e.priority",
}
_CONDITIONS: dict[str, str] = {
    "user": "e.user_id = (SELECT id FROM users WHERE name = :user)",
    "step": "e.step = :step",
    "environment": "e.environment_id IN (SELECT id FROM environments WHERE slug = :environment)",
    "tag": "EXISTS (SELECT 1 FROM execution_tags h WHERE h.execution_id = e.id AND h.tag = :tag)",
}
_BY_NUMBER = (None, "number", "age")
_OF_KEY: dict[str, str] = {
    "e.id": "FROM executions e",
    "e.counter": "FROM executions e WHERE e.project_id = :project",
    "t.execution_id": "FROM execution_tags t WHERE t.tag = :tag",
}
_COUNTED: dict[str, str] = {
    "user": "n.user_id = (SELECT id FROM users WHERE name = :user)",
    "environment": "n.environment_id IN (SELECT id FROM environments WHERE slug = :environment)",
}


class BrowsedExecutions:
    """The source of the list of executions; newest first, unless it is sorted by a column."""

    kinds = frozenset({"execution", "environment"})

    def ids(self, session: Session, query: Query) -> Iterator[Sequence[int]]:
        """Yield the ids that match, in order; a part may be empty, where nothing among many executions did.

        Raises:
            InvalidInputError: there is no such filter, status or order.
        """
        return self._by_number(session, query) if query.sort in _BY_NUMBER else self._sorted(session, query)

    def rows(self, session: Session, ids: Sequence[int]) -> Mapping[int, Execution]:
        """Return the executions with these ids."""
        rows = session.read("execution.see").execute(
            f"{SELECT} AND e.id IN (SELECT value FROM json_each(:ids))",  # noqa: S608 - made of constants
            _bound(session) | {"ids": json.dumps([*ids])},
        )
        return {row["id"]: from_row(row) for row in rows}

    def total(self, session: Session, query: Query) -> int:
        """Return how many there are without the text that filters: from kept counts, where those tell."""
        selection, values = _selection(session, replace(query, text=""), _from(query))
        if not set(query.where) - {"status"} - set(_COUNTED):
            others = " AND ".join(["TRUE", *(_COUNTED[name] for name in query.where if name in _COUNTED)])
            statement = (
                "SELECT coalesce(sum(n.number), 0) FROM execution_counts n JOIN projects p ON p.id = n.project_id"  # noqa: S608
                " WHERE p.organization_id = :organization AND (:project IS NULL OR p.id = :project)"
                f" AND n.status IN (SELECT value FROM json_each(:statuses)) AND {others}"
            )
            values |= {"project": query.project and query.project.id, "statuses": json.dumps(_statuses(query))}
        else:
            statement = f"SELECT count(*) {selection}"
        return int(session.read("execution.see").execute(statement, values).fetchone()[0])

    def touched(self, session: Session, changes: Sequence[Change]) -> set[int] | None:  # noqa: ARG002
        """Return the executions that the changes are about."""
        return {change.subject for change in changes if change.kind == "execution"}

    def matching(self, session: Session, query: Query, ids: Sequence[int]) -> Sequence[int]:
        """Return those of the ids that match, in order."""
        selection, values = _selection(session, query, _OF_GIVEN)
        statement = f"SELECT e.id {selection} ORDER BY {_order(query)}"
        bound = values | {"ids": json.dumps([*ids])}
        return [row[0] for row in session.read("execution.see").execute(statement, bound)]

    def _by_number(self, session: Session, query: Query) -> Iterator[Sequence[int]]:
        """Go through the executions by id or number, a stretch of these at a time."""
        selection, values = _selection(session, query, _from(query))
        key, direction = _key(query), _direction(query)
        statement = f"SELECT e.id {selection} AND {key} > :low AND {key} <= :high ORDER BY {key} {direction}"
        last = session.read("execution.see").execute(f"SELECT max({key}) {_OF_KEY[key]}", values).fetchone()[0] or 0
        passed, size = 0, FIRST_PART
        while passed < last:
            low, high = (passed, passed + size) if direction == "ASC" else (last - passed - size, last - passed)
            rows = session.read("execution.see").execute(statement, values | {"low": low, "high": high})
            yield [row[0] for row in rows]
            passed, size = passed + size, PART

    def _sorted(self, session: Session, query: Query) -> Iterator[Sequence[int]]:
        """Sort the executions that match; where filters say which do, they are found a stretch at a time."""
        order = _order(query)
        selection, values = _selection(session, query, _from(query))
        if query.text.split() or query.where:
            found = array("q")
            for part in self._by_number(session, replace(query, sort=None, descending=False)):
                found.extend(part)
                yield ()
            selection, values = f"{_OF_GIVEN} WHERE TRUE", {"ids": json.dumps([*found])}
        cursor = session.read("execution.see").execute(f"SELECT e.id {selection} ORDER BY {order}", values)
        ids = array("q", (row[0] for row in cursor))
        yield ids[:FIRST_PART]
        yield ids[FIRST_PART:]


def _bound(session: Session) -> dict[str, Any]:
    return {"organization": session.actor.organization_id}


def _from(query: Query) -> str:
    return _OF_TAG if "tag" in query.where else _OF_ALL if query.project is None else _OF_PROJECT


def _key(query: Query) -> str:
    """Return what executions are gone through by; within a project the ids rise with the numbers."""
    if "tag" in query.where:
        return "t.execution_id"
    return "e.id" if query.project is None or "status" in query.where else "e.counter"


def _order(query: Query) -> str:
    if query.sort in _BY_NUMBER:
        return f"e.id {_direction(query)}"
    expression = _ORDERS.get(query.sort or "")
    if expression is None:
        message = f"executions cannot be sorted by {query.sort!r}: {', '.join(_ORDERS)} can be used"
        raise InvalidInputError(message, field="sort")
    return f"{expression} IS NULL, {expression} {'DESC' if query.descending else 'ASC'}, e.id DESC"


def _direction(query: Query) -> str:
    """Return the direction of the numbers: the youngest, which come first in the list's own order, have the highest."""
    return "ASC" if query.descending != (query.sort == "number") else "DESC"


def _statuses(query: Query) -> list[str]:
    wanted = [status for status in query.where.get("status", "").split(",") if status]
    unknown = [status for status in wanted if status not in STATUSES]
    if unknown:
        message = f"there is no status {unknown[0]!r}: it is one of {', '.join(STATUSES)}"
        raise InvalidInputError(message, field="status")
    return wanted or [*STATUSES]


def _selection(session: Session, query: Query, of: str) -> tuple[str, dict[str, Any]]:
    """Return what follows a SELECT of columns of `e`, and its values."""
    parts, values = ["p.organization_id = :organization"], _bound(session)
    if query.project is not None:
        parts.append("p.id = :project")
        values["project"] = query.project.id
    for name, value in query.where.items():
        if name == "status":
            parts.append("e.status IN (SELECT value FROM json_each(:statuses))")
            values["statuses"] = json.dumps(_statuses(query))
        elif name in _CONDITIONS:
            parts.append("t.tag = :tag" if name == "tag" and of == _OF_TAG else _CONDITIONS[name])
            values[name] = value
        else:
            message = f"executions have no filter {name!r}: status, {', '.join(_CONDITIONS)} can be used"
            raise InvalidInputError(message, field=name)
    condition, words = shows(_SHOWN, query)
    return f"{of} WHERE {' AND '.join([*parts, *condition])}", values | words
