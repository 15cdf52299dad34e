"""One of some things, chosen by its letter or by the arrows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding

from core.text import plain
from tui.screens.choosing import Choosing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.binding import BindingType
    from textual.widgets import OptionList

LETTERS = "123456789abcdefghilmnoprtuvwxyz"
"""Not j and k, which move the cursor, nor q and s, which people type to leave."""


class ChooseOne(Choosing[int]):
    """Answers with the number of what was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", id="choose-one.leave", tooltip="Choose nothing."),
        Binding("j", "down", "Down", id="choose-one.down", show=False),
        Binding("k", "up", "Up", id="choose-one.up", show=False),
    ]

    def __init__(self, title: str, options: Sequence[tuple[str, str]], *, at: int = 0) -> None:
        super().__init__(title, len(options))
        self._options = options
        self._at = at

    def on_mount(self) -> None:
        """Stand on what is so now."""
        self.options.highlighted = self._at

    def on_key(self, event: events.Key) -> None:
        """Choose by letter."""
        number = LETTERS.find(event.character) if event.character else -1
        if 0 <= number < len(self._options):
            event.stop()
            self.dismiss(number)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Choose what the cursor stands on."""
        self.dismiss(event.option_index)

    def action_down(self) -> None:
        """Move the cursor down."""
        self.options.action_cursor_down()

    def action_up(self) -> None:
        """Move the cursor up."""
        self.options.action_cursor_up()

    def line(self, number: int) -> Text:
        """Return a thing behind its letter."""
        name, meaning = self._options[number]
        letter = LETTERS[number] if number < len(LETTERS) else " "
        text = Text(f"{letter}  ", style="bold")
        text.append(f"{plain(name, limit=60):16}", style="not bold")
        text.append(f"  {plain(meaning, limit=80)}" if meaning else "", style="not bold dim")
        return text
