"""The names of the panes of a screen in one line, the shown one marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.reactive import reactive

from tui.widgets.bar import Bar

if TYPE_CHECKING:
    from collections.abc import Sequence


class Tabs(Bar):
    """Names with the number that is their key."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"tabs--current", "tabs--other"}
    DEFAULT_CSS = """
    Tabs { background: $surface; }
    Tabs > .tabs--current { text-style: bold reverse; color: $text; }
    Tabs > .tabs--other { color: $text-muted; }
    """
    current: reactive[str] = reactive("", repaint=False)

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._names = names

    def watch_current(self) -> None:
        """Draw the line with another mark."""
        self.look_again()

    def line(self, width: int) -> Text:
        """Return the names."""
        text = Text(no_wrap=True, end="")
        for number, name in enumerate(self._names, 1):
            style = "tabs--current" if name == self.current else "tabs--other"
            text.append(f" {number} {name.title()} ", self.get_component_rich_style(style))
            text.append(" ")
        text.truncate(width, overflow="ellipsis")
        return text
