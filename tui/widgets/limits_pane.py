"""The limits of an environment, and whom they keep waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.environments.loads import queues
from core.resources.environment_consequence import waiting_text
from core.resources.environments import limits_section
from core.resources.resource import Pair, Section, Tone
from tui.widgets.description_view import DescriptionView
from tui.widgets.pane import Pane

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from core.environments.loads import Load


class LimitsPane(Pane):
    """Every limit, and the reasons by person."""

    def __init__(self, load: Load) -> None:
        super().__init__()
        self._load = load

    def compose(self) -> ComposeResult:
        """Yield the lines."""
        yield DescriptionView()

    def on_shown(self) -> None:
        """Read, and take the keys."""
        self.query_one(DescriptionView).focus()
        self.take(self._load)

    def take(self, load: Load) -> None:
        """Show an environment as it is now."""
        self._load = load
        if self.display:
            self.screen_.work(self._read(), group="limits")

    async def _read(self) -> None:
        found = await self.screen_.read(queues, self.screen_.session, self._load.environment)
        waiting = [Pair(each.user, f"{waiting_text(each.number)}: {each.reason}") for each in found]
        nothing = [Pair("", "nothing waits", tone=Tone.DIM)]
        sections = [limits_section(self._load.environment), Section("What they keep waiting", waiting or nothing)]
        self.query_one(DescriptionView).sections = sections
