"""What surrounds every place of the console: the ways to reach any of them, the colours, the terminal and its end."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import App
from textual.binding import Binding
from textual.filter import Monochrome, NoColor

from tui import terminal, themes
from tui.fatal import farewell
from tui.key_order import KeyOrder
from tui.terminal_picture import DiffedApp

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.binding import BindingType
    from textual.geometry import Size

    from tui.app import Console


AT_ONCE = ("ctrl+c", "ctrl+z")
"""Keys that wait for nothing."""
OPENING = ("go", "ask", "choose")
"""Groups of work that opens a place or asks a question."""


class Frame(DiffedApp[int], inherit_bindings=False):
    """Keys that are live in every place, and what the application owes to the terminal it runs in."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("colon", "command", "Go", id="console.command", tooltip="Type where to go: executions status=error."),
        Binding("question_mark,f1", "help", "Keys", id="console.help", show=False, tooltip="Show which keys are live."),
        Binding("ctrl+p", "palette", "Search", id="console.palette", show=False, tooltip="Find a place, key or theme."),
        Binding("ctrl+l", "redraw", "Redraw", id="console.redraw", show=False, tooltip="Draw everything anew."),
        Binding("m", "menu", "Menu", id="console.menu", show=False, tooltip="Go to the menu of places, or hide it."),
        Binding(
            "ctrl+z", "suspend_process", "Suspend", id="console.suspend", show=False, priority=True,
            tooltip="Return to the shell; `fg` comes back.",
        ),
    ]  # fmt: skip

    async def on_event(self, event: events.Event) -> None:
        """Deal with keys one after the other."""
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
        elif event.key in AT_ONCE or not self._key_order.holds(event):
            await self._deal_with(event)

    async def _deal_with(self, key: events.Key) -> None:
        self._console.key_pressed()
        target = self.focused or self.screen
        await super().on_event(key)
        if key.is_forwarded:
            self._key_order.follow(target)

    def on_handled(self) -> None:
        """Take the next key."""
        self._key_order.arrived()

    @cached_property
    def _key_order(self) -> KeyOrder:
        return KeyOrder(self, self._deal_with, self._is_opening)

    def _is_opening(self) -> bool:
        if self.screen.is_modal:
            return not self.screen.is_mounted
        shown = self._console.shown_screen
        if shown is not None and shown.is_opening:
            return True
        return any(worker.group in OPENING and not worker.is_finished for worker in self.workers)

    def dress(self, wanted: str) -> None:
        """Take on a theme before the first picture."""
        name = themes.register(self, wanted)
        self.set_reactive(App.theme, name)
        self.stylesheet.set_variables(self.get_css_variables())
        if self.no_color:
            self._filters = [NoColor() if isinstance(each, Monochrome) else each for each in self._filters]

    # Each waits until what it opens has the focus: keys that follow at once are meant for it, not for what lies below.

    async def action_command(self) -> None:
        """Open the line in which an address is typed."""
        from tui.widgets.command_line import open_command_line  # noqa: PLC0415 - opened when somebody types a colon

        await open_command_line(self._console)

    async def action_help(self) -> None:
        """Show the keys that are live here."""
        from tui.screens.help import Help  # noqa: PLC0415

        await self.push_screen(Help(self._console))

    async def action_palette(self) -> None:
        """Search in everything that can be done from here."""
        from tui.screens.palette import Palette  # noqa: PLC0415

        await self.push_screen(Palette(self._console))

    def action_menu(self) -> None:
        """Go to the menu, or hide it."""
        from tui.widgets.menu import turn_menu  # noqa: PLC0415

        turn_menu(self._console)

    def send(self, sequence: str) -> None:
        """Write an escape sequence to the terminal."""
        if self._driver is not None:
            self._driver.write(sequence)

    def on_resize(self, event: events.Resize) -> None:
        """Say what is needed where nothing useful could be shown."""
        if len(self.screen_stack) > 1:
            self.fit_terminal(event.size)

    def fit_terminal(self, size: Size) -> None:
        """Lay over everything what is needed, where there is too little room."""
        if terminal.is_too_small(size):
            from tui.screens.too_small import TooSmall  # noqa: PLC0415

            if not any(isinstance(screen, TooSmall) for screen in self.screen_stack):
                self.push_screen(TooSmall())

    def panic(self, *renderables: RenderableType) -> None:  # noqa: ARG002 - they may show what nobody should see
        """End with one sentence; Textual would print what it was given."""
        self._fatal_error()

    def _fatal_error(self) -> None:
        # Textual's own prints the local variables of every function on the way, whatever they hold.
        if not self._exit_renderables:
            self._exit_renderables.append(farewell(self._exception))
        self._close_messages_no_wait()

    @property
    def _console(self) -> Console:
        return cast("Console", self)
