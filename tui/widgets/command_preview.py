"""What will run: the step's own words, its image, its command line by line, and its inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from core.resources.resource import Tone
from tui.widgets.cell_text import cell_text
from tui.widgets.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_LINES = 60
"""Lines that one text may take."""
INDENT = 2


class CommandPreview(ScrollView, can_focus=False):
    """Lines of others, wrapped; only those that became others are drawn again."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"preview--{tone}" for tone in Tone}
    DEFAULT_CSS = """
    CommandPreview { height: 1fr; width: 2fr; background: $surface; scrollbar-size-vertical: 1; overflow-x: hidden;
        display: none; }
    CommandPreview > .preview--strong { color: $text-primary; text-style: bold; }
    CommandPreview > .preview--dim { color: $text-muted; }
    CommandPreview > .preview--bad { color: $text-error; text-style: bold; }
    CommandPreview > .preview--waiting { color: $text-warning; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._texts: Sequence[tuple[str, Tone]] = ()
        self._wrapped: list[tuple[str, Tone]] = []
        self._painted: dict[int, Strip] = {}

    def show(self, texts: Sequence[tuple[str, Tone]]) -> None:
        """Show these texts, each on lines of its own."""
        self._texts = texts
        self.look_again()

    def look_again(self) -> None:
        """Draw the lines that have become others."""
        width = self.scrollable_content_region.width
        if not width:
            return
        self._wrapped = [
            (line, tone)
            for text, tone in self._texts
            for line in (wrapped(text, width - INDENT - 1, MOST_LINES) or [""])
        ]
        self.virtual_size = Size(width, len(self._wrapped))
        top = round(self.scroll_offset.y)
        for y in range(top, top + self.size.height):
            if self._painted.get(y) != self._line(y):
                self.refresh_line(y)

    def render_line(self, y: int) -> Strip:
        """Return a line of the screen."""
        place = y + round(self.scroll_offset.y)
        strip = self._painted[place] = self._line(place)
        return strip

    def _line(self, place: int) -> Strip:
        width = self.scrollable_content_region.width
        text, tone = self._wrapped[place] if place < len(self._wrapped) else ("", Tone.PLAIN)
        indent = 1 if tone is Tone.STRONG else INDENT
        style = self.get_component_rich_style(f"preview--{tone}", partial=True)
        return Strip([Segment(" " * indent + cell_text(text, width - indent), style)]).apply_style(self.rich_style)

    def on_resize(self) -> None:
        """Wrap the texts anew."""
        self._painted.clear()
        self.look_again()

    def notify_style_update(self) -> None:
        """Draw everything in other colours."""
        self._painted.clear()
        super().notify_style_update()
