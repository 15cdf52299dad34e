"""The queues of a simulated environment, from which the plan is given no more than it can use.

Of many people who wait for few machines only those who are served next can matter. They are kept in the order of
`fair_order` from one plan to the next, so that a plan costs what changed, not what waits. What is created and what is
queued is served alike, so that here all of it is queued.
"""

from __future__ import annotations

import heapq
from bisect import insort
from typing import TYPE_CHECKING

from core.scheduler.plan import Queue

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from core.scheduler.fair_order import Waiting
    from core.scheduler.plan import Environment, Key

_Entry = tuple[int, int, int, int, int]
"""A person's place: rank, machines in use, last turn, execution; whose it is."""
_WORTH_ORDERING = 3


class Line:
    """What one person has waiting for one team, in order."""

    __slots__ = ("_items", "_taken", "person", "queue", "team_id")

    def __init__(self, person: Person, team_id: int) -> None:
        self.person = person
        self.team_id = team_id
        self.queue = Queue(person.id, team_id)
        self._items: list[Waiting] = []
        self._taken = 0

    @property
    def waits(self) -> bool:
        """Whether anything does."""
        return self._taken < len(self._items)

    def push(self, waiting: Waiting) -> None:
        """Take one in, behind those of its rank."""
        items = self._items
        if not items or waiting > items[-1]:
            items.append(waiting)
        else:
            insort(items, waiting, self._taken)

    def pop(self) -> None:
        """Let the first one go."""
        self._taken += 1
        if self._taken > 1000 and self._taken * 2 > len(self._items):
            del self._items[: self._taken]
            self._taken = 0

    def first(self) -> Waiting:
        """Return what is served next; there must be something."""
        return self._items[self._taken]

    def show(self, number: int) -> Queue:
        """Return the plan's view, with so many heads."""
        queue, taken = self.queue, self._taken
        queue.queued = self._items[taken : taken + number]
        queue.queued_total = len(self._items) - taken
        return queue


class Person:
    """Somebody who runs executions: queues, how many machines they use, how many executions wait, their last turn."""

    __slots__ = ("active", "entry", "id", "lines", "turn", "waiting")

    def __init__(self, person_id: int) -> None:
        self.id = person_id
        self.lines: list[Line] = []
        self.active = 0
        self.waiting = 0
        self.turn = 0
        self.entry: _Entry | None = None


class SimulatedQueues:
    """What waits in one environment, by person and team."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._quota = environment.per_user_quota
        self._has_team_quotas = bool(environment.team_quotas) or environment.other_teams_quota is not None
        self._team_active: dict[int, int] = {}
        self._persons: dict[int, Person] = {}
        self._lines: dict[Key, Line] = {}
        self._waiting: dict[int, Person] = {}
        self._touched: dict[int, Person] = {}
        self._order: list[_Entry] = []
        self._turn = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def line(self, user_id: int, team_id: int) -> Line:
        """Return the queue of a person and team."""
        line = self._lines.get((user_id, team_id))
        if line is None:
            person = self._persons.get(user_id)
            if person is None:
                person = self._persons[user_id] = Person(user_id)
            line = self._lines[user_id, team_id] = Line(person, team_id)
            person.lines.append(line)
        return line

    def arrive(self, lines: Iterable[Line], waiting: Iterable[Waiting]) -> None:
        """Take in what arrives."""
        for line, each in zip(lines, waiting, strict=True):
            person = line.person
            line.push(each)
            person.waiting += 1
            if line.first() is each:
                self._waiting[person.id] = self._touched[person.id] = person

    def start(self, lines: Iterable[Line]) -> None:
        """Let the first one of each queue go to a machine, in this order; a queue may be named again."""
        for line in lines:
            person = line.person
            line.pop()
            person.active += 1
            self._turn += 1
            person.turn = self._turn
            person.waiting -= 1
            if not person.waiting:
                del self._waiting[person.id]
            self._touched[person.id] = person
            if self._has_team_quotas:
                self._team_active[line.team_id] = self._team_active.get(line.team_id, 0) + 1

    def end(self, lines: Iterable[Line]) -> None:
        """Note of each queue that one that ran has ended."""
        for line in lines:
            person = line.person
            person.active -= 1
            if person.waiting:
                self._touched[person.id] = person
            if self._has_team_quotas:
                self._team_active[line.team_id] -= 1

    def show(self, idle: int, launchable: int) -> int:
        """Set in the plan's environment what can matter with so many machines; return how many executions wait there.

        People are left out who would be served after as many others as there are machines. With quotas of teams, which
        people share, nobody is.
        """
        environment = self._environment
        number = idle + launchable
        # To put people in order costs more than to plan for a few too many.
        few = self._has_team_quotas or len(self._waiting) <= _WORTH_ORDERING * number
        persons = self._waiting.values() if few else self._in_order(number)
        environment.active = {person.id: person.active for person in persons}
        environment.team_active = self._team_active
        environment.served = {person.id: person.turn for person in persons}
        environment.queues = [line.show(idle) for person in persons for line in person.lines if line.waits]
        return sum(person.waiting for person in persons)

    def _in_order(self, number: int) -> Collection[Person]:
        self._renew()
        order, persons = self._order, self._persons
        entries: list[_Entry] = []
        while order and len(entries) < number:
            entry = heapq.heappop(order)
            if persons[entry[4]].entry is entry:
                entries.append(entry)
        for entry in entries:
            heapq.heappush(order, entry)
        return [persons[entry[4]] for entry in entries]

    def _renew(self) -> None:
        """Put everybody whose place has changed where they belong."""
        order = self._order
        for person in self._touched.values():
            person.entry = entry = self._entry(person)
            if entry is not None:
                heapq.heappush(order, entry)
        self._touched.clear()
        if len(order) > 4 * len(self._persons) + 64:
            self._order = [entry for entry in order if self._persons[entry[4]].entry is entry]
            heapq.heapify(self._order)

    def _entry(self, person: Person) -> _Entry | None:
        """Return where somebody is in the order of `fair_order`, None where nothing of theirs can be served."""
        if not person.waiting or (self._quota and person.active >= self._quota):
            return None
        lines = person.lines
        rank, execution_id = lines[0].first() if len(lines) == 1 else min(line.first() for line in lines if line.waits)
        return (rank, person.active, person.turn, execution_id, person.id)
