"""One line of a screen in which something is typed: what it is about, and the field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

if TYPE_CHECKING:
    from textual.app import ComposeResult


class TypedLine(Horizontal):
    """Hidden until it is opened. Subclasses say what is done with what is typed."""

    DEFAULT_CSS = """
    TypedLine { height: 1; display: none; background: $surface; }
    TypedLine.-open { display: block; }
    TypedLine > Static { width: auto; height: 1; color: $text-accent; text-style: bold; }
    TypedLine > Input { width: 1fr; height: 1; border: none; padding: 0; background: $surface; }
    """

    class Closed(Message):
        """The person is done with the line."""

    def __init__(self, longest: int) -> None:
        super().__init__()
        self._longest = longest

    def compose(self) -> ComposeResult:
        """Yield what it is about and the field."""
        yield Static(markup=False)
        yield Input(max_length=self._longest, compact=True, select_on_focus=False)

    def on_mount(self) -> None:
        """Have a cursor that stands still: a blinking one would send bytes for ever."""
        self.field.cursor_blink = False

    @property
    def field(self) -> Input:
        """Where it is typed."""
        return self.query_one(Input)

    def open_with(self, label: str, text: str) -> None:
        """Show the line with a text to go on from."""
        self.add_class("-open")
        self.query_one(Static).update(label)
        self.field.value = text
        self.field.cursor_position = len(text)
        self.screen.set_focus(self.field)

    def close(self) -> None:
        """Hide the line, and tell."""
        self.remove_class("-open")
        self.post_message(self.Closed())
