"""The line in which a filter is typed; what is shown follows while one types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.message import Message

from tui.widgets.typed_line import TypedLine

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.timer import Timer
    from textual.widgets import Input

PAUSE = 0.15
"""Seconds without a key after which the rows follow."""
LONGEST = 200


class FilterLine(TypedLine):
    """Enter keeps the filter, escape takes it away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "drop", "No filter", id="filter.drop", tooltip="Show all rows again."),
    ]

    @dataclass
    class Changed(Message):
        """The filter is another one."""

        text: str

    class Closed(TypedLine.Closed):
        """The person is done with the filter."""

    def __init__(self) -> None:
        super().__init__(LONGEST)
        self._pause: Timer | None = None
        self._said = ""

    def open(self, text: str) -> None:
        """Show the line with the filter as it is."""
        self._said = text
        self.open_with("/ ", text)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what was typed after a short pause."""
        event.stop()
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(PAUSE, self._say)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter and leave the line."""
        event.stop()
        self._finish()

    def action_drop(self) -> None:
        """Take the filter away and leave the line."""
        self.field.value = ""
        self._finish()

    def _finish(self) -> None:
        if self._pause is not None:
            self._pause.stop()
        self._say()
        self.close()

    def _say(self) -> None:
        text = self.field.value
        if text != self._said:
            self._said = text
            self.post_message(self.Changed(text))
