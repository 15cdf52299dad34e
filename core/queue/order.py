"""In which order everything that waits in an environment is served, as the plan would if no machine were missing.

What a quota keeps from its turn has no place. Somebody's next execution stands on the level of the machines that they
use by then, and what waits is served by priority, by level, and on each level in the order of `turns`: so a place is
computed from counts, however many wait. Only those people are served one after the other who wait for a team that has
more waiting than its quota lets in: what they may use depends on each other.
"""

from __future__ import annotations

import heapq
import json
from array import array
from collections import defaultdict
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from core.queue.turns import Counted, Stretch, Turn, stretches, turns_as_served
from core.scheduler.fair_order import Line, Waiting, serve
from core.scheduler.snapshot import snapshot

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from core.scheduler.plan import Environment, Queue

_PART = 64
_HIGHEST = 2**31
_NO_QUOTA = 2**62
_OF_ENVIRONMENT = (
    "FROM executions INDEXED BY executions_waiting WHERE environment_id = :environment"
    " AND status IN ('created', 'queued')"
)
_UNTIED = f"{_OF_ENVIRONMENT} AND user_id NOT IN (SELECT value FROM json_each(:tied))"  # noqa: S608 - of constants
_OF_LINE = (
    "SELECT -priority, id FROM executions INDEXED BY executions_waiting WHERE environment_id = :environment"
    " AND user_id = :user AND team_id = :team AND status = :status AND status IN ('created', 'queued')"
)
_NEXT = f"{_OF_LINE} AND priority = :priority AND id > :after ORDER BY id LIMIT :part"
_LOWER = f"{_OF_LINE} AND priority < :priority ORDER BY priority DESC, id LIMIT :part"
_COUNTS = (
    f"SELECT user_id, -priority, count(*), min(id), sum(id < :id) {_UNTIED} GROUP BY user_id, team_id, status, priority"
)
_ORDER = f"""
    WITH stretch(user_id, priority, level, number, position) AS MATERIALIZED
        (SELECT value->>0, value->>1, value->>2, value->>3, key FROM json_each(:stretches))
    SELECT i.id, i.priority, stretch.level + i.number AS turn, position FROM (
        SELECT id, priority, user_id, row_number() OVER (PARTITION BY user_id, priority ORDER BY id) - 1 AS number
        {_UNTIED}) i
    JOIN stretch USING (user_id, priority) WHERE i.number < stretch.number
    ORDER BY i.priority DESC, turn, position
"""  # noqa: S608 - made of constants
_ALL = f"SELECT id {_OF_ENVIRONMENT} ORDER BY priority DESC, id"


class Standing(NamedTuple):
    """What decides the place of one that waits."""

    execution_id: int
    user_id: int
    priority: int


