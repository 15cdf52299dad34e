"""The queue as a long list: what runs, then what waits in the order of the plan, then what a quota keeps."""

from __future__ import annotations

import itertools
import json
from array import array
from typing import TYPE_CHECKING, Any

from core.errors import InvalidInputError
from core.executions.execution import STATUSES
from core.queue.service import is_quiet
from core.scheduler.reasons import SHOWN_REASON
from core.text_match import shows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from core.queue.queued_execution import QueuedExecution
    from core.resources.resource import Query
    from core.session import Session
    from data.changes import Change

FIRST_PART = 200
PART = 10_000
PRESENT = STATUSES[:4]
GROUPED = ("environment", "user", "project", "team")
"""What the list can be filtered and grouped by."""

_GIVEN = (
    "FROM json_each(:ids) g CROSS JOIN executions e ON e.id = g.value CROSS JOIN projects p ON p.id = e.project_id"
    " WHERE p.organization_id = :organization AND e.status IN ('created', 'queued', 'started', 'stopping')"
)
_NAMES = {
    "environment": "(SELECT slug FROM environments WHERE id = e.environment_id)",
    "user": "(SELECT name FROM users WHERE id = e.user_id)",
    "project": "p.name",
    "team": "(SELECT name FROM teams WHERE id = e.team_id)",
}
_ORDERS = {
    **{name: f"{expression} COLLATE NOCASE" for name, expression in _NAMES.items()},
    "step": "e.step COLLATE NOCASE",
    "number": "e.id",
    "age": "CASE WHEN e.started_at IS NULL THEN e.created_at ELSE e.started_at END",
}
_REASON = f"""
CASE WHEN e.status IN ('created', 'queued') THEN (SELECT {SHOWN_REASON} FROM waiting_reasons w
    JOIN users u ON u.id = w.user_id WHERE w.environment_id = e.environment_id AND w.user_id = e.user_id
    AND w.team_id = e.team_id AND w.status = e.status) ELSE e.status_detail END
"""  # noqa: S608 - made of constants
_SHOWN = f"""
'#' || e.counter || ' ' || e.step || ' ' || coalesce(e.title, '') || ' ' || e.status || ' ' || p.name || ' '
|| {_NAMES["environment"]} || ' ' || {_NAMES["user"]} || ' ' || coalesce({_NAMES["team"]}, '') || ' '
|| coalesce((SELECT name FROM machines WHERE id = e.machine_id), '') || ' ' || coalesce({_REASON}, '')
"""  # noqa: S608 - made of constants
_TABLES = {
    "environment": "SELECT id FROM environments WHERE slug = :name AND deleted_at IS NULL",
    "user": "SELECT id FROM users WHERE name = :name",
    "project": "SELECT id FROM projects WHERE name = :name AND organization_id = :organization",
    "team": "SELECT id FROM teams WHERE name = :name AND organization_id = :organization",
}
_NOBODY = -1


class BrowsedQueue:
    """The source of the list; `sort` groups, and within a group the order stays."""

    kinds = frozenset({"execution", "environment"})

    def ids(self, session: Session, query: Query) -> Iterator[Sequence[int]]:
        """Yield the ids that match, in order.

        Raises:
            InvalidInputError: there is no such filter, status or order.
        """
        _order(query)
        if query.sort is not None or query.descending:
            found = array("q", _present(session, query))
            yield self.matching(session, query, found)
            return
        # The first ones are known at once, however many wait; that some of them may begin meanwhile does no harm.
        first = array("q", _present(session, query, most=FIRST_PART))
        is_whole = not query.text.split() and not query.where and not _has_others(session)
        yield first if is_whole else self.matching(session, query, first)
        known = set(first)
        rest = array("q", (id_ for id_ in _present(session, query) if id_ not in known))
        size = len(rest) if is_whole else PART
        for start in range(0, len(rest), max(1, size)):
            part = rest[start : start + size]
            yield part if is_whole else self.matching(session, query, part)

    def rows(self, session: Session, ids: Sequence[int]) -> Mapping[int, QueuedExecution]:
        """Return those of the ids that wait or run."""
        return session.queue.rows(ids)

    def total(self, session: Session, query: Query) -> int:
        """Return how many there are without the text that filters, from the counts that are kept."""
        conditions = "".join(f" AND n.{name}_id = :{name}" for name in GROUPED if name in query.where)
        row = (
            session.read("execution.see")
            .execute(
                "SELECT coalesce(sum(n.number), 0) FROM execution_counts n JOIN projects p ON p.id = n.project_id"  # noqa: S608
                " WHERE p.organization_id = :organization AND n.status IN (SELECT value FROM json_each(:statuses))"
                f"{conditions}",
                _bound(session, query),
            )
            .fetchone()
        )
        return int(row[0])

    def touched(self, session: Session, changes: Sequence[Change]) -> set[int] | None:  # noqa: ARG002
        """Return the executions whose text changed; None where places did."""
        if all(map(is_quiet, changes)):
            return {change.subject for change in changes if change.kind == "execution"}
        return None

    def matching(self, session: Session, query: Query, ids: Sequence[int]) -> Sequence[int]:
        """Return those of the ids that match, in the order in which they are given, or in groups."""
        conditions = "".join(f" AND e.{name}_id = :{name}" for name in GROUPED if name in query.where)
        condition, words = shows(_SHOWN, query)
        statement = (
            f"SELECT e.id {_GIVEN}{conditions} AND e.status IN (SELECT value FROM json_each(:statuses))"  # noqa: S608 - words are bound
            f"{''.join(f' AND {each}' for each in condition)} ORDER BY {_order(query)}"
        )
        bound = _bound(session, query) | words | {"ids": json.dumps([*ids])}
        return [row[0] for row in session.read("execution.see").execute(statement, bound)]


