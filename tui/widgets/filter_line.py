"""The line in which a filter is typed; what is shown follows while one types."""

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
    from textual.timer import Timer

PAUSE = 0.15
"""Seconds without a key after which the rows follow."""
LONGEST = 200


class FilterLine(Horizontal):
    """Hidden until it is opened; enter keeps the filter, escape takes it away."""

    DEFAULT_CSS = """
    FilterLine { height: 1; display: none; background: $surface; }
    FilterLine.-open { display: block; }
    FilterLine > Static { width: 2; height: 1; color: $accent; text-style: bold; }
    FilterLine > Input { width: 1fr; height: 1; border: none; padding: 0; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "drop", "No filter", id="filter.drop", tooltip="Show all rows again."),
    ]

    @dataclass
    class Changed(Message):
        """The filter is another one."""

        text: str

    class Closed(Message):
        """The person is done with the line."""

    def __init__(self) -> None:
        super().__init__()
        self._pause: Timer | None = None
        self._said = ""

    def compose(self) -> ComposeResult:
        """Yield the sign and the field."""
        yield Static("/ ", markup=False)
        yield Input(max_length=LONGEST, compact=True, select_on_focus=False)

    def on_mount(self) -> None:
        """Have a cursor that stands still: a blinking one would send bytes for ever."""
        self.query_one(Input).cursor_blink = False

    def open(self, text: str) -> None:
        """Show the line with the filter as it is."""
        self.add_class("-open")
        field = self.query_one(Input)
        self._said = text
        field.value = text
        field.cursor_position = len(text)
        self.screen.set_focus(field)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what was typed after a short pause."""
        event.stop()
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(PAUSE, self._say)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter and leave the line."""
        event.stop()
        self._close()

    def action_drop(self) -> None:
        """Take the filter away and leave the line."""
        self.query_one(Input).value = ""
        self._close()

    def _close(self) -> None:
        if self._pause is not None:
            self._pause.stop()
        self._say()
        self.remove_class("-open")
        self.post_message(self.Closed())

    def _say(self) -> None:
        text = self.query_one(Input).value
        if text != self._said:
            self._said = text
            self.post_message(self.Changed(text))
