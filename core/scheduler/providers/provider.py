"""What a provider of machines is: it says what can be launched, and keeps the rows true to what is there.

Launching and terminating are rows first (`core/scheduler/machines.py`), in the transaction of the plan's decision;
what has to happen outside follows from the rows, so that a scheduler that dies is followed by one that goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import sqlite3

    from core.scheduler.snapshot import Launching


class Provider(Protocol):
    """One kind of machines; every call comes from the scheduler's thread and returns at once."""

    def recover(self) -> None:
        """Settle what an earlier scheduler left half done; called once."""
        ...

    def reconcile(self, now: float) -> float | None:
        """Make the rows say what is there, and see to what they ask for; return when to come again, at the latest."""
        ...

    def launching(self, connection: sqlite3.Connection, environment_id: int, now: float) -> Launching:
        """Return what can be launched in an environment, and why no more."""
        ...

    def doubt(self, *, begins: bool) -> bool:
        """Look again whether work can begin, where it is about to; True when that changed what `launching` says."""
        ...

    def is_busy(self) -> bool:
        """Tell whether something is under way that a scheduler has to stay for."""
        ...

    def leave(self) -> None:
        """Let go of everything; what runs goes on."""
        ...
