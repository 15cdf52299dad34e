"""The queue as people see it: what waits or runs, its place, when it starts, and what the next machine waits for.

Places and estimates of a long queue are computed once for many looks: again when something happened, and of a queue
that takes long not before many times that time has passed.
"""

from __future__ import annotations

import json
import math
import time
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from core.executions.estimates import Estimate, Histories, end_of, foresee, next_end
from core.executions.steering import WAITING
from core.queue.order import LineUp, Standing, line_ups
from core.queue.queued_execution import ROWS, Ahead, Group, QueuedExecution
from core.queue.situation import running, situation
from core.scheduler.reasons import REASONS_CHANGED, UNSEEN, Code
from data.changes import newest, since

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Mapping, Sequence

    from core.session import Session
    from data.changes import Change

Value = TypeVar("Value")

KEPT_FOR = 50
"""So many times as long as an answer took it is kept, whatever happens meanwhile: at most a fiftieth of a CPU."""
FOLLOWED = 100
"""Changes that are looked at one by one; where more happened, places changed."""
QUICK = 0.02
"""Seconds: what takes no longer is computed again whenever something happened."""
FORESEEN_FOR = 15.0
"""Seconds after which an estimate is made again, although nothing happened: time passes."""
OTHERS = "another organization"
"""What people of other organizations are called: that they wait is no secret where machines are shared, who is."""
NEAR = 200
"""Places from the front that are always those of now."""
_STUCK = frozenset(
    {Code.DISABLED, Code.ENGINE, Code.MAXIMUM, Code.TEAM_REFUSED, Code.LAUNCH_FAILED, Code.NO_HOST, Code.CORDONED}
)
"""Reasons that go away only when somebody does something: no time can be told."""


class _Kept(NamedTuple):
    value: object
    seq: int
    made: float
    until: float


