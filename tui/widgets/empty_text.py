"""What stands where a list has no rows: what belongs there, and how the first one comes about."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text
from textual.widget import Widget

from core.resources.named_keys import with_keys
from tui.live_keys import key_of

if TYPE_CHECKING:
    from core.resources.resource import Empty


_FILTERED = "Change the filter{key:list.filter}, or go back{key:console.back}."


class EmptyText(Widget):
    """The text of an empty list; where a filter hides all rows, it says how to come back to them."""

    DEFAULT_CSS = """
    EmptyText { height: 1fr; width: 1fr; padding: 1 2; color: $text-muted; }
    """

    def __init__(self, empty: Empty) -> None:
        super().__init__()
        self._empty = empty
        self._is_filtered = False

    @property
    def is_filtered(self) -> bool:
        """Whether it is a filter that hides all rows."""
        return self._is_filtered

    @is_filtered.setter
    def is_filtered(self, is_filtered: bool) -> None:
        if is_filtered != self._is_filtered:
            self._is_filtered = is_filtered
            self.refresh()

    def render(self) -> Text:
        """Return the text."""
        if self._is_filtered:
            return Text(f"Nothing here matches.\n\n{self._with_keys(_FILTERED)}")
        return Text(f"{self._empty.text}\n\n{self._with_keys(self._empty.hint)}")

    def _with_keys(self, sentence: str) -> str:
        return with_keys(sentence, partial(key_of, self))
