"""What stands where a list has no rows: what belongs there, and how the first one comes about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.widget import Widget

if TYPE_CHECKING:
    from core.resources.resource import Empty


class EmptyText(Widget):
    """The text of an empty list; where a filter hides all rows, it says how to come back to them."""

    DEFAULT_CSS = """
    EmptyText { height: 1fr; width: 1fr; padding: 1 2; color: $text-muted; }
    """

    def __init__(self, empty: Empty) -> None:
        super().__init__()
        self._empty = empty
        self.is_filtered = False

    def render(self) -> Text:
        """Return the text."""
        if self.is_filtered:
            return Text("Nothing here matches.\n\n/ changes the filter, esc goes back.")
        return Text(f"{self._empty.text}\n\n{self._empty.hint}")
