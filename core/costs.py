"""What machines cost, and for whom: every second of every machine, by person, team, project or environment.

What nobody ran anything in is listed beside it as start-up, grace and idle, so that the rows of a period sum to the
bill of the machines in it to the last millionth. An entry that reaches over an end of the period counts with what the
machine's bill grew by within it, so that the periods of a year sum to the year.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from core.errors import InvalidInputError
from core.machines.usage import BILL

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

    from core.machines.usage import UsageKind
    from core.session import Session

By = Literal["user", "team", "project", "environment"]
"""What a bill is divided by."""

KINDS: tuple[UsageKind, ...] = ("execution", "startup", "grace", "idle")

_KEYS: dict[By, str] = {
    "user": "u.user_id",
    "team": "u.team_id",
    "project": "u.project_id",
    "environment": "u.environment_id",
}
_NAMES: dict[By, str] = {
    "user": "SELECT u.id, u.name FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.organization_id = :own",
    "team": "SELECT id, name FROM teams WHERE organization_id = :own",
    "project": "SELECT id, name FROM projects WHERE organization_id = :own",
    "environment": "SELECT id, slug FROM environments",
}
_SUMS = "count(u.execution_id), sum({end} - {begin}), sum({cost})"
_OVERHEAD: tuple[UsageKind, ...] = ("startup", "grace", "idle")
# Three looks at what has ended: what ran, by whom; what was held for nobody, in columns, since groups would have a
# million rows sorted; and what reaches over an end, the only one that has to look at machines.
_ENDED = (
    " FROM machine_usage u {hint} WHERE u.ended_at > :since"
    " AND (:environment IS NULL OR u.environment_id = :environment) AND {condition}"
)
_WHOLE = "u.began_at >= :since AND u.ended_at <= :until AND u.kind {} 'execution'"
_RAN = f"SELECT {{key}}, {_SUMS.format(begin='u.began_at', end='u.ended_at', cost='u.cost')}{_ENDED} GROUP BY 1"
_WAS_HELD = "SELECT {key}, " + ", ".join(
    f"total(u.ended_at - u.began_at) FILTER (WHERE u.kind = '{kind}'), sum(u.cost) FILTER (WHERE u.kind = '{kind}')"
    for kind in _OVERHEAD
)
_CUT = "u.began_at < :until AND (u.began_at < :since OR u.ended_at > :until)"
# An idle machine's entry goes on as `grace`; what is beyond the grace period of it counts as idle.
_OPEN = (
    "SELECT {key}, u.shown_kind, {sums} FROM ("
    "SELECT o.*, o.kind AS shown_kind, o.began_at AS from_at,"
    " CASE o.kind WHEN 'grace' THEN min(:until, o.began_at + v.scale_down_grace_period) ELSE :until END AS to_at"
    " FROM machine_usage o INDEXED BY machine_usage_open JOIN environments v ON v.id = o.environment_id"
    " WHERE o.ended_at IS NULL"
    " UNION ALL "
    "SELECT o.*, 'idle', o.began_at + v.scale_down_grace_period, :until"
    " FROM machine_usage o INDEXED BY machine_usage_open JOIN environments v ON v.id = o.environment_id"
    " WHERE o.ended_at IS NULL AND o.kind = 'grace'"
    ") u WHERE u.from_at < :until AND u.to_at > :since AND u.to_at > u.from_at"
    " AND (:environment IS NULL OR u.environment_id = :environment) GROUP BY 1, 2"
)


def _sums(begin: str, end: str) -> str:
    """Return the sums over entries of which only what lies in the period counts."""
    begin, end = f"max({begin}, :since)", f"min({end}, :until)"
    grown = f"{BILL.format(at=end, machine='m')} - {BILL.format(at=begin, machine='m')}"
    cost = f"(SELECT {grown} FROM machines m WHERE m.id = u.machine_id)"  # noqa: S608 - of constants
    return _SUMS.format(begin=begin, end=end, cost=cost)


_CUT_SUMS = _sums("u.began_at", "u.ended_at")
_OPEN_SUMS = _sums("u.from_at", "u.to_at")

RECENT = 0.1
"""A period shorter than this part of the whole account is read through the index, a longer one by reading all."""


class Cost(NamedTuple):
    """What one person, team, project or environment (`name`) used machines for, or what nobody did.

    `id` is None where it belongs to nobody. `cost` is in millionths, `executions` counts their runs.
    """

    id: int | None
    name: str
    kind: UsageKind
    executions: int
    seconds: float
    cost: int


def costs(
    session: Session,
    by: By,
    since: float,
    until: float | None = None,
    *,
    environment_id: int | None = None,
) -> Sequence[Cost]:
    """Return the bill of a period (seconds since 1970, until now), executions first, the dearest first.

    Raises:
        InvalidInputError: there is no such division.
    """
    if by not in get_args(By):
        message = f"costs cannot be divided by {by!r}: by is one of {', '.join(get_args(By))}"
        raise InvalidInputError(message, field="by")
    connection = session.read("cost.see")
    now = time.time()
    found: dict[tuple[int | None, UsageKind], tuple[int, float, int]] = {}
    bound = {"since": since, "until": now if until is None else min(until, now), "environment": environment_id}
    for key, kind, executions, seconds, cost in _entries(connection, by, bound):
        before = found.get((key, kind), (0, 0.0, 0))
        found[key, kind] = (before[0] + executions, before[1] + seconds, before[2] + cost)
    names = dict(tuple(row) for row in connection.execute(_NAMES[by], {"own": session.actor.organization_id}))
    rows = [Cost(key, _name(by, key, kind, names), kind, *sums) for (key, kind), sums in found.items()]
    return sorted(rows, key=lambda row: (row.kind != "execution", -row.cost, -row.seconds, row.name, row.kind))


def total(rows: Sequence[Cost]) -> Cost:
    """Return the sum of a bill, of which `executions` are those of all rows."""
    return Cost(
        None,
        "total",
        "execution",
        sum(row.executions for row in rows),
        sum(row.seconds for row in rows),
        sum(row.cost for row in rows),
    )


def midnight(now: float) -> float:
    """Return when the day of a moment began, by the clock of this machine."""
    day = datetime.fromtimestamp(now, UTC).astimezone()
    return day.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def costs_today(session: Session) -> Mapping[int, int]:
    """Return what the machines of each environment have cost since midnight, in millionths, by the environment's id."""
    today: dict[int, int] = {}
    for row in costs(session, "environment", midnight(time.time())):
        if row.id is not None:
            today[row.id] = today.get(row.id, 0) + row.cost
    return today


