"""A line of its own that is drawn again only when what it says has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widget import Widget

if TYPE_CHECKING:
    from rich.text import Text


class Bar(Widget):
    """One line at the edge of a screen; `line` says what stands on it."""

    DEFAULT_CSS = """
    Bar { height: 1; width: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._shown: Text | None = None

    def line(self, width: int) -> Text:
        """Return what stands here, in at most `width` cells."""
        raise NotImplementedError

    def look_again(self) -> None:
        """Draw the line, if it is another one than is shown."""
        if self.is_mounted and self.size.width and self.line(self.size.width) != self._shown:
            self.refresh()

    def render(self) -> Text:
        """Return the line."""
        self._shown = self.line(self.size.width)
        return self._shown
