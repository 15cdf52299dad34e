"""Why an execution stands as it does, in a few sentences: the reason, its place, when, and what to do."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.executions.estimates import FARTHEST, estimate_text, soon
from core.quantities import age
from core.scheduler.reasons import Code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.executions.estimates import Estimate
    from core.executions.execution import Execution
    from core.queue.queued_execution import QueuedExecution
    from core.session import Session

AHEAD = 200
"""So many that go before it are told apart; of more their number."""


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next: `key` is the id of a key of the execution's page, `command` what does the same in a shell."""

    text: str
    key: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """How an execution stands; what is not so, or not known, is empty."""

    status: str
    code: str
    reason: str
    place: int | None
    ahead: str
    estimate: Estimate | None
    when: str
    step: Step | None


_MOVE = Step("move it to another environment", "execution.move", "shoal executions move {number} --environment NAME")
_SEE = "shoal queue --environment {environment}"
_STEPS: dict[str, Step] = {
    Code.DISABLED: _MOVE,
    Code.MAXIMUM: _MOVE,
    Code.TEAM_REFUSED: _MOVE,
    Code.CORDONED: _MOVE,
    Code.ENGINE: Step("see what is wrong", "", "shoal doctor"),
    Code.NO_HOST: Step("see how the hosts are", "", "shoal hosts ls"),
    Code.LAUNCH_FAILED: Step("see how the hosts are", "", "shoal hosts ls"),
    Code.USER_QUOTA: Step("see what uses the machines, and stop what is not needed", "", _SEE),
    Code.TEAM_QUOTA: Step("see what uses the machines, and stop what is not needed", "", _SEE),
    Code.BUSY: Step("raise its priority if it cannot wait", "execution.raise", "shoal executions raise {number}"),
}
_ENDED: dict[str, Step] = {
    "error": Step("read its log", "execution.log", "shoal executions logs {number}"),
    "crashed": Step("see what happened", "execution.events", "shoal executions show {number}"),
    "complete": Step("see what it made", "execution.outputs", "shoal files ls --execution {number}"),
    "stopped": Step("run it again", "execution.again", "shoal executions copy {number}"),
}
_ENDS = {
    "complete": "is complete",
    "error": "ended with an error",
    "stopped": "was stopped",
    "crashed": "crashed",
}


def why(session: Session, execution: Execution) -> Why:
    """Return how an execution stands and why."""
    queued = session.queue.row(execution.id)
    if queued is None:
        return _ended(execution)
    if not queued.waits:
        return _runs(execution, queued)
    return Why(
        execution.status,
        queued.code,
        _reason(session, queued),
        queued.place,
        _ahead(session, queued),
        queued.estimate,
        _starts(queued),
        _step(_STEPS.get(queued.code), execution),
    )


def sentences(execution: Execution, why_: Why) -> Iterator[str]:
    """Yield it as sentences; the next step is left to whoever knows whether there are keys."""
    now = time.time()
    name = f"#{execution.counter} {execution.step}"
    if execution.is_final:
        ended = "" if execution.ended_at is None else f", {age(now - execution.ended_at)} ago"
        yield f"{name} {_ENDS[execution.status]}{ended}{_because(why_.reason)}."
        return
    if execution.started_at is not None and execution.status not in ("created", "queued"):
        where = f" on {execution.machine}" if execution.machine else ""
        how = "runs" if execution.status == "started" else "is being stopped"
        yield f"{name} {how}{where} since {age(now - execution.started_at)}{_because(why_.reason)}."
    else:
        waits = age(now - execution.created_at)
        yield f"{name} waits for a machine of {execution.environment} since {waits}{_because(why_.reason)}."
        if why_.ahead:
            yield f"{why_.ahead}."
    if why_.when:
        yield f"{why_.when}."


def _because(reason: str) -> str:
    return f": {reason.rstrip('.')}" if reason else ""


def _ended(execution: Execution) -> Why:
    reason = "" if execution.status == "complete" else execution.reason
    return Why(execution.status, "", reason, None, "", None, "", _step(_ENDED.get(execution.status), execution))


def _runs(execution: Execution, queued: QueuedExecution) -> Why:
    step = Step("follow its log", "execution.log", "shoal executions logs -f {number}")
    when = f"It ends {estimate_text(queued.estimate)}" if queued.estimate else ""
    return Why(execution.status, "", queued.reason_template, None, "", queued.estimate, when, _step(step, execution))


def _step(step: Step | None, execution: Execution) -> Step | None:
    if step is None:
        return None
    command = step.command.format(number=execution.counter, environment=execution.environment)
    return Step(step.text, step.key, command)


def _ahead(session: Session, queued: QueuedExecution) -> str:
    """Say which place it has and who goes before it."""
    if queued.place is None:
        return "It has no place in the queue before the quota lets it in" if queued.code else ""
    if queued.place == 1:
        return "It is the next one"
    before = queued.place - 1
    if before > AHEAD:
        return f"It is number {queued.place:,} in the queue"
    owners = Counter(each.user for each in session.queue.front(queued.environment_id, before))
    own = owners.pop(session.actor.name, 0)
    told = ([f"{own} of yours"] if own else []) + [f"{n} of {name}'s" for name, n in owners.most_common(3)]
    if len(owners) > 3:
        told.append(f"{sum(owners.values()) - sum(n for _, n in owners.most_common(3))} of others")
    goes = "goes" if before == 1 else "go"
    return f"It is number {queued.place} in the queue: {', '.join(told)} {goes} first"


def _starts(queued: QueuedExecution) -> str:
    if queued.estimate is not None:
        return f"It starts {estimate_text(queued.estimate)}"
    if queued.place is not None and queued.place > FARTHEST:
        return "When it starts cannot be told yet: it is too far back"
    if queued.code in (Code.BUSY, Code.USER_QUOTA, Code.TEAM_QUOTA):
        return "When it starts cannot be told: what decides it has run too seldom, or never as long"
    return ""


def _reason(session: Session, queued: QueuedExecution) -> str:
    free = session.queue.next_free(queued.environment_id) if queued.code == Code.BUSY else None
    return queued.reason if free is None or not free.runs else f"{queued.reason}, next free {soon(free)}"
