"""In which order everything that waits in an environment is served, as the plan would if no machine were missing.

What a quota keeps from its turn has no place. Somebody's next execution stands on the level of the machines that they
use by then, and what waits is served by priority, by level, and first in, first out: so a place is computed from
counts, however many wait. Only those people are served one after the other who wait for a team that has more waiting
than its quota lets in: what they may use depends on each other.
"""

from __future__ import annotations

import heapq
import json
from array import array
from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

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
_COUNTS = f"SELECT user_id, -priority, count(*), sum(id < :id) {_UNTIED} GROUP BY user_id, team_id, status, priority"
_ORDER = f"""
    WITH used(user_id, number) AS MATERIALIZED (SELECT value->>0, value->>1 FROM json_each(:used))
    SELECT -i.priority, i.number + coalesce(used.number, 0) AS level, i.id FROM (
        SELECT id, priority, user_id, row_number() OVER (PARTITION BY user_id ORDER BY priority DESC, id) - 1 AS number
        {_UNTIED}) i
    LEFT JOIN used USING (user_id) WHERE level < :quota ORDER BY i.priority DESC, level, i.id
"""  # noqa: S608 - made of constants
_ALL = f"SELECT id {_OF_ENVIRONMENT} ORDER BY priority DESC, id"


class Standing(NamedTuple):
    """What decides the place of one that waits."""

    execution_id: int
    user_id: int
    priority: int


class _Turn(NamedTuple):
    """When something is served: the smallest comes first."""

    rank: int
    level: int
    execution_id: int


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
            "used": json.dumps([*environment.active.items()]),
            "quota": self._quota,
        }

    def place(self, standing: Standing) -> int | None:
        """Return the place of one that waits, 1 for the next; None where a quota keeps it."""
        counts = self._counts(standing.execution_id)
        turn = self._turn(standing, counts)
        if turn is None:
            return None
        before = 0
        for each in self._tied_turns():
            if each >= turn:
                break
            before += 1
        return 1 + before + sum(self._before(turn, user_id, of_ranks) for user_id, of_ranks in counts.items())

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
        untied = self._read(_ORDER)
        turns: Iterable[sqlite3.Row | _Turn] = untied
        if self._tied:
            turns = heapq.merge((_Turn(*row) for row in untied), self._tied_turns())
        placed = array("q", (turn[2] for turn in turns))
        waiting = sum(queue.created_total + queue.queued_total for queue in self.environment.queues)
        if len(placed) == waiting:
            return placed, array("q")
        known = set(placed)
        return placed, array("q", (row[0] for row in self._read(_ALL) if row[0] not in known))

    def _turn(self, standing: Standing, counts: dict[int, dict[int, tuple[int, int]]]) -> _Turn | None:
        if standing.user_id in self._tied:
            turns = self._tied_turns()
            return next((turn for turn in turns if turn.execution_id == standing.execution_id), None)
        rank = -standing.priority
        own = counts.get(standing.user_id, {})
        level = self._used(standing.user_id) + _higher(own, rank) + own.get(rank, (0, 0))[1]
        return _Turn(rank, level, standing.execution_id) if level < self._quota else None

    def _before(self, turn: _Turn, user_id: int, of_ranks: dict[int, tuple[int, int]]) -> int:
        """Return how many of one person are served before a turn."""
        used = self._used(user_id)
        room = max(0, self._quota - used)
        higher = _higher(of_ranks, turn.rank)
        number, older = of_ranks.get(turn.rank, (0, 0))
        below = turn.level - used - higher
        on_this_level = 0 <= below < min(number, older)
        return min(room, higher + min(max(below, 0), number) + on_this_level)

    def _used(self, user_id: int) -> int:
        return self.environment.active.get(user_id, 0)

    def _counts(self, execution_id: int) -> dict[int, dict[int, tuple[int, int]]]:
        """Return by person and rank how many wait, and how many of them are older than one."""
        counts: defaultdict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
        for user_id, rank, number, older in self._read(_COUNTS, id=execution_id):
            before = counts[user_id].get(rank, (0, 0))
            counts[user_id][rank] = (before[0] + number, before[1] + older)
        return counts

    def _tied_turns(self) -> Iterator[_Turn]:
        """Yield the turns of those whose places depend on each other, in order."""
        if not self._tied:
            return
        room = self.environment.room()
        lines = self._lines(queue for queue in self.environment.queues if queue.user_id in self._tied)
        for line, waiting in serve(lines, room):
            yield _Turn(waiting.rank, room.used_by_user(line.user_id) - 1, waiting.execution_id)

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


def _higher(of_ranks: dict[int, tuple[int, int]], rank: int) -> int:
    return sum(number for other, (number, _) in of_ranks.items() if other < rank)
