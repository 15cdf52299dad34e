"""Files as a long list to go through: their ids in any order and filtered, and the rows of those that are looked at."""

from __future__ import annotations

import json
from array import array
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.errors import InvalidInputError
from core.quantities import read_number
from core.text_match import shows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from core.resources.resource import Query
    from core.session import Session
    from core.storage.files import File
    from data.changes import Change

FIRST_PART = 200
PART = 10_000
"""Files that are looked at for one part: few at first, so that a screen fills, then as many as take some 20 ms."""

_FROM = "FROM files f CROSS JOIN projects p ON p.id = f.project_id WHERE p.organization_id = :organization"
# The join's order is fixed: what a tag or an execution has is read from its index.
_FROM_TAG = """
    FROM file_tags t CROSS JOIN files f ON f.id = t.file_id CROSS JOIN projects p ON p.id = f.project_id
    WHERE t.tag = :tag AND p.organization_id = :organization
"""
_MAKERS = """
    SELECT e.id FROM projects o CROSS JOIN executions e ON e.project_id = o.id AND e.counter = :execution
    WHERE o.organization_id = :organization
"""
_SHOWN = """
    f.name || ' ' || f.uuid
    || coalesce((SELECT ' ' || group_concat(t.tag, ' ') FROM file_tags t WHERE t.file_id = f.id), '')
    || coalesce((SELECT ' ' || group_concat(a.name, ' ') FROM aliases a WHERE a.file_id = f.id), '')
"""
_ORDERS = {"name": "f.name COLLATE NOCASE", "size": "f.size"}
_BY_AGE = (None, "age")
_GIVEN = "SELECT value FROM json_each(:ids)"


class BrowsedFiles:
    """The source of the list of files; newest first, unless it is sorted by a column."""

    kinds = frozenset({"file"})

    def ids(self, session: Session, query: Query) -> Iterator[Sequence[int]]:
        """Yield the ids that match, in order; a part may be empty, where nothing among many files did.

        Raises:
            InvalidInputError: there is no such filter or order.
        """
        if query.sort in _BY_AGE:
            return self._by_age(session, query)
        return self._sorted(session, query)

    def rows(self, session: Session, ids: Sequence[int]) -> Mapping[int, File]:
        """Return the files with these ids."""
        return session.files.by_ids(ids)

    def total(self, session: Session, query: Query) -> int:
        """Return how many there are without the text that filters."""
        where, values = _selection(session, query)
        return int(session.read("file.see").execute(f"SELECT count(*) {where}", values).fetchone()[0])

    def touched(self, session: Session, changes: Sequence[Change]) -> set[int] | None:  # noqa: ARG002
        """Return the files that the changes are about."""
        return {change.subject for change in changes if change.kind == "file"}

    def matching(self, session: Session, query: Query, ids: Sequence[int]) -> Sequence[int]:
        """Return those of the ids that match, in order."""
        where, values = _selection(session, query)
        text, words = shows(_SHOWN, query)
        condition = " AND ".join([f"f.id IN ({_GIVEN})", *text])
        statement = f"SELECT f.id {where} AND {condition} ORDER BY {_order(query)}"
        bound = values | words | {"ids": json.dumps([*ids])}
        return [row[0] for row in session.read("file.see").execute(statement, bound)]

    def _by_age(self, session: Session, query: Query) -> Iterator[Sequence[int]]:
        """Go through the files by id, a stretch at a time."""
        where, values = _selection(session, query)
        rising = query.descending
        beyond = f"{_key(query)} {'>' if rising else '<'} :last"
        statement = f"SELECT f.id {where} AND {beyond} ORDER BY {_order(query)} LIMIT :limit"
        last, limit = (0 if rising else 2**63 - 1), FIRST_PART
        while True:
            rows = session.read("file.see").execute(statement, values | {"last": last, "limit": limit})
            if not (stretch := [row[0] for row in rows]):
                return
            yield self.matching(session, query, stretch) if query.text.split() else stretch
            last, limit = stretch[-1], PART

    def _sorted(self, session: Session, query: Query) -> Iterator[Sequence[int]]:
        """Sort the files that match, which are found a stretch at a time where a text filters."""
        where, values = _selection(session, query)
        if query.text.split():
            found = array("q")
            for part in self._by_age(session, replace(query, sort=None, descending=False)):
                found.extend(part)
                yield ()
            where, values = f"FROM files f WHERE f.id IN ({_GIVEN})", {"ids": json.dumps([*found])}
        # At once: to go on after a place in such an order, all files have to be looked at again.
        cursor = session.read("file.see").execute(f"SELECT f.id {where} ORDER BY {_order(query)}", values)
        ids = array("q", (row[0] for row in cursor))
        yield ids[:FIRST_PART]
        yield ids[FIRST_PART:]


def _selection(session: Session, query: Query) -> tuple[str, dict[str, Any]]:
    """Return what follows a SELECT of columns of `f`: everything but the text that filters; and its values."""
    values: dict[str, Any] = {"organization": session.actor.organization_id}
    parts = [_FROM_TAG if "tag" in query.where else _FROM]
    if query.project is not None:
        parts.append("f.project_id = :project")
        values["project"] = query.project.id
    for name, value in query.where.items():
        if name == "execution":
            parts.append(f"f.execution_id IN ({_MAKERS})")
            values["execution"] = _number(value)
        elif name == "tag":
            values["tag"] = value
        else:
            message = f"files have no filter {name!r}: tag and execution can be used"
            raise InvalidInputError(message, field=name)
    return " AND ".join(parts), values


def _number(text: str) -> int:
    if (number := read_number(text)) is None:
        message = f"{text!r} is no execution's number: give such as 12"
        raise InvalidInputError(message, field="execution")
    return number


def _key(query: Query) -> str:
    # The same number, from the index that is gone through.
    return "t.file_id" if "tag" in query.where else "f.id"


def _order(query: Query) -> str:
    if query.sort in _BY_AGE:
        return f"{_key(query)} {'ASC' if query.descending else 'DESC'}"
    expression = _ORDERS.get(query.sort or "")
    if expression is None:
        message = f"files cannot be sorted by {query.sort!r}: {', '.join(_ORDERS)} and age can be used"
        raise InvalidInputError(message, field="sort")
    return f"{expression} {'DESC' if query.descending else 'ASC'}, f.id DESC"
