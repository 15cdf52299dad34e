"""Who may steer what waits in a queue, known at once: for keys that are dimmed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from core.session import Session

WAITING = ("created", "queued")
NORMAL, HIGH = 0, 1


class Steered(Protocol):
    """Something that names an execution: one of a list, of a queue or on a page."""

    @property
    def id(self) -> int:
        """The execution's id."""

    @property
    def user_id(self) -> int:
        """Who created it."""

    @property
    def status(self) -> str:
        """Where it stands."""

    @property
    def priority(self) -> int:
        """Whether it goes before others."""

    @property
    def environment_id(self) -> int:
        """Where it waits."""


def refusal(session: Session, execution: Steered) -> str | None:
    """Return why somebody cannot steer an execution as it was last read, None where they can."""
    if execution.status not in WAITING:
        return f"it does not wait any more: it is {execution.status}"
    if execution.user_id == session.actor.id:
        return session.can("execution.reschedule")
    return None if session.can("queue.steer") is None else "it is somebody else's: they or an admin may do that"


def raising_refusal(session: Session, execution: Steered) -> str | None:
    """Return why an execution cannot be given a high priority, None where it can."""
    if execution.priority == HIGH and execution.status in WAITING:
        return "its priority is high already"
    return refusal(session, execution)


def lowering_refusal(session: Session, execution: Steered) -> str | None:
    """Return why an execution cannot be given a normal priority, None where it can."""
    if execution.priority == NORMAL and execution.status in WAITING:
        return "its priority is normal already"
    return refusal(session, execution)
