"""Machines as a long list: their ids in any order and filtered."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.errors import InvalidInputError
from core.machines.service import END, PAST, RAN, RUNNING, STATES, WORKED, Machine
from core.machines.usage import BILL
from core.text_match import shows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from core.resources.resource import Query
    from core.session import Session
    from data.changes import Change

FIRST_PART = 200
PART = 5_000
"""Machines that are looked at for one part of those that have left: few at first, so that a screen fills."""

_FROM = """FROM machines m JOIN environments v ON v.id = m.environment_id LEFT JOIN hosts h ON h.id = m.host_id"""
_SHOWN = f"""m.name || ' ' || m.state || CASE WHEN m.cordoned THEN ' cordoned' ELSE '' END || ' ' || v.slug || ' '
    || coalesce(h.name, '') || ' ' || m.reason || ' ' || m.gpu_devices || coalesce((SELECT ' #' || e.counter || ' '
    || e.step || ' ' || p.name FROM executions e JOIN projects p ON p.id = e.project_id WHERE e.id = {RUNNING}), '')"""  # noqa: S608 - of constants
_ORDERS: dict[str, str] = {
    "name": "m.name COLLATE NOCASE",
    "state": "m.state",
    "since": "-m.state_at",
    "environment": "v.slug",
    "host": "h.name",
    "cost": BILL.format(at=END, machine="m"),
    "ran": RAN,
    "used": f"{WORKED} / max({END} - m.requested_at, 0.001)",
    "reason": "nullif(m.reason, '')",
}


class BrowsedMachines:
    """The source of the list of machines: those that are present, or those in a state that is asked for."""

    kinds = frozenset({"machine", "execution", "environment", "host"})

    def ids(self, session: Session, query: Query) -> Iterator[Sequence[int]]:
        """Yield the ids that match, in order: present ones by environment, those that have gone newest first.

        Raises:
            InvalidInputError: there is no such filter, state or order.
        """
        if query.sort is None and _states(query) == PAST:
            yield from self._gone(session, query)
            return
        selection, values = _selection(session, query)
        rows = session.read("machine.see").execute(f"SELECT m.id {selection} ORDER BY {_order(query)}", values)
        ids = [row[0] for row in rows]
        yield ids[:FIRST_PART]
        yield ids[FIRST_PART:]

    def rows(self, session: Session, ids: Sequence[int]) -> Mapping[int, Machine]:
        """Return the machines with these ids."""
        return session.machines.by_ids(ids)

    def total(self, session: Session, query: Query) -> int:
        """Return how many there are without the text that filters."""
        selection, values = _selection(session, replace(query, text=""))
        return int(session.read("machine.see").execute(f"SELECT count(*) {selection}", values).fetchone()[0])

    def touched(self, session: Session, changes: Sequence[Change]) -> set[int] | None:
        """Return the machines that the changes are about, and those of executions that they are about."""
        if any(change.kind in ("environment", "host") for change in changes):
            return None
        machines = {change.subject for change in changes if change.kind == "machine"}
        executions = [change.subject for change in changes if change.kind == "execution"]
        rows = session.read("machine.see").execute(
            "SELECT machine_id FROM executions WHERE machine_id IS NOT NULL AND id IN (SELECT value FROM json_each(?))",
            (json.dumps(executions),),
        )
        return machines | {row[0] for row in rows}

    def matching(self, session: Session, query: Query, ids: Sequence[int]) -> Sequence[int]:
        """Return those of the ids that match, in order."""
        selection, values = _selection(session, query)
        rows = session.read("machine.see").execute(
            f"SELECT m.id {selection} AND m.id IN (SELECT value FROM json_each(:ids)) ORDER BY {_order(query)}",  # noqa: S608
            values | {"ids": json.dumps([*ids])},
        )
        return [row[0] for row in rows]

    def _gone(self, session: Session, query: Query) -> Iterator[Sequence[int]]:
        """Go through those that have left a stretch of ids at a time: they are many, and nobody reads them all."""
        selection, values = _selection(session, query)
        direction = "ASC" if query.descending else "DESC"
        statement = f"SELECT m.id {selection} AND m.id > :low AND m.id <= :high ORDER BY m.id {direction}"
        connection = session.read("machine.see")
        last = connection.execute("SELECT max(id) FROM machines").fetchone()[0] or 0
        passed, size = 0, FIRST_PART
        while passed < last:
            low, high = (passed, passed + size) if query.descending else (last - passed - size, last - passed)
            yield [row[0] for row in connection.execute(statement, values | {"low": low, "high": high}).fetchall()]
            passed, size = passed + size, PART


def _states(query: Query) -> tuple[str, ...]:
    wanted = tuple(state for state in query.where.get("state", "").split(",") if state)
    for state in wanted:
        if state not in STATES:
            message = f"there is no state {state!r:.120}: it is one of {', '.join(STATES)}"
            raise InvalidInputError(message, field="state")
    return wanted or tuple(state for state in STATES if state not in PAST)


def _selection(session: Session, query: Query) -> tuple[str, dict[str, Any]]:
    """Return what follows a SELECT of columns of `m`, and its values."""
    states = _states(query)
    values: dict[str, Any] = {"organization": session.actor.organization_id, "states": json.dumps(states)}
    parts = ["m.state IN (SELECT value FROM json_each(:states))"]
    if not set(states) & set(PAST):
        parts.append("m.state != 'gone'")
    conditions = {"environment": "v.slug = :environment", "host": "h.name = :host"}
    for name, value in query.where.items():
        if name in conditions:
            parts.append(conditions[name])
            values[name] = value
        elif name != "state":
            message = f"machines have no filter {name!r}: state, {', '.join(conditions)} can be used"
            raise InvalidInputError(message, field=name)
    condition, words = shows(_SHOWN, query)
    return f"{_FROM} WHERE {' AND '.join([*parts, *condition])}", values | words


def _order(query: Query) -> str:
    direction = "DESC" if query.descending else "ASC"
    if query.sort is None:
        if _states(query) == PAST:
            return f"m.id {'ASC' if query.descending else 'DESC'}"
        return f"v.slug {direction}, m.id {direction}"
    expression = _ORDERS.get(query.sort)
    if expression is None:
        message = f"machines cannot be sorted by {query.sort!r:.120}: {', '.join(_ORDERS)} can be used"
        raise InvalidInputError(message, field="sort")
    return f"{expression} IS NULL, {expression} {direction}, m.id"
