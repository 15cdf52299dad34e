"""When what waits is served, computed from counts: by rank, by level, and on a level by precedence.

The level is how many machines its person uses by then. On a level whoever was there first precedes those who rose to
it: for them it has been longer since their turn, and it stays so on all further levels. Among those who began on one
level it is the last turn of before that counts, and then the execution.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from core.scheduler.fair_order import serve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from core.scheduler.fair_order import Line, Room

_Precedence = tuple[float, ...]
"""Minus the level on which somebody began, their last turn of before, the first execution."""


class Turn(NamedTuple):
    """When something is served: the smallest comes first."""

    rank: int
    level: int
    precedence: _Precedence

    def as_last(self) -> tuple[float, ...]:
        """Return it as somebody's last turn of before: after all that have been."""
        return (math.inf, self.rank, self.level, *self.precedence)


class Counted(NamedTuple):
    """What one person has waiting of one rank: how many, the first of them, and how many are older than some other."""

    number: int
    first: int
    older: int

    def plus(self, other: Counted) -> Counted:
        """Return both as one."""
        return Counted(self.number + other.number, min(self.first, other.first), self.older + other.older)


class Stretch(NamedTuple):
    """Turns that one person has one after the other: so many of one rank, the first on a level."""

    rank: int
    level: int
    number: int
    precedence: _Precedence

    def turn(self, number: int) -> Turn:
        """Return one of them, the first being 0."""
        return Turn(self.rank, self.level + number, self.precedence)

    def before(self, turn: Turn) -> int:
        """Return how many of them come before a turn."""
        if self.rank != turn.rank:
            return self.number if self.rank < turn.rank else 0
        below = turn.level - self.level
        on_this_level = 0 <= below < self.number and self.precedence < turn.precedence
        return min(max(below, 0), self.number) + on_this_level


def stretches(used: int, quota: int, served: int, of_ranks: Mapping[int, Counted]) -> Iterator[Stretch]:
    """Yield the turns of one person who uses so many machines, may use `quota`, and was last served at turn `served`.

    What the quota keeps has none.
    """
    last: tuple[float, ...] = (served,)
    for rank, counted in sorted(of_ranks.items()):
        number = min(counted.number, quota - used)
        if number <= 0:
            return
        stretch = Stretch(rank, used, number, (-used, *last, counted.first))
        yield stretch
        used += number
        last = stretch.turn(number - 1).as_last()


def turns_as_served(lines: Iterable[Line], room: Room, served: Mapping[int, int]) -> Iterator[tuple[int, Turn]]:
    """Serve one after the other, people having been served last at these turns; yield each execution with its turn."""
    turns: dict[int, Turn] = {}
    for line, (rank, execution_id) in serve(lines, room):
        level, before = room.used_by_user(line.user_id) - 1, turns.get(line.user_id)
        if before is not None and before.rank == rank:
            precedence = before.precedence
        else:
            last = before.as_last() if before else (served.get(line.user_id, 0),)
            precedence = (-level, *last, execution_id)
        turns[line.user_id] = turn = Turn(rank, level, precedence)
        yield execution_id, turn
