"""One line at the bottom in which something is edited in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.message import Message

from tui.widgets.typed_line import TypedLine

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.widgets import Input

LONGEST = 1000


class EntryLine(TypedLine):
    """Enter keeps what was typed, escape leaves it as it was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "As it was", id="entry.leave", tooltip="Leave it as it was."),
    ]

    @dataclass
    class Entered(Message):
        """Something else was typed for `what`."""

        what: str
        text: str

    class Closed(TypedLine.Closed):
        """The person is done with the entry."""

    def __init__(self) -> None:
        super().__init__(LONGEST)
        self._what = ""
        self._before = ""

    def open(self, what: str, text: str) -> None:
        """Show the line with what is to be edited."""
        self._what, self._before = what, text
        self.open_with(f" {what} ", text)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Keep the field's messages to itself."""
        event.stop()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Say what was typed and leave the line."""
        event.stop()
        if event.value != self._before:
            self.post_message(self.Entered(self._what, event.value))
        self.close()

    def action_leave(self) -> None:
        """Leave the line."""
        self.close()
