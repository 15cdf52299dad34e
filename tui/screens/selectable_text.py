"""A text on an empty screen, for the terminal's own selection to take."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from core.text import plain

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

MOST_LINES = 2000


class SelectableText(ModalScreen[None]):
    """The text without borders or colours, so that nothing else is selected with it."""

    DEFAULT_CSS = """
    SelectableText { background: $background; }
    SelectableText Static { width: 1fr; height: auto; }
    SelectableText VerticalScroll { scrollbar-size: 0 0; }
    SelectableText > .selectable-text--why { color: $text-warning; height: auto; padding: 0 0 1 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "leave", "Back", id="selectable-text.leave", tooltip="Go back."),
    ]

    def __init__(self, text: str, why: str) -> None:
        super().__init__()
        self._text = text
        self._why = why

    def compose(self) -> ComposeResult:
        """Yield why it is shown, and the text."""
        yield Static(
            f"{plain(self._why)}: select it with shift and the mouse. esc goes back.",
            markup=False,
            classes="selectable-text--why",
        )
        lines = self._text.splitlines()
        shown = [plain(line) for line in lines[:MOST_LINES]]
        if len(lines) > MOST_LINES:
            shown.append(f"… {len(lines) - MOST_LINES:,} lines more")
        with VerticalScroll():
            yield Static("\n".join(shown), markup=False)

    def on_mount(self) -> None:
        """Let the arrows scroll."""
        self.query_one(VerticalScroll).focus()

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss(None)