class LineUp:
    """The order of one environment, at the moment of its making; every call reads what it needs and no more."""

    def __init__(self, connection: sqlite3.Connection, environment: Environment) -> None:
        self.environment = environment
        self._connection = connection
        self._tied = _tied(environment)
        self._quota = environment.per_user_quota or _NO_QUOTA
        self._bound = {
            "environment": environment.id,
            "tied": json.dumps([*self._tied]),
        }

    def place(self, standing: Standing) -> int | None:
        """Return the place of one that waits, 1 for the next; None where a quota keeps it."""
        counts = self._counts(standing.execution_id)
        people = self._stretches(counts)
        if standing.user_id in self._tied:
            turn = next((turn for id_, turn in self._tied_turns() if id_ == standing.execution_id), None)
        else:
            turn = _turn(standing, counts, people)
        if turn is None:
            return None
        before = 0
        for _, each in self._tied_turns():
            if each >= turn:
                break
            before += 1
        return 1 + before + sum(stretch.before(turn) for of_one in people.values() for stretch in of_one)

    def walk(self) -> Iterator[int]:
        """Yield the ids in their order, reading as far as somebody goes."""
        lines = self._lines(self.environment.queues)
        return (waiting.execution_id for _, waiting in serve(lines, self.environment.room()))

    def first_of_lines(self, most: int) -> Iterator[int]:
        """Yield the first ids that each person has waiting for each team, whatever a quota keeps."""
        for line in self._lines(self.environment.queues):
            yield from (waiting.execution_id for waiting in islice(line.waiting, most))

    def order(self) -> tuple[array[int], array[int]]:
        """Return the ids of all that have a place, in order, and of those that a quota keeps."""
        people = self._stretches(self._counts(0))
        known_stretches = sorted(
            ((stretch, user_id) for user_id, of_one in people.items() for stretch in of_one),
            key=lambda each: each[0].precedence,
        )
        told = [(user_id, -each.rank, each.level, each.number) for each, user_id in known_stretches]
        rows = self._read(_ORDER, stretches=json.dumps(told))
        if self._tied:
            untied = (
                (id_, Turn(-priority, level, known_stretches[position][0].precedence))
                for id_, priority, level, position in rows
            )
            placed = array("q", (id_ for id_, _ in heapq.merge(untied, self._tied_turns(), key=itemgetter(1))))
        else:
            placed = array("q", (row[0] for row in rows))
        waiting = sum(queue.created_total + queue.queued_total for queue in self.environment.queues)
        if len(placed) == waiting:
            return placed, array("q")
        known = set(placed)
        return placed, array("q", (row[0] for row in self._read(_ALL) if row[0] not in known))

    def _counts(self, execution_id: int) -> dict[int, dict[int, Counted]]:
        """Return by person and rank how many wait, which comes first, and how many of them are older than one."""
        counts: defaultdict[int, dict[int, Counted]] = defaultdict(dict)
        for user_id, rank, *counted in self._read(_COUNTS, id=execution_id):
            each, before = Counted(*counted), counts[user_id].get(rank)
            counts[user_id][rank] = before.plus(each) if before else each
        return counts

    def _stretches(self, counts: dict[int, dict[int, Counted]]) -> dict[int, list[Stretch]]:
        """Return by person in which stretches what they have waiting is served."""
        active, served, quota = self.environment.active, self.environment.served, self._quota
        return {
            user_id: list(stretches(active.get(user_id, 0), quota, served.get(user_id, 0), of_ranks))
            for user_id, of_ranks in counts.items()
        }

    def _tied_turns(self) -> Iterator[tuple[int, Turn]]:
        """Yield those whose places depend on each other with their turns, in order."""
        if not self._tied:
            return iter(())
        lines = self._lines(queue for queue in self.environment.queues if queue.user_id in self._tied)
        return turns_as_served(lines, self.environment.room(), self.environment.served)

    def _lines(self, queues: Iterable[Queue]) -> Iterator[Line]:
        for queue in queues:
            key = (queue.user_id, queue.team_id)
            waiting = [
                self._waiting(*key, status)
                for status, total in (("created", queue.created_total), ("queued", queue.queued_total))
                if total
            ]
            yield Line(*key, heapq.merge(*waiting))

    def _waiting(self, user_id: int, team_id: int, status: str) -> Iterator[Waiting]:
        """Yield what waits, some at a time: no query is left half read."""
        bound = {"user": user_id, "team": team_id, "status": status, "priority": _HIGHEST, "after": 0, "part": _PART}
        while part := self._read(_NEXT, **bound) or self._read(_LOWER, **bound):
            yield from (Waiting(*row) for row in part)
            bound |= {"priority": -part[-1][0], "after": part[-1][1]}

    def _read(self, query: str, **values: object) -> list[sqlite3.Row]:
        return self._connection.execute(query, self._bound | values).fetchall()


def line_ups(connection: sqlite3.Connection) -> dict[int, LineUp]:
    """Return the order of every environment by its id."""
    return {environment.id: LineUp(connection, environment) for environment in snapshot(connection, {})}


def _tied(environment: Environment) -> frozenset[int]:
    """Return the people who wait for a team that has more waiting than its quota lets in."""
    room = environment.room()
    waiting: defaultdict[int, int] = defaultdict(int)
    for queue in environment.queues:
        waiting[queue.team_id] += queue.created_total + queue.queued_total
    full = set()
    for team_id, number in waiting.items():
        quota = room.team_quota(team_id)
        if quota is not None and number > quota - room.used_by_team(team_id):
            full.add(team_id)
    return frozenset(queue.user_id for queue in environment.queues if queue.team_id in full)


def _turn(standing: Standing, counts: dict[int, dict[int, Counted]], people: dict[int, list[Stretch]]) -> Turn | None:
    """Return the turn of one that depends on nobody else's, None where a quota keeps it."""
    rank = -standing.priority
    for stretch in people.get(standing.user_id, ()):
        if stretch.rank == rank:
            older = counts[standing.user_id][rank].older
            return stretch.turn(older) if older < stretch.number else None
    return None
