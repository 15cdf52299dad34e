"""In which order what waits is served: by priority, then fairly between people, then first in, first out.

Between people of one priority the one who uses the fewest machines comes first, among those who use as many the one who
was served longest ago, and among those who never were the one who has waited longest: where there are fewer machines
than people they take turns, however much one of them has sent before the others. What one person has waiting is served
first in, first out. Who is at a quota is left out, and nobody waits behind them.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Waiting(NamedTuple):
    """An execution that waits; the smallest goes first. `rank` is minus the priority, ids rise with time."""

    rank: int
    execution_id: int


class Line(NamedTuple):
    """What one person has waiting for one team (0 for none), in order."""

    user_id: int
    team_id: int
    waiting: Iterable[Waiting]


_LATER = 2**60
"""Turns that are not real yet come after all that are."""


class Room:
    """How many machines people and teams use, how many more they may, and whose turn it was last.

    What is taken is noted beside the numbers that it started from, which are neither changed nor copied.
    """

    __slots__ = (
        "_by_team",
        "_by_user",
        "_more_by_team",
        "_more_by_user",
        "_newest",
        "_other_quota",
        "_served",
        "_served_since",
        "_team_quotas",
        "quota",
    )

    def __init__(
        self,
        by_user: Mapping[int, int],
        by_team: Mapping[int, int],
        per_user_quota: int,
        team_quotas: Mapping[int, int | None],
        other_teams_quota: int | None,
        served: Mapping[int, int],
    ) -> None:
        """Start from what is in use and from the turns at which people were served last, which rise.

        `per_user_quota` 0 is no limit, a team without a quota has `other_teams_quota`.
        """
        self._by_user = by_user
        self._by_team = by_team
        self._more_by_user: dict[int, int] = {}
        self._more_by_team: dict[int, int] = {}
        self.quota = per_user_quota
        self._team_quotas = team_quotas
        self._other_quota = other_teams_quota
        self._served = served
        self._served_since: dict[int, int] = {}
        self._newest = _LATER

    def copy(self) -> Room:
        """Return another one that stands where this one does."""
        room = Room(self._by_user, self._by_team, self.quota, self._team_quotas, self._other_quota, self._served)
        room._served_since.update(self._served_since)
        room._newest = self._newest
        room._more_by_user.update(self._more_by_user)
        room._more_by_team.update(self._more_by_team)
        return room

    def used_by_user(self, user_id: int) -> int:
        """Return how many machines a person uses."""
        return self._by_user.get(user_id, 0) + self._more_by_user.get(user_id, 0)

    def used_by_team(self, team_id: int) -> int:
        """Return how many machines a team uses."""
        return self._by_team.get(team_id, 0) + self._more_by_team.get(team_id, 0)

    def last_turn(self, user_id: int) -> int:
        """Return at which turn a person was served last, 0 for never."""
        return self._served_since.get(user_id) or self._served.get(user_id, 0)

    def team_quota(self, team_id: int) -> int | None:
        """Return how many machines a team may use at once, None for any number."""
        return self._team_quotas.get(team_id, self._other_quota)

    @property
    def is_endless(self) -> bool:
        """Whether no quota holds for anybody."""
        return not self.quota and self._other_quota is None and not self._team_quotas

    def is_limited(self, team_id: int) -> bool:
        """Tell whether any quota holds for executions of this team."""
        return bool(self.quota) or self.team_quota(team_id) is not None

    def left(self, user_id: int, team_id: int, wanted: int) -> int:
        """Return how many of `wanted` more machines a person may use for a team."""
        if self.quota:
            wanted = min(wanted, self.quota - self.used_by_user(user_id))
        team_quota = self._team_quotas.get(team_id, self._other_quota)
        if team_quota is not None:
            wanted = min(wanted, team_quota - self.used_by_team(team_id))
        return max(0, wanted)

    def take(self, user_id: int, team_id: int, number: int = 1) -> None:
        """Use so many more, without its being anybody's turn."""
        self._more_by_user[user_id] = self._more_by_user.get(user_id, 0) + number
        self._more_by_team[team_id] = self._more_by_team.get(team_id, 0) + number

    def serve(self, user_id: int, team_id: int) -> None:
        """Use one more: this person's turn is now the last one."""
        self.take(user_id, team_id)
        self._newest += 1
        self._served_since[user_id] = self._newest


_Entry = tuple[int, int, int, int, int, Line, "Iterator[Waiting]"]
"""Rank, machines in use, last turn, execution: what is smallest is served next.

The number keeps the rest from being compared.
"""


def serve(lines: Iterable[Line], room: Room) -> Iterator[tuple[Line, Waiting]]:
    """Yield what is served next, one after the other, taking its room; ends when nobody may have more."""
    heap: list[_Entry] = []
    used_by_user, last_turn = room.used_by_user, room.last_turn
    for number, line in enumerate(lines):
        user_id, _, waiting = line
        rest = iter(waiting)
        for rank, execution_id in rest:
            heap.append((rank, used_by_user(user_id), last_turn(user_id), execution_id, number, line, rest))
            break
    heapq.heapify(heap)
    is_endless = room.is_endless
    while heap:
        rank, _, turn, execution_id, number, line, rest = heap[0]
        user_id, team_id, _ = line
        # Machines in use and turns only grow, both at once, and so does an entry that has to be brought up to date.
        now = last_turn(user_id)
        if not is_endless and not room.left(user_id, team_id, 1):
            heapq.heappop(heap)
        elif turn != now:
            heapq.heapreplace(heap, (rank, used_by_user(user_id), now, execution_id, number, line, rest))
        else:
            room.serve(user_id, team_id)
            yield line, Waiting(rank, execution_id)
            for head_rank, head_id in rest:
                entry = (head_rank, used_by_user(user_id), last_turn(user_id), head_id, number, line, rest)
                heapq.heapreplace(heap, entry)
                break
            else:
                heapq.heappop(heap)