def cost_today(session: Session, environment_id: int) -> int:
    """Return what the machines of one environment have cost since midnight, in millionths."""
    return total(costs(session, "environment", midnight(time.time()), environment_id=environment_id)).cost


def _entries(
    connection: sqlite3.Connection, by: By, bound: Mapping[str, float | int | None]
) -> Iterator[tuple[int | None, UsageKind, int, float, int]]:
    """Yield key, kind, executions, seconds and cost of the entries, which are summed up in several parts."""
    hint, key = _hint(connection, bound), _KEYS[by]
    ran = _RAN.format(key=key, hint=hint, condition=_WHOLE.format("="))
    for row in connection.execute(ran, bound):
        yield row[0], "execution", *row[1:]
    held = _WAS_HELD.format(key=key if by == "environment" else "NULL")
    held += _ENDED.format(hint=hint, condition=_WHOLE.format("!="))
    for row in connection.execute(f"{held} GROUP BY 1" if by == "environment" else held, bound):
        for kind, seconds, cost in zip(_OVERHEAD, row[1::2], row[2::2], strict=True):
            if cost is not None:
                yield row[0], kind, 0, seconds, cost
    cut = f"SELECT {key}, u.kind, {_CUT_SUMS}{_ENDED.format(hint=hint, condition=_CUT)} GROUP BY 1, 2"
    for statement in (cut, _OPEN.format(key=key, sums=_OPEN_SUMS)):
        for row in connection.execute(statement, bound):
            yield tuple(row)


def _hint(connection: sqlite3.Connection, bound: Mapping[str, float | int | None]) -> str:
    oldest = connection.execute("SELECT min(ended_at) FROM machine_usage WHERE ended_at IS NOT NULL").fetchone()[0]
    since, until = bound["since"] or 0.0, bound["until"] or 0.0
    is_recent = oldest is not None and until - since < RECENT * (until - oldest)
    return "INDEXED BY machine_usage_ended" if is_recent else "NOT INDEXED"


def _name(by: By, key: int | None, kind: UsageKind, names: Mapping[int, str]) -> str:
    if key is None:
        return "" if kind != "execution" else "not known"
    if by == "team" and key == 0:
        return "no team"
    return names.get(key, "a team that is gone" if by == "team" else "another organization")
