"""The last line: who is at work and where, the scheduler, how old the picture is, alarms; or a warning in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text

from core.text import cells, fit, plain
from tui.widgets.bar import Bar
from tui.widgets.wrapping import wrapped

if TYPE_CHECKING:
    from rich.style import Style

    from tui.app import Console

_BETWEEN = " · "
MOST_LINES = 4
"""Lines that a warning may take: a sentence that is cut off does not help."""


class StatusBar(Bar):
    """What is always true on the screen."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"status-bar--fact", "status-bar--alarm", "status-bar--warning"}
    DEFAULT_CSS = """
    StatusBar { background: $surface; }
    StatusBar > .status-bar--fact { color: $text-muted; }
    StatusBar > .status-bar--alarm { color: $text-error; text-style: bold; }
    StatusBar > .status-bar--warning { color: $text-warning; text-style: bold; }
    """

    @property
    def _shoal(self) -> Console:
        return cast("Console", self.app)

    def look_again(self) -> None:
        """Draw the line again if it says something else, on as many lines as a warning takes."""
        lines = len(self._warning_lines(self.size.width)) or 1
        if self.is_mounted and self.size.width and lines != self.size.height:
            self.styles.height = lines
        super().look_again()

    def _warning_lines(self, width: int) -> list[str]:
        said = self._shoal.warning or self._shoal.standing.trouble
        return wrapped(f"! {said}", width - 2, MOST_LINES) if said and width > 2 else []

    def line(self, width: int) -> Text:
        """Return a warning where there is one, else the facts, alarms first and the freshness at the right."""
        if warning := self._warning_lines(width):
            return Text("\n".join(f" {line}" for line in warning), self._style("warning"), no_wrap=True, end="")
        return self._facts(width)

    def _facts(self, width: int) -> Text:
        console = self._shoal
        text = Text(" ", no_wrap=True, end="")
        freshness = fit(console.standing.freshness(), width - 2)
        room = width - 3 - cells(freshness)
        alarm = self._alarm(room)
        facts = fit(_BETWEEN.join(map(plain, console.standing.facts())), max(0, room - cells(alarm) - 3 * bool(alarm)))
        text.append(alarm, self._style("alarm"))
        text.append(_BETWEEN if alarm and facts else "", self._style("fact"))
        text.append(facts, self._style("fact"))
        text.append(" " * max(1, width - 2 - text.cell_len - cells(freshness) + 1))
        text.append(freshness, self._style("fact" if console.standing.is_fresh else "warning"))
        return text

    def _alarm(self, room: int) -> str:
        """Return the worst alarm and how many there are besides, which is not cut off with it."""
        alarms = self._shoal.standing.alarms
        if not alarms:
            return ""
        sentence = f"! {plain(alarms[0].sentence)}"
        more = f"{_BETWEEN}+{len(alarms) - 1} more in :alarms" if len(alarms) > 1 else ""
        if not more and cells(sentence) > room:
            more = f"{_BETWEEN}:alarms"
        return fit(sentence, room - cells(more)) + more if room > 2 * cells(more) else fit(sentence, room)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"status-bar--{name}")
