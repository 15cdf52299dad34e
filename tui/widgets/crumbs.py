"""The line at the top: how one came here, as addresses that can be typed, and what the screen has to say of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text

from core.text import cells, fit, plain
from tui.widgets.bar import Bar

if TYPE_CHECKING:
    from collections.abc import Sequence

SEPARATOR = " › "


class Crumbs(Bar):
    """Breadcrumbs at the left, the screen's heading at the right."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"crumbs--here", "crumbs--way", "crumbs--heading"}
    DEFAULT_CSS = """
    Crumbs { background: $panel; }
    Crumbs > .crumbs--here { text-style: bold; color: $text; }
    Crumbs > .crumbs--way { color: $text-muted; }
    Crumbs > .crumbs--heading { color: $text; }
    """

    def line(self, width: int) -> Text:
        """Return the way here, its oldest parts left out where there is no room for them."""
        screen = self.screen
        heading = fit(plain(getattr(screen, "progress", "") or getattr(screen, "heading", "")), max(0, width // 2))
        way = shortened([plain(crumb) for crumb in self._way()], width - cells(heading) - 3)
        text = Text(" ", no_wrap=True, end="")
        before, separator, here = way.rpartition(SEPARATOR)
        text.append(before + separator, self.get_component_rich_style("crumbs--way"))
        text.append(here, self.get_component_rich_style("crumbs--here"))
        text.append(" " * max(1, width - 2 - cells(way) - cells(heading)))
        text.append(heading, self.get_component_rich_style("crumbs--heading"))
        return text

    def _way(self) -> Sequence[str]:
        return [address for screen in self.app.screen_stack if (address := getattr(screen, "address", ""))] or ["shoal"]


def shortened(crumbs: Sequence[str], width: int) -> str:
    """Return crumbs in at most `width` cells: the last one always, those before it as far as there is room."""
    way = crumbs[-1]
    for crumb in reversed(crumbs[:-1]):
        longer = crumb + SEPARATOR + way
        if cells(longer) > width:
            return fit("…" + SEPARATOR + way, width) if cells(way) + 4 <= width else fit(way, width)
        way = longer
    return fit(way, width)
