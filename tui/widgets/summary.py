"""Counts in one line above a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.reactive import reactive

from core.resources.resource import Tone
from core.text import plain
from tui.widgets.bar import Bar

if TYPE_CHECKING:
    from collections.abc import Sequence


class Summary(Bar):
    """Parts, each with what it means; without parts there is no line."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"summary--{tone}" for tone in Tone}
    DEFAULT_CSS = """
    Summary { color: $text; display: none; }
    Summary.-shown { display: block; }
    Summary > .summary--dim { color: $text-muted; }
    Summary > .summary--good { color: $text-success; }
    Summary > .summary--bad { color: $text-error; }
    Summary > .summary--busy { color: $text-primary; text-style: bold; }
    Summary > .summary--waiting { color: $text-warning; }
    """
    parts: reactive[Sequence[tuple[str, Tone]]] = reactive((), layout=False, repaint=False)

    def watch_parts(self) -> None:
        """Draw the line again if it is another one."""
        self.set_class(bool(self.parts), "-shown")
        self.look_again()

    def line(self, width: int) -> Text:
        """Return the parts."""
        text = Text(" ", no_wrap=True, end="", overflow="ellipsis")
        for part, tone in self.parts:
            text.append(f"{plain(part)}   ", self.get_component_rich_style(f"summary--{tone}"))
        text.truncate(width, overflow="ellipsis")
        return text
