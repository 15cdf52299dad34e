"""What waits and runs in every environment, kept between looks: only the queues of touched people are read anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING

from core.scheduler.fair_order import Waiting
from core.scheduler.plan import Queue

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from core.scheduler.fair_order import Room
    from core.scheduler.plan import Environment, Key

_COUNTS = (
    "SELECT environment_id, user_id, team_id, status, sum(number) FROM execution_counts"
    " WHERE number > 0 AND status IN ('created', 'queued', 'started', 'stopping')"
)
_EACH = " GROUP BY environment_id, user_id, team_id, status"
_SERVED = "SELECT environment_id, user_id, turn FROM last_served"
_OF_ONE = "environment_id = ? AND user_id = ?"
_HEAD = (
    "SELECT -priority, id FROM executions INDEXED BY executions_waiting"
    " WHERE environment_id = ? AND user_id = ? AND team_id = ? AND status = ? AND status IN ('created', 'queued')"
    " ORDER BY priority DESC, id LIMIT ?"
)
_SPARE = 16
"""For how many more machines than can be given away heads are read, so that one more does not mean another reading."""
_KEY = itemgetter(0)


@dataclass(slots=True)
class Tally:
    """How many executions one person has for one team."""

    created: int = 0
    queued: int = 0
    active: int = 0


def machines_to_give(environment: Environment) -> int:
    """Return how many machines a plan may give away."""
    if not environment.usable:
        return 0
    return min(len(environment.idle), max(0, environment.maximum_scale - environment.busy))


def heads_needed(room: Room, key: Key, tally: Tally, machines: int) -> tuple[int, int]:
    """Return how much of the heads of a queue's `created` and `queued` a plan with so many machines can use.

    Of both as many as may start now, and of what is created all that has room in its quotas beside what is queued.
    """
    left = room.left(*key, tally.created + tally.queued)
    start = min(machines, left)
    become_queued = left - tally.queued if room.is_limited(key[1]) else 0
    return min(tally.created, max(start, become_queued)), min(tally.queued, start)


@dataclass(slots=True)
class People:
    """The people of one environment: what they have, and their queues as the plan was given them.

    A queue is made anew where its person was touched; all are where something changed that they all depend on.
    """

    environment_id: int
    tallies: dict[int, dict[int, Tally]] = field(default_factory=dict)
    waiting: dict[Key, Tally] = field(default_factory=dict)
    active: dict[int, int] = field(default_factory=dict)
    team_active: dict[int, int] = field(default_factory=dict)
    served: dict[int, int] = field(default_factory=dict)
    _heads: dict[tuple[int, int, str], tuple[Waiting, ...]] = field(default_factory=dict)
    _queues: dict[Key, Queue] = field(default_factory=dict)
    _limits: object = None
    _machines: int = 0

    def add(self, user_id: int, team_id: int, status: str, number: int) -> None:
        """Count so many executions of one status."""
        tally = self.tallies.setdefault(user_id, {}).setdefault(team_id, Tally())
        if status == "created":
            tally.created += number
        elif status == "queued":
            tally.queued += number
        else:
            tally.active += number
            self.active[user_id] = self.active.get(user_id, 0) + number
            self.team_active[team_id] = self.team_active.get(team_id, 0) + number
        if tally.created or tally.queued:
            self.waiting[user_id, team_id] = tally

    def forget(self, user_id: int) -> None:
        """Forget everything about one person."""
        self.active.pop(user_id, None)
        self.served.pop(user_id, None)
        for team_id, tally in self.tallies.pop(user_id, {}).items():
            if tally.active:
                _subtract(self.team_active, team_id, tally.active)
            self.waiting.pop((user_id, team_id), None)
            self._queues.pop((user_id, team_id), None)
            self._heads.pop((user_id, team_id, "created"), None)
            self._heads.pop((user_id, team_id, "queued"), None)

    def queues(self, connection: sqlite3.Connection, environment: Environment) -> list[Queue]:
        """Return the queues in an environment whose machines and limits these are, by person and team."""
        room = environment.room()
        if self._have_changed(environment):
            self._queues = {}
        missing = self.waiting.keys() - self._queues.keys()
        for key in missing:
            self._queues[key] = self._queue(connection, room, key)
        if missing:
            self._queues = dict(sorted(self._queues.items(), key=_KEY))
        return list(self._queues.values())

    def _have_changed(self, environment: Environment) -> bool:
        """Note what all queues depend on; tell whether it changed.

        Heads that are a little longer than a plan needs do no harm: machines come and go.
        """
        machines = machines_to_give(environment)
        if self._machines < machines or self._machines > 4 * (machines + _SPARE):
            self._machines = machines + _SPARE if machines else 0
        teams = tuple((team, quota, self.team_active.get(team)) for team, quota in environment.team_quotas.items())
        before = self._limits
        self._limits = (self._machines, environment.per_user_quota, teams, environment.other_teams_quota)
        return before != self._limits

    def _queue(self, connection: sqlite3.Connection, room: Room, key: Key) -> Queue:
        tally = self.waiting[key]
        created, queued = heads_needed(room, key, tally, self._machines)
        return Queue(
            *key,
            self._head(connection, key, "created", created),
            tally.created,
            self._head(connection, key, "queued", queued),
            tally.queued,
        )

    def _head(self, connection: sqlite3.Connection, key: Key, status: str, number: int) -> tuple[Waiting, ...]:
        known = self._heads.get((*key, status), ())
        if len(known) < number:
            rows = connection.execute(_HEAD, (self.environment_id, *key, status, number))
            known = self._heads[*key, status] = tuple(Waiting(*row) for row in rows)
        return known


def _subtract(numbers: dict[int, int], key: int, number: int) -> None:
    numbers[key] -= number
    if not numbers[key]:
        del numbers[key]


class KnownQueues:
    """What was read of the counts of executions, and of the heads of their queues."""

    def __init__(self) -> None:
        self._people: dict[int, People] = {}

    def of(self, environment_id: int) -> People:
        """Return the people of one environment."""
        return self._people.setdefault(environment_id, People(environment_id))

    def fill(self, connection: sqlite3.Connection) -> None:
        """Count all."""
        self._people.clear()
        for environment_id, *counted in connection.execute(_COUNTS + _EACH):
            self.of(environment_id).add(*counted)
        self._note_turns(connection.execute(_SERVED))

    def renew(self, connection: sqlite3.Connection, execution_ids: Iterable[int]) -> None:
        """Count anew for the people whose executions these are: where each is now, and wherever it may have been."""
        for environment_id, user_id in set(self._places(connection, execution_ids)):
            people = self.of(environment_id)
            people.forget(user_id)
            of_one = (environment_id, user_id)
            for _, *counted in connection.execute(f"{_COUNTS} AND {_OF_ONE}{_EACH}", of_one):
                people.add(*counted)
            self._note_turns(connection.execute(f"{_SERVED} WHERE {_OF_ONE}", of_one))

    def _note_turns(self, rows: Iterable[tuple[int, int, int]]) -> None:
        for environment_id, user_id, turn in rows:
            self.of(environment_id).served[user_id] = turn

    def _places(self, connection: sqlite3.Connection, execution_ids: Iterable[int]) -> Iterator[tuple[int, int]]:
        for execution_id in execution_ids:
            place = "SELECT environment_id, user_id FROM executions WHERE id = ?"
            for environment_id, user_id in connection.execute(place, (execution_id,)):
                yield environment_id, user_id
                yield from ((known, user_id) for known, people in self._people.items() if user_id in people.tallies)
