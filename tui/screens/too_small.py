"""What stands on a terminal that is too small for anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.screen import ModalScreen

from tui.terminal import NEEDED, is_too_small

if TYPE_CHECKING:
    from textual import events


class TooSmall(ModalScreen[None]):
    """Says how much room is needed, and goes when there is as much; what was open stays as it was."""

    DEFAULT_CSS = """
    TooSmall { background: $background; color: $text; align: center middle; }
    """

    def render(self) -> Text:
        """Return what is needed and what there is."""
        width, height = self.app.size
        return Text(f"Shoal needs {NEEDED[0]}×{NEEDED[1]},\nthis terminal is {width}×{height}.\n\nctrl+c twice leaves.")

    def on_resize(self, event: events.Resize) -> None:
        """Go when there is room again."""
        if is_too_small(event.size):
            self.refresh()
        else:
            self._go_when_on_top()

    def on_screen_resume(self) -> None:
        """Go if there came room while something else was on top."""
        if not is_too_small(self.app.size):
            self._go_when_on_top()

    def _go_when_on_top(self) -> None:
        if self.app.screen is self:
            self.dismiss(None)
