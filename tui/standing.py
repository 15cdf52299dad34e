"""How the console stands to the state that it shows: who looks, how fresh the picture is, what is wrong."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from core.quantities import age

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.alarms import Alarm
    from core.scheduler.presence import Presence
    from tui.app import Console

STALE_AFTER = 3.0
"""Seconds without a look at the state after which the picture is called stale."""


class Standing:
    """Facts, alarms and freshness for the status bar; whoever learns something new sets it here."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.looked_at = time.monotonic()
        self.trouble = ""
        self.presence: Presence | None = None
        self.alarms: Sequence[Alarm] = ()
        """What somebody should see to, the worst first."""
        self.frozen: int | None = None
        """How many changes came since the picture was frozen, None where it is not."""

    @property
    def is_fresh(self) -> bool:
        """Whether what is shown is how it is."""
        return self.frozen is None and not self.trouble and not self._silent()

    def facts(self) -> Sequence[str]:
        """Return how much runs and waits, and who looks at what: first what is seen where there is little room."""
        actor = self._console.session.actor
        facts = ["read-only"] if self._console.read_only else []
        if self.presence is not None:
            facts += self._scheduler(self.presence)
        return [*facts, actor.name, self._console.project.name if self._console.project else "all projects"]

    def freshness(self) -> str:
        """Return how old the picture is, and why it is old."""
        if self.frozen is not None:
            return f"frozen · {self.frozen} changes since (p goes on)"
        if self.trouble:
            return f"stale {age(time.monotonic() - self.looked_at)}"
        if silent := self._silent():
            return f"stale {age(silent)} — scheduler not answering"
        return "live"

    def _silent(self) -> float:
        presence = self.presence
        return presence.silent if presence is not None and presence.hangs else 0.0

    def _scheduler(self, presence: Presence) -> Sequence[str]:
        work = f"{presence.running:,} running, {presence.waiting:,} waiting"
        is_told = any(alarm.kind == "scheduler" for alarm in self.alarms)
        return [work] if presence.runs or is_told else [work, "scheduler asleep"]