def grouped_by(query: Query) -> str:
    """Return what a query groups by: environments, where nothing was asked for."""
    return query.sort if query.sort in GROUPED else GROUPED[0]


def filter_ids(session: Session, query: Query) -> dict[str, int]:
    """Return the ids of what a query filters by; what is not there has one that nothing has.

    Raises:
        InvalidInputError: there is no such filter.
    """
    if unknown := [name for name in query.where if name not in (*GROUPED, "status")]:
        message = f"the queue has no filter {unknown[0]!r}: status, {', '.join(GROUPED)} can be used"
        raise InvalidInputError(message, field=unknown[0])
    connection = session.read("execution.see")
    found = {}
    for name in GROUPED:
        if name in query.where:
            bound = {"name": query.where[name], "organization": session.actor.organization_id}
            row = connection.execute(_TABLES[name], bound).fetchone()
            found[name] = _NOBODY if row is None else int(row[0])
    return found


def _bound(session: Session, query: Query) -> dict[str, Any]:
    return {
        "organization": session.actor.organization_id,
        "statuses": json.dumps(sorted(_statuses(query))),
        **filter_ids(session, query),
    }


def _statuses(query: Query) -> set[str]:
    wanted = [status for status in query.where.get("status", "").split(",") if status]
    if unknown := [status for status in wanted if status not in PRESENT]:
        message = f"there is no status {unknown[0]!r} in the queue: it is one of {', '.join(PRESENT)}"
        raise InvalidInputError(message, field="status")
    return {*wanted} or {*PRESENT}


def _order(query: Query) -> str:
    direction = "DESC" if query.descending else "ASC"
    if query.sort is None:
        return f"g.key {direction}"
    expression = _ORDERS.get(query.sort)
    if expression is None:
        message = f"the queue cannot be sorted by {query.sort!r:.120}: {', '.join(_ORDERS)} can be used"
        raise InvalidInputError(message, field="sort")
    return f"{expression} IS NULL, {expression} {direction}, g.key"


def _present(session: Session, query: Query, *, most: int | None = None) -> Iterator[int]:
    """Yield what runs and what waits, as far as a query's status and environment ask for it."""
    statuses = _statuses(query)
    if {"started", "stopping"} & statuses:
        yield from _running(session)
    if {"created", "queued"} & statuses:
        yield from _waiting(session, filter_ids(session, query).get("environment"), most)


def _running(session: Session) -> Iterable[int]:
    rows = session.read("execution.see").execute(
        "SELECT id FROM executions INDEXED BY executions_running WHERE status IN ('started', 'stopping')"
        " ORDER BY started_at, id"
    )
    return [row[0] for row in rows]


def _waiting(session: Session, environment_id: int | None, most: int | None) -> Iterable[int]:
    """Return what waits: the first one of every environment, then the second ones, and last what a quota keeps."""
    rows = (
        session.read("environment.see")
        .execute(
            "SELECT v.id FROM environments v WHERE deleted_at IS NULL AND EXISTS (SELECT 1 FROM execution_counts n"
            " WHERE n.environment_id = v.id AND n.number > 0 AND n.status IN ('created', 'queued')) ORDER BY slug"
        )
        .fetchall()
    )
    ids = [row[0] for row in rows if environment_id in (None, row[0])]
    if most is not None:
        fronts = [session.queue.near(id_) for id_ in ids]
        return itertools.islice(_by_place(fronts), most)
    orders = [session.queue.order(id_) for id_ in ids]
    kept = sorted(id_ for _, kept in orders for id_ in kept)
    placed: Iterable[int] = orders[0][0] if len(orders) == 1 else _by_place([order for order, _ in orders])
    return itertools.chain(placed, kept)


def _by_place(orders: Sequence[Sequence[int]]) -> Iterator[int]:
    return (id_ for of_place in itertools.zip_longest(*orders) for id_ in of_place if id_ is not None)


def _has_others(session: Session) -> bool:
    """Tell whether other organizations have work here, which is nobody's to see."""
    return bool(
        session.read("organization.see")
        .execute("SELECT 1 FROM organizations WHERE id != ?", (session.actor.organization_id,))
        .fetchone()
    )