class Queue:
    """Reads the queue for somebody; one of a session serves all its threads."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._kept: dict[tuple[str, int], _Kept] = {}
        self._seen = self._moved = -1

    def rows(self, ids: Sequence[int], *, estimates: bool = True) -> Mapping[int, QueuedExecution]:
        """Return those of the ids that wait or run, with their places and, where wanted, their estimates."""
        now = time.time()
        connection = self._session.read("execution.see")
        found = connection.execute(
            ROWS, {"ids": json.dumps([*ids]), "organization": self._session.actor.organization_id}
        ).fetchall()
        waiting = [row for row in found if row["status"] in WAITING]
        places: dict[int, int] = {}
        foreseen: dict[int, Estimate] = {}
        for environment_id in {row["environment_id"] for row in waiting}:
            places |= self._places(environment_id, {r["id"] for r in waiting if r["environment_id"] == environment_id})
        if estimates:
            for environment_id in {row["environment_id"] for row in found}:
                foreseen |= self._foreseen(environment_id)
        return {row["id"]: self._queued(row, now, places, foreseen) for row in found}

    def row(self, execution_id: int) -> QueuedExecution | None:
        """Return one that waits or runs, its place exact; None where it has ended."""
        now = time.time()
        connection = self._session.read("execution.see")
        row = connection.execute(
            ROWS, {"ids": json.dumps([execution_id]), "organization": self._session.actor.organization_id}
        ).fetchone()
        if row is None:
            return None
        place = self.place_of(execution_id, row) if row["status"] in WAITING else None
        return self._queued(
            row, now, {} if place is None else {execution_id: place}, self._foreseen(row["environment_id"])
        )

    def place_of(self, execution_id: int, row: Mapping[str, object]) -> int | None:
        """Return the place of one that waits, exactly."""
        line_up = self._line_ups().get(int(str(row["environment_id"])))
        if line_up is None:
            return None
        return line_up.place(Standing(execution_id, int(str(row["user_id"])), int(str(row["priority"]))))

    def order(self, environment_id: int) -> tuple[array[int], array[int]]:
        """Return the ids of all that wait: in plan order, and those that a quota keeps."""
        return self._keep("order", environment_id, lambda: self._line_up(environment_id).order())

    def front(self, environment_id: int, most: int) -> Sequence[Ahead]:
        """Return the first ones that wait in an environment, in their order; of other organizations without a name."""
        line_up = self._line_ups().get(environment_id)
        ids = [] if line_up is None else [*islice(line_up.walk(), most)]
        rows = self._session.read("execution.see").execute(
            "SELECT e.id, e.user_id, CASE p.organization_id WHEN :organization THEN u.name ELSE :others END, e.priority"
            " FROM json_each(:ids) g CROSS JOIN executions e ON e.id = g.value"
            " JOIN users u ON u.id = e.user_id JOIN projects p ON p.id = e.project_id ORDER BY g.key",
            {"ids": json.dumps(ids), "organization": self._session.actor.organization_id, "others": OTHERS},
        )
        return [Ahead(*row) for row in rows]

    def near(self, environment_id: int) -> Sequence[int]:
        """Return the ids of the first ones that wait, in plan order."""
        return self._keep("near", environment_id, lambda: [*islice(self._line_up(environment_id).walk(), NEAR)])

    def groups(self, by: str, where: Mapping[str, int]) -> Sequence[Group]:
        """Return how much runs and waits `by` environment, user, project or team; `where` gives ids to look at only.

        The oldest wait is told of environments only: of all others it would have to be looked for.
        """
        table, column = _GROUPED[by]
        conditions = "".join(f" AND n.{name}_id = :{name}" for name in where)
        rows = (
            self._session.read("execution.see")
            .execute(
                f"SELECT coalesce(g.{column}, ''), n.{by}_id,"  # noqa: S608 - of constants
                " sum(CASE WHEN n.status IN ('started', 'stopping') THEN number ELSE 0 END) AS running,"
                " sum(CASE WHEN n.status IN ('created', 'queued') THEN number ELSE 0 END) AS waiting"
                f" FROM execution_counts n JOIN projects p ON p.id = n.project_id"
                f" LEFT JOIN {table} g ON g.id = n.{by}_id"
                " WHERE p.organization_id = :organization AND n.number > 0"
                f" AND n.status IN ('created', 'queued', 'started', 'stopping'){conditions}"
                " GROUP BY 2 ORDER BY waiting DESC, running DESC, 1",
                {"organization": self._session.actor.organization_id, **where},
            )
            .fetchall()
        )
        return [
            Group(row[1], row[0], row["running"], row["waiting"], self._oldest(by, row[1]) if row["waiting"] else None)
            for row in rows
        ]

    def next_free(self, environment_id: int) -> Estimate | None:
        """Return when the next machine is free, zero where one could be had now; None where nobody knows."""
        connection = self._session.read("execution.see")
        taken, most = connection.execute(
            "SELECT count(m.id), v.maximum_scale FROM environments v LEFT JOIN machines m ON m.environment_id = v.id"
            " AND m.state != 'gone' AND (m.state IN ('leased', 'draining') OR m.cordoned) WHERE v.id = ?",
            (environment_id,),
        ).fetchone()
        if most is None:
            return None
        if taken < most:
            return Estimate(0.0, 0.0, 0.0)
        return next_end(running(connection, environment_id, Histories(connection), time.time()))

    def forget(self) -> None:
        """Have everything read anew: somebody has just steered the queue, and looks at what came of it."""
        self._kept.clear()

    def _queued(
        self, row: Mapping[str, object], now: float, places: Mapping[int, int], foreseen: Mapping[int, Estimate]
    ) -> QueuedExecution:
        values = dict(row)
        reason, since, detail = (values.pop(name) for name in ("reason", "since", "status_detail"))
        waits = values["status"] in WAITING
        is_own = values["user_id"] == self._session.actor.id
        id_ = int(str(values["id"]))
        return QueuedExecution(
            **values,  # type: ignore[arg-type]  # the columns are its fields
            whose="your" if is_own else f"{values['user']}'s",
            reason_template=str((reason or UNSEEN) if waits else detail),
            reason_since=since if waits else None,  # type: ignore[arg-type]
            read_at=now,
            place=places.get(id_),
            estimate=None if values["code"] in _STUCK else foreseen.get(id_),
        )

    def _places(self, environment_id: int, ids: set[int]) -> dict[int, int]:
        """Return places: of the first ones as of now, of the others as of the order that is kept."""
        near = self.near(environment_id)
        places = _found(near, set(ids))
        if len(near) == NEAR and (rest := ids - places.keys()):
            places |= _found(self.order(environment_id)[0], rest)
        return places

    def _foreseen(self, environment_id: int) -> dict[int, Estimate]:
        def play() -> dict[int, Estimate]:
            connection = self._session.read("execution.see")
            line_up = self._line_ups().get(environment_id)
            if line_up is None:
                return {}
            seen = situation(connection, line_up, time.time())
            ends = {each.execution_id: end for each in seen.running if (end := end_of(each)) is not None}
            return ends | foresee(seen)

        return self._keep("foreseen", environment_id, play, stale_after=FORESEEN_FOR)

    def _line_up(self, environment_id: int) -> LineUp:
        return self._line_ups()[environment_id]

    def _line_ups(self) -> dict[int, LineUp]:
        return line_ups(self._session.read("execution.see"))

    def _oldest(self, by: str, id_: int) -> float | None:
        if by != "environment":
            return None
        return self._keep("oldest", id_, lambda: self._read_oldest(id_))

    def _read_oldest(self, environment_id: int) -> float | None:
        row = (
            self._session.read("execution.see")
            .execute(
                "SELECT min(created_at) FROM executions WHERE id IN (SELECT min(id) FROM executions"
                " INDEXED BY executions_waiting WHERE environment_id = ? AND status IN ('created', 'queued')"
                " GROUP BY user_id, team_id, status, priority)",
                (environment_id,),
            )
            .fetchone()
        )
        return None if row[0] is None else float(row[0])

    def _keep(self, what: str, id_: int, make: Callable[[], Value], *, stale_after: float = math.inf) -> Value:
        """Return what is kept as long as it serves, else make it."""
        seq, now = self._moved_at(), time.monotonic()
        kept = self._kept.get((what, id_))
        if kept is not None and now < kept.made + stale_after and (seq == kept.seq or now < kept.until):
            return cast("Value", kept.value)
        value = make()
        took = time.monotonic() - now
        until = now + took * KEPT_FOR if took > QUICK else now
        self._kept[what, id_] = _Kept(value, seq, now, until)
        return value

    def _moved_at(self) -> int:
        """Return the number of a change since which no place changed."""
        connection = self._session.read("execution.see")
        seq = newest(connection)
        if seq != self._seen:
            changes = since(connection, self._seen, limit=FOLLOWED)
            if len(changes) == FOLLOWED or not all(map(is_quiet, changes)):
                self._moved = seq
            self._seen = seq
        return self._moved


def is_quiet(change: Change) -> bool:
    """Tell whether something happened that changes nobody's place in a queue, nor when anything starts."""
    if change.kind == "execution":
        return change.what in ("tagged", "titled")
    return change.kind not in ("environment", "machine", "host", "team") or change.what == REASONS_CHANGED


_GROUPED = {
    "environment": ("environments", "slug"),
    "user": ("users", "name"),
    "project": ("projects", "name"),
    "team": ("teams", "name"),
}


def _found(ids: Sequence[int], wanted: set[int]) -> dict[int, int]:
    """Return the places of those that are wanted, looking no further than the last of them."""
    places: dict[int, int] = {}
    for place, id_ in enumerate(ids, 1):
        if id_ in wanted:
            places[id_] = place
            if len(places) == len(wanted):
                break
    return places
