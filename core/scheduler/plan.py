"""The plan: a pure function from what is to what to do. No clock, no input or output, no randomness.

What it keeps, always: machines never above the maximum scale; at least the minimum scale once launched; nobody's
running machines above their quota; an idle machine goes when its grace period is over and not before; first in, first
out within a priority, and nobody waits because somebody else is over quota; a busy machine is never terminated.

The cost of one call grows with machines and with people who wait, not with how many executions wait: of each person's
queue it looks at the head only (`UserQueue`).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

MachineStatus = Literal["starting", "idle", "leased", "draining"]


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that is present; `idle_since` is set while it is idle (seconds since 1970)."""

    id: int
    status: MachineStatus
    idle_since: float = 0.0


@dataclass(frozen=True, slots=True, order=True)
class Waiting:
    """An execution that waits; the smallest goes first. `rank` is minus the priority, ids rise with time."""

    rank: int
    execution_id: int


@dataclass(frozen=True, slots=True)
class UserQueue:
    """What one person has waiting and running in one environment.

    `created` and `queued` hold the heads of their two queues in order, as far as the maximum scale could ever use
    them; the totals say how many there are in all.
    """

    user_id: int
    active: int = 0
    created: tuple[Waiting, ...] = ()
    created_total: int = 0
    queued: tuple[Waiting, ...] = ()
    queued_total: int = 0


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment's limits, its present machines and its queues. `fault` says why nothing can start now, if so."""

    id: int
    enabled: bool
    minimum_scale: int
    maximum_scale: int
    grace_period: float
    per_user_quota: int
    machines: tuple[Machine, ...] = ()
    queues: tuple[UserQueue, ...] = ()
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why everything that one person has waiting with `status` in one environment waits."""

    environment_id: int
    user_id: int
    status: Literal["created", "queued"]
    text: str


@dataclass(slots=True)
class Decision:
    """What to do, each item once.

    `queue_all` names (environment, user) pairs without a quota, all of whose `created` executions become `queued`;
    `queue` names single ones. `wake_at` is when time alone will change the plan.
    """

    queue_all: list[tuple[int, int]] = field(default_factory=list)
    queue: list[int] = field(default_factory=list)
    assign: list[tuple[int, int]] = field(default_factory=list)
    launch: list[tuple[int, int]] = field(default_factory=list)
    terminate: list[int] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    wake_at: float | None = None


def plan(environments: Iterable[Environment], now: float) -> Decision:
    """Decide what to do at `now` (seconds since 1970)."""
    decision = Decision()
    for environment in environments:
        _plan_environment(environment, now, decision)
    return decision


def _plan_environment(environment: Environment, now: float, decision: Decision) -> None:
    heads, waiting = _promote(environment, decision)
    idle = sorted((m for m in environment.machines if m.status == "idle"), key=lambda m: (-m.idle_since, m.id))
    present = len(environment.machines)
    usable = environment.enabled and environment.fault is None
    assigned = 0
    if usable:
        room = environment.maximum_scale - sum(m.status in ("leased", "draining") for m in environment.machines)
        for machine, head in zip(idle[: max(room, 0)], heapq.merge(*heads), strict=False):
            decision.assign.append((head.execution_id, machine.id))
            assigned += 1
        starting = sum(m.status == "starting" for m in environment.machines)
        demand = max(waiting - assigned - starting, environment.minimum_scale - present)
        launch = min(demand, environment.maximum_scale - present)
        if launch > 0:
            decision.launch.append((environment.id, launch))
    _scale_down(environment, idle[assigned:], now, decision)
    _explain(environment, waiting - assigned, decision)


def _promote(environment: Environment, decision: Decision) -> tuple[list[tuple[Waiting, ...]], int]:
    """Move what has room in its quota from created to queued; return the queues' heads and how many are queued."""
    heads = []
    waiting = 0
    for queue in environment.queues:
        promoted = queue.created
        total = queue.created_total
        if environment.per_user_quota:
            total = min(total, max(0, environment.per_user_quota - queue.active - queue.queued_total))
            promoted = promoted[:total]
            decision.queue.extend(head.execution_id for head in promoted)
        elif total:
            decision.queue_all.append((environment.id, queue.user_id))
        if queue.queued or promoted:
            heads.append(tuple(heapq.merge(queue.queued, promoted))[: _allowance(environment, queue)])
            waiting += min(queue.queued_total + total, _allowance(environment, queue))
    return heads, waiting


def _allowance(environment: Environment, queue: UserQueue) -> int:
    """How many more machines this person may use: a quota that was lowered holds for what is queued already."""
    if not environment.per_user_quota:
        return queue.queued_total + queue.created_total
    return max(0, environment.per_user_quota - queue.active)


def _scale_down(environment: Environment, idle: list[Machine], now: float, decision: Decision) -> None:
    """Terminate idle machines that are over their grace period, above the maximum, or of a disabled environment."""
    present = len(environment.machines)
    minimum = environment.minimum_scale if environment.enabled else 0
    for machine in sorted(idle, key=lambda m: (m.idle_since, m.id)):
        if present <= minimum:
            return
        due = machine.idle_since + environment.grace_period
        if now >= due or present > environment.maximum_scale or not environment.enabled:
            decision.terminate.append(machine.id)
            present -= 1
        elif decision.wake_at is None or due < decision.wake_at:
            decision.wake_at = due


def _explain(environment: Environment, left: int, decision: Decision) -> None:
    machine_reason = _machine_reason(environment, left)
    quota = environment.per_user_quota
    for queue in environment.queues:
        promoted = queue.created_total if not quota else max(0, quota - queue.active - queue.queued_total)
        over_quota = queue.created_total - min(queue.created_total, promoted)
        if over_quota:
            text = f"quota: {queue.active} of your {quota} machines are in use"
            decision.reasons.append(Reason(environment.id, queue.user_id, "created", text))
        if queue.queued_total + queue.created_total - over_quota:
            text = machine_reason
            if quota and _allowance(environment, queue) == 0:
                text = f"quota: {queue.active} of your {quota} machines are in use"
            decision.reasons.append(Reason(environment.id, queue.user_id, "queued", text))


def _machine_reason(environment: Environment, left: int) -> str:
    if not environment.enabled:
        return "the environment is disabled"
    if environment.fault is not None:
        return environment.fault
    if environment.maximum_scale == 0:
        return "the environment's maximum scale is 0"
    busy = sum(machine.status in ("leased", "draining") for machine in environment.machines)
    starting = sum(machine.status == "starting" for machine in environment.machines)
    if starting:
        return f"{starting} of {environment.maximum_scale} machines are starting"
    if busy >= environment.maximum_scale:
        return f"{busy} of {environment.maximum_scale} machines are busy"
    return "a machine is being started" if left else "about to start"
