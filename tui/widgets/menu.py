"""The places at the left of a wide screen; on a narrow one they come when they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding
from textual.widget import Widget

from core.text import fit, pad, plain
from tui.places import menu_names, parsed

if TYPE_CHECKING:
    from textual import events
    from textual.binding import BindingType

    from tui.app import Console

WIDE = 100
"""Columns from which the menu stands there unasked."""
_KEPT = "menu"


class Menu(Widget):
    """The places that are listed, the present one marked by a shape."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"menu--cursor", "menu--here", "menu--place"}
    DEFAULT_CSS = """
    Menu { width: 16; height: 1fr; display: none; background: $surface; }
    Menu.-shown { display: block; }
    Menu > .menu--cursor { color: $block-cursor-foreground; background: $block-cursor-background;
        text-style: $block-cursor-text-style; }
    Menu > .menu--here { color: $text-accent; text-style: bold; }
    Menu > .menu--place { color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", id="menu.down", show=False, tooltip="The next place."),
        Binding("up,k", "move(-1)", "Up", id="menu.up", show=False, tooltip="The place before."),
        Binding("enter", "open", "Open", id="menu.open", tooltip="Go to the place."),
        Binding("escape", "leave", "Back", id="menu.leave", tooltip="Return to where you were."),
    ]

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._owner = console
        self._places = menu_names()
        self._cursor = 0
        self._before: Widget | None = None
        self._asked = False

    def on_mount(self) -> None:
        """Stand there where there is room."""
        self.fit()

    def fit(self) -> None:
        """Stand there where there is room and the person likes it, and where it was asked for."""
        is_wide = self._owner.size.width >= WIDE and self._owner.view.get(_KEPT, True)
        self.set_class(is_wide or self._asked, "-shown")

    def turn(self) -> None:
        """Come and take the focus; where it has the focus already, go."""
        if self.has_focus:
            self._keep(shown=False)
            self.action_leave()
            return
        self._keep(shown=True)
        self._before = self.screen.focused
        self._asked = True
        self._cursor = self._present() or 0
        self.fit()
        # Only now: tab, and a table that goes because it is empty, are not to lead here.
        self.can_focus = True
        self.screen.set_focus(self)

    def on_click(self, event: events.Click) -> None:
        """Go to the place that was clicked."""
        if event.y < len(self._places):
            self._cursor = event.y
            self.action_open()

    def on_focus(self) -> None:
        """Show the cursor."""
        self.refresh()

    def on_blur(self) -> None:
        """Go where there is no room to stay."""
        self._asked = self.can_focus = False
        self.fit()
        self.refresh()

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._cursor = (self._cursor + by) % len(self._places)
        self.refresh()

    def action_open(self) -> None:
        """Go to the place."""
        self.action_leave()
        self._owner.go(self._places[self._cursor])

    def action_leave(self) -> None:
        """Return to where one was."""
        if self._before is not None and self._before.is_attached and self._before is not self:
            self.screen.set_focus(self._before)
        else:
            self.screen.set_focus(None)

    def render(self) -> Text:
        """Return the places."""
        here, text, width = self._present(), Text(no_wrap=True, end="", overflow="crop"), self.size.width
        for number, place in enumerate(self._places):
            name = "cursor" if self.has_focus and number == self._cursor else "here" if number == here else "place"
            line = ("▌" if number == here else " ") + fit(plain(place), width - 2)
            style = self.get_component_rich_style(f"menu--{name}", partial=name != "cursor")
            text.append(pad(line, width) + ("\n" if number < len(self._places) - 1 else ""), style)
        return text

    def _present(self) -> int | None:
        """Return which place the screen is, or came from."""
        for address in (getattr(screen, "address", "") for screen in reversed(self._owner.screen_stack)):
            name = parsed(address)[0] if address else ""
            if name in self._places:
                return self._places.index(name)
        return None

    def _keep(self, *, shown: bool) -> None:
        if self._owner.size.width >= WIDE and self._owner.view.get(_KEPT, True) != shown:
            self._owner.view.put(_KEPT, shown)


def turn_menu(console: Console) -> None:
    """Bring the menu of the place that is shown, or have it go."""
    for menu in console.screen.query(Menu):
        menu.turn()


def fitted(console: Console) -> None:
    """Have the menu come or go with the room there is."""
    for menu in console.screen.query(Menu):
        menu.fit()
