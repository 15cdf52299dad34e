"""The machines of an environment in one line: a bar of shapes, and what each shape counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.reactive import reactive

from core.resources.environment_gauge import bars, shares
from core.resources.resource import Tone
from tui.widgets.bar import Bar

if TYPE_CHECKING:
    from rich.style import Style

    from core.environments.loads import Load

NARROWEST = 8
WIDEST = 60


class Gauge(Bar):
    """Numbers first, and the bar in what is left."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"gauge--{tone}" for tone in Tone}
    DEFAULT_CSS = """
    Gauge { color: $text; }
    Gauge > .gauge--dim { color: $text-muted; }
    Gauge > .gauge--good { color: $text-success; }
    Gauge > .gauge--bad { color: $text-error; text-style: bold; }
    Gauge > .gauge--busy { color: $text-primary; text-style: bold; }
    Gauge > .gauge--waiting { color: $text-warning; }
    """
    load: reactive[Load | None] = reactive(None, layout=False, repaint=False)

    def watch_load(self) -> None:
        """Draw the line again if it is another one."""
        self.look_again()

    def line(self, width: int) -> Text:
        """Return the bar and the numbers."""
        text = Text(" ", no_wrap=True, end="", overflow="ellipsis")
        if self.load is None:
            return text
        numbers = self._numbers(self.load)
        for part, tone in bars(self.load, max(NARROWEST, min(WIDEST, width - numbers.cell_len - 3))):
            text.append(part, self._style(tone))
        text.append("  " if len(text) > 1 else "")
        text.append_text(numbers)
        text.truncate(width, overflow="ellipsis")
        return text

    def _numbers(self, load: Load) -> Text:
        text = Text()
        for share in shares(load):
            if share.number or share.word == "busy":
                text.append("  " if text else "")
                text.append(f"{share.shape} {share.number} {share.word}", self._style(share.tone))
        return text

    def _style(self, tone: Tone) -> Style:
        return self.get_component_rich_style(f"gauge--{tone}")
