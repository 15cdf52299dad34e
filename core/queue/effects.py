"""What steering the queue would do to others, said before it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.executions.moving import refusal_there
from core.executions.steering import HIGH
from core.resources.resource import Consequence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.executions.steering import Steered
    from core.session import Session

LOOKED_AT = 1_000
"""Places from the front among which the overtaken are counted."""
TOLD = 20
"""Rows of which it is asked whether they may run elsewhere, before the first one that may not stands for more."""


def raising(session: Session, rows: Sequence[Steered], what: str) -> Consequence:
    """Return what it would mean to give executions, called `what` together, a high priority."""
    others, own, beyond, kept = 0, 0, False, 0
    for environment_id in {row.environment_id for row in rows}:
        here = {row.id: row.user_id for row in rows if row.environment_id == environment_id}
        ahead = session.queue.front(environment_id, LOOKED_AT)
        last = max((number for number, each in enumerate(ahead) if each.id in here), default=-1)
        overtaken = [each for each in ahead[: last + 1] if each.id not in here and each.priority < HIGH]
        others += sum(each.user_id not in here.values() for each in overtaken)
        own += sum(each.user_id in here.values() for each in overtaken)
        missing = here.keys() - {each.id for each in ahead}
        beyond = beyond or (bool(missing) and len(ahead) == LOOKED_AT)
        kept += 0 if len(ahead) == LOOKED_AT else len(missing)
    one = len(rows) == 1
    they, goes = ("It", "goes") if one else ("They", "go")
    passes = [f"{others} of others"] if others else []
    passes += [f"{own} of {'the same person' if one else 'the same people'}"] if own else []
    passes = ["all that has a normal priority"] if beyond else passes
    told = [f"{they} {goes} before {' and '.join(passes)}."] if passes else []
    if not passes and not kept:
        told = ["Nobody has to wait longer for that."]
    if kept:
        told.append(f"{_of(kept, len(rows))} kept by a quota, and {goes} first once it lets one in.")
    return Consequence(f"Raise the priority of {what}?", " ".join(told))


def lowering(session: Session, rows: Sequence[Steered], what: str) -> Consequence:  # noqa: ARG001 - called like others
    """Return what it would mean to take a high priority away."""
    they, takes = ("It takes its turn", "its") if len(rows) == 1 else ("They take their turns", "their")
    detail = f"{they} behind everything of high priority, by {takes} age among the others."
    return Consequence(f"Lower the priority of {what}?", detail)


def moving(session: Session, rows: Sequence[Steered], environment: str, what: str) -> Consequence:
    """Return what it would mean to have executions run in another environment."""
    target = session.environments.get(environment)
    reasons = [reason for row in rows[:TOLD] if (reason := refusal_there(session, row.id, target)) is not None]
    group = next((each for each in session.queue.groups("environment", {"environment": target.id})), None)
    running, waiting = (group.running, group.waiting) if group else (0, 0)
    wait = "It waits" if len(rows) == 1 else "They wait"
    told = [f"{wait} there anew: {running} of at most {target.maximum_scale} machines run something, {waiting:,} wait."]
    if reasons:
        more = " at least" if len(rows) > TOLD else ""
        number = "It" if len(rows) == 1 else f"{len(reasons)}{more}"
        told.insert(0, f"{number} cannot run there: {reasons[0]}.")
    return Consequence(f"Move {what} to {target.slug}?", " ".join(told))


def _of(kept: int, number: int) -> str:
    if number == 1:
        return "It is"
    return f"{kept} of them {'is' if kept == 1 else 'are'}"
