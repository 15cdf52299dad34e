"""The plan: a pure function from what is to what to do. No clock, no input or output, no randomness.

What it keeps, always: no machine is launched above the maximum scale; at least the minimum scale is kept, of machines
that take work; nobody and no team gets a machine beyond their quota; an idle machine goes when its grace period is over
and not before; what waits is served in the order of `fair_order`, and nobody waits because somebody else is over quota;
a busy machine is never terminated; no more machines are asked for than have work; after a launch that failed the next
one waits, and a machine that does not come up in its time is given up; whatever goes on waiting has one reason.

The cost of one call grows with idle machines and with people who wait, not with how many executions wait: of each
queue it looks at the head only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from core.scheduler.explain import explain
from core.scheduler.fair_order import Line, Room, Waiting, serve

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from core.scheduler.reasons import Reason


class IdleMachine(NamedTuple):
    """A machine that may take work, idle since `idle_since` (seconds since 1970)."""

    id: int
    idle_since: float


class StartingMachine(NamedTuple):
    """A machine that was asked for and is not there yet; it is given up at `deadline`."""

    id: int
    name: str
    since: float
    deadline: float


@dataclass(slots=True)
class Queue:
    """What one person has waiting for one team (0 for none) in one environment.

    `created` and `queued` hold the heads of their two queues in order, at least as far as a plan can use them: as many
    as machines are idle, and of `created` all that can become queued, where a quota holds. The totals say how many
    there are in all.
    """

    user_id: int
    team_id: int = 0
    created: Sequence[Waiting] = ()
    created_total: int = 0
    queued: Sequence[Waiting] = ()
    queued_total: int = 0

    def heads(self) -> Sequence[Waiting]:
        """Return both heads as one, in order."""
        return sorted([*self.queued, *self.created]) if self.created and self.queued else self.queued or self.created

    def created_of_first(self, number: int) -> int:
        """Return how many of the first `number` in order are `created`."""
        last = self.heads()[number - 1]
        return sum(waiting <= last for waiting in self.created)


@dataclass(slots=True)
class Environment:
    """One environment's limits, its present machines and its queues; `plan` changes nothing of it.

    `busy` machines run something or drain. `cordoned` ones are idle and take nothing: they count against the maximum
    scale, not for the minimum. `active` and `team_active` count the machines that people and teams use; `served` are
    the turns at which people were served last, which rise. A team without a quota has `other_teams_quota` (None: no
    limit). `launchable` is how many more machines can be asked for now (None: any number), not before `launch_after`;
    `launch_problem` says why where that keeps machines from coming. `fault` says why nothing can start now, if so.
    """

    id: int
    enabled: bool = True
    minimum_scale: int = 0
    maximum_scale: int = 5
    grace_period: float = 900.0
    per_user_quota: int = 0
    team_quotas: Mapping[int, int | None] = field(default_factory=dict)
    other_teams_quota: int | None = None
    team_names: Mapping[int, str] = field(default_factory=dict)
    idle: Sequence[IdleMachine] = ()
    starting: Sequence[StartingMachine] = ()
    busy: int = 0
    cordoned: int = 0
    active: Mapping[int, int] = field(default_factory=dict)
    team_active: Mapping[int, int] = field(default_factory=dict)
    served: Mapping[int, int] = field(default_factory=dict)
    queues: Sequence[Queue] = ()
    launchable: int | None = None
    launch_after: float = 0.0
    launch_problem: str = ""
    fault: str | None = None

    @property
    def present(self) -> int:
        """Machines that count against the maximum scale."""
        return len(self.idle) + len(self.starting) + self.busy + self.cordoned

    @property
    def usable(self) -> bool:
        """Whether executions can start."""
        return self.enabled and self.fault is None

    def room(self) -> Room:
        """Return how much of the quotas is in use, and whose turn it was last."""
        quotas = (self.per_user_quota, self.team_quotas, self.other_teams_quota)
        return Room(self.active, self.team_active, *quotas, self.served)


@dataclass(slots=True)
class Decision:
    """What to do, each item once.

    `queue_all` names (environment, user, team) without a quota, all of whose `created` executions become `queued`;
    `queue` names single ones. `give_up` are machines that did not come up in time. `wake_at` is when time alone will
    change the plan.
    """

    queue_all: list[tuple[int, int, int]] = field(default_factory=list)
    queue: list[int] = field(default_factory=list)
    assign: list[tuple[int, int]] = field(default_factory=list)
    launch: list[tuple[int, int]] = field(default_factory=list)
    terminate: list[int] = field(default_factory=list)
    give_up: list[int] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    wake_at: float | None = None

    def wake(self, at: float) -> None:
        """Have another plan made at that time at the latest."""
        if self.wake_at is None or at < self.wake_at:
            self.wake_at = at


Key = tuple[int, int]
"""A queue's person and team."""


@dataclass(slots=True)
class Outlook:
    """How one environment stands once a decision is carried out, for `explain`.

    `room` is what runs, `reserved` the same with what is queued and could run. `promoted` and `assigned` say, by queue,
    how many go on; `launched` how many machines are asked for.
    """

    room: Room
    reserved: Room
    promoted: Mapping[Key, int]
    assigned: Mapping[Key, int]
    launched: int


def plan(environments: Iterable[Environment], now: float, *, reasons: bool = True) -> Decision:
    """Decide what to do at `now` (seconds since 1970); without `reasons` it does not say why something waits."""
    decision = Decision()
    for environment in environments:
        if environment.queues:
            outlook = _plan_environment(environment, now, decision)
            if reasons:
                decision.reasons.extend(explain(environment, outlook, now))
        elif environment.idle or environment.starting or environment.minimum_scale:
            _plan_machines(environment, _by_age(environment.idle), 0, now, decision)
    return decision


