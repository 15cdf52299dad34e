"""Some of some things, each switched on or off."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from core.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType


class Several(ModalScreen["list[int] | None"]):
    """Answers with the numbers of what is switched on, None where it was left as it was; at least one stays on."""

    DEFAULT_CSS = """
    Several { align: center middle; }
    Several > Vertical { width: auto; min-width: 30; max-width: 90%; height: auto; max-height: 90%;
        border: round $primary; background: $surface; padding: 0 1; }
    Several Static { text-style: bold; width: auto; }
    Several OptionList:focus { border: none; }
    Several OptionList { width: auto; height: auto; max-height: 24; border: none; padding: 0; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "switch", "On or off", id="several.switch", priority=True, tooltip="Switch it on or off."),
        Binding("enter", "keep", "Keep", id="several.keep", priority=True, tooltip="Keep what is switched on."),
        Binding("escape", "leave", "As it was", id="several.leave", tooltip="Leave it as it was."),
    ]

    def __init__(self, title: str, options: Sequence[tuple[str, str, bool]]) -> None:
        super().__init__()
        self._title = title
        self._options = [(plain(name, limit=40), plain(meaning, limit=80)) for name, meaning, _ in options]
        self._on = [on for _, _, on in options]

    def compose(self) -> ComposeResult:
        """Yield the title, the things, and how they are switched."""
        with Vertical():
            yield Static(f"{plain(self._title)}: space switches, enter keeps", markup=False)
            yield OptionList(*(Option(self._line(number)) for number in range(len(self._on))), markup=False)

    def action_switch(self) -> None:
        """Switch what the cursor stands on; the last one that is on stays on."""
        options = self.query_one(OptionList)
        number = options.highlighted
        if number is None or (self._on[number] and sum(self._on) == 1):
            return
        self._on[number] = not self._on[number]
        options.replace_option_prompt_at_index(number, self._line(number))

    def action_keep(self) -> None:
        """Answer with what is on."""
        self.dismiss([number for number, on in enumerate(self._on) if on])

    def action_leave(self) -> None:
        """Leave it as it was."""
        self.dismiss(None)

    def _line(self, number: int) -> Text:
        name, meaning = self._options[number]
        text = Text(f"[{'x' if self._on[number] else ' '}] {name:16}")
        return text.append(f"  {meaning}", style="dim")
