"""One of some things, chosen by its letter or by the arrows."""

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

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

LETTERS = "123456789abcdefghilmnoprtuvwxyz"
"""Not j and k, which move the cursor, nor q and s, which people type to leave."""


class Choice(ModalScreen["int | None"]):
    """Answers with the number of what was chosen, None where nothing was."""

    DEFAULT_CSS = """
    Choice { align: center middle; }
    Choice > Vertical { width: auto; min-width: 30; max-width: 90%; height: auto; max-height: 90%;
        border: round $primary; background: $surface; padding: 0 1; }
    Choice Static { text-style: bold; width: auto; }
    Choice OptionList:focus { border: none; }
    Choice OptionList { width: auto; height: auto; max-height: 24; border: none; padding: 0; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", id="choice.leave", tooltip="Choose nothing."),
        Binding("j", "down", "Down", id="choice.down", show=False),
        Binding("k", "up", "Up", id="choice.up", show=False),
    ]

    def __init__(self, title: str, options: Sequence[tuple[str, str]], *, at: int = 0) -> None:
        super().__init__()
        self._title = title
        self._options = options
        self._at = at

    def compose(self) -> ComposeResult:
        """Yield the title and the things to choose from."""
        with Vertical():
            yield Static(plain(self._title), markup=False)
            yield OptionList(*(Option(self._line(number)) for number in range(len(self._options))), markup=False)

    def on_mount(self) -> None:
        """Stand on what is so now."""
        self.query_one(OptionList).highlighted = self._at

    def on_key(self, event: events.Key) -> None:
        """Choose by letter."""
        number = LETTERS.find(event.character) if event.character else -1
        if 0 <= number < len(self._options):
            event.stop()
            self.dismiss(number)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Choose what the cursor stands on."""
        self.dismiss(event.option_index)

    def action_leave(self) -> None:
        """Choose nothing."""
        self.dismiss(None)

    def action_down(self) -> None:
        """Move the cursor down."""
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        """Move the cursor up."""
        self.query_one(OptionList).action_cursor_up()

    def _line(self, number: int) -> Text:
        name, meaning = self._options[number]
        letter = LETTERS[number] if number < len(LETTERS) else " "
        text = Text(f"{letter}  ", style="bold")
        text.append(f"{plain(name, limit=60):16}", style="not bold")
        text.append(f"  {plain(meaning, limit=80)}" if meaning else "", style="not bold dim")
        return text
