"""Some of some things, each switched on or off."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding

from core.text import plain
from tui.screens.choosing import Choosing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.binding import BindingType


class ChooseSome(Choosing["list[int]"]):
    """Answers with the numbers of what is switched on; at least one stays on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "switch", "On or off", id="choose-some.switch", priority=True, tooltip="Switch it on or off."),
        Binding("enter", "keep", "Keep", id="choose-some.keep", priority=True, tooltip="Keep what is switched on."),
        Binding("escape", "leave", "As it was", id="choose-some.leave", tooltip="Leave it as it was."),
    ]

    def __init__(self, title: str, options: Sequence[tuple[str, str, bool]]) -> None:
        super().__init__(f"{title}: space switches, enter keeps", len(options))
        self._options = [(plain(name, limit=40), plain(meaning, limit=80)) for name, meaning, _ in options]
        self._on = [on for _, _, on in options]

    def action_switch(self) -> None:
        """Switch what the cursor stands on; the last one that is on stays on."""
        number = self.options.highlighted
        if number is None or (self._on[number] and sum(self._on) == 1):
            return
        self._on[number] = not self._on[number]
        self.options.replace_option_prompt_at_index(number, self.line(number))

    def action_keep(self) -> None:
        """Answer with what is on."""
        self.dismiss([number for number, on in enumerate(self._on) if on])

    def line(self, number: int) -> Text:
        """Return a thing behind whether it is on."""
        name, meaning = self._options[number]
        text = Text(f"[{'x' if self._on[number] else ' '}] {name:16}")
        return text.append(f"  {meaning}", style="dim")