def _plan_environment(environment: Environment, now: float, decision: Decision) -> Outlook:
    room = environment.room()
    idle = _by_age(environment.idle)
    assigned = _assign(environment, idle, room, decision) if idle else {}
    promoted, reserved = _promote(environment, room, assigned, decision)
    unmet = _unmet(environment, room, assigned)
    launched = _plan_machines(environment, idle, unmet, now, decision)
    return Outlook(room, reserved, promoted, assigned, launched)


def _by_age(machines: Sequence[IdleMachine]) -> list[IdleMachine]:
    """Return machines in a new list, those that are idle for longest first."""
    return sorted(machines, key=_AGE) if len(machines) > 1 else list(machines)


_AGE = attrgetter("idle_since", "id")


def _assign(environment: Environment, idle: list[IdleMachine], room: Room, decision: Decision) -> dict[Key, int]:
    """Give machines, the last used ones first, to what is served next, and take them out of `idle`.

    Returns how many, by queue.
    """
    assigned: dict[Key, int] = {}
    number = min(len(idle), environment.maximum_scale - environment.busy)
    if number <= 0 or not environment.usable:
        return assigned
    lines = [Line(queue.user_id, queue.team_id, queue.heads()) for queue in environment.queues]
    for _, ((user_id, team_id, _), (_, execution_id)) in zip(range(number), serve(lines, room), strict=False):
        decision.assign.append((execution_id, idle.pop().id))
        key = (user_id, team_id)
        assigned[key] = assigned.get(key, 0) + 1
    return assigned


def _promote(
    environment: Environment, room: Room, assigned: Mapping[Key, int], decision: Decision
) -> tuple[dict[Key, int], Room]:
    """Move from created to queued what got a machine or has room in its quotas; return how many, by queue."""
    promoted: dict[Key, int] = {}
    if not any(queue.created_total for queue in environment.queues):
        return promoted, room
    reserved = room.copy()
    limited = []
    for queue in environment.queues:
        key = (queue.user_id, queue.team_id)
        if not room.is_limited(queue.team_id):
            if queue.created_total:
                decision.queue_all.append((environment.id, *key))
                promoted[key] = queue.created_total
            continue
        served = queue.created_of_first(assigned[key]) if key in assigned else 0
        if served:
            decision.queue.extend(waiting.execution_id for waiting in queue.created[:served])
            promoted[key] = served
        if len(queue.created) > served:
            limited.append(Line(*key, queue.created[served:]))
        if rest := queue.queued_total + served - assigned.get(key, 0):
            reserved.take(*key, reserved.left(*key, rest))
    for line, waiting in serve(limited, reserved):
        key = (line.user_id, line.team_id)
        decision.queue.append(waiting.execution_id)
        promoted[key] = promoted.get(key, 0) + 1
    return promoted, reserved


def _unmet(environment: Environment, room: Room, assigned: Mapping[Key, int]) -> int:
    """Return how many more could run at once, within all quotas, if there were machines; no more than could come."""
    most = environment.maximum_scale - environment.present + len(environment.starting)
    if most <= 0:
        return 0
    wanted = room.copy()
    unmet = 0
    for queue in environment.queues:
        key = (queue.user_id, queue.team_id)
        waiting = queue.created_total + queue.queued_total - assigned.get(key, 0)
        if number := wanted.left(*key, waiting):
            wanted.take(*key, number)
            unmet += number
            if unmet >= most:
                return most
    return unmet


def _plan_machines(
    environment: Environment, idle: Sequence[IdleMachine], unmet: int, now: float, decision: Decision
) -> int:
    """Give up, launch and terminate machines; return how many were launched. `idle` got no work, oldest first."""
    given_up = _give_up(environment, now, decision) if environment.starting else 0
    present = environment.present
    # What was given up is a launch that failed: another one waits until that is known.
    launched = 0 if given_up else _launch(environment, present, unmet, now, decision)
    if idle:
        _scale_down(environment, idle, present - given_up, now, decision)
    return launched


def _give_up(environment: Environment, now: float, decision: Decision) -> int:
    given_up = 0
    for machine in environment.starting:
        if now >= machine.deadline:
            decision.give_up.append(machine.id)
            given_up += 1
        else:
            decision.wake(machine.deadline)
    return given_up


def _launch(environment: Environment, present: int, unmet: int, now: float, decision: Decision) -> int:
    """Ask for as many machines as are wanted and allowed; return how many."""
    wanted = max(unmet - len(environment.starting), environment.minimum_scale - present + environment.cordoned)
    number = min(wanted, environment.maximum_scale - present)
    if environment.launchable is not None:
        number = min(number, environment.launchable)
    if number <= 0 or not environment.usable:
        return 0
    if now < environment.launch_after:
        decision.wake(environment.launch_after)
        return 0
    decision.launch.append((environment.id, number))
    return number


def _scale_down(
    environment: Environment, idle: Sequence[IdleMachine], present: int, now: float, decision: Decision
) -> None:
    """Terminate idle machines that are over their grace period, above the maximum, or of a disabled environment."""
    minimum = environment.minimum_scale + environment.cordoned if environment.enabled else 0
    for machine in idle:
        due = machine.idle_since + environment.grace_period
        if not environment.enabled or present > environment.maximum_scale or (present > minimum and now >= due):
            decision.terminate.append(machine.id)
            present -= 1
        else:
            if present > minimum:
                decision.wake(due)
            return
