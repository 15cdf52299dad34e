"""One line at the bottom in which something is edited in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

LONGEST = 1000


class EntryLine(Horizontal):
    """Hidden until it is opened; enter keeps what was typed, escape leaves it as it was."""

    DEFAULT_CSS = """
    EntryLine { height: 1; display: none; background: $surface; }
    EntryLine.-open { display: block; }
    EntryLine > Static { width: auto; height: 1; color: $text-accent; text-style: bold; padding: 0 1; }
    EntryLine > Input { width: 1fr; height: 1; border: none; padding: 0; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "As it was", id="entry.leave", tooltip="Leave it as it was."),
    ]

    @dataclass
    class Entered(Message):
        """Something else was typed for `what`."""

        what: str
        text: str

    class Closed(Message):
        """The person is done with the line."""

    def __init__(self) -> None:
        super().__init__()
        self._what = ""
        self._before = ""

    def compose(self) -> ComposeResult:
        """Yield the name and the field."""
        yield Static(markup=False)
        yield Input(max_length=LONGEST, compact=True, select_on_focus=False)

    def on_mount(self) -> None:
        """Have a cursor that stands still."""
        self.query_one(Input).cursor_blink = False

    def open(self, what: str, text: str) -> None:
        """Show the line with what is to be edited."""
        self._what, self._before = what, text
        self.add_class("-open")
        self.query_one(Static).update(what)
        field = self.query_one(Input)
        field.value = text
        field.cursor_position = len(text)
        self.screen.set_focus(field)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Keep the field's messages to itself."""
        event.stop()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Say what was typed and leave the line."""
        event.stop()
        if event.value != self._before:
            self.post_message(self.Entered(self._what, event.value))
        self.action_leave()

    def action_leave(self) -> None:
        """Leave the line."""
        self.remove_class("-open")
        self.post_message(self.Closed())
