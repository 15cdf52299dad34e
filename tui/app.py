"""The console: where one is, who one is, and the way from one place to another."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from core.errors import ShoalError
from core.text import plain
from tui import terminal, themes
from tui.failures import explained
from tui.frame import Frame
from tui.keymap import keymap_path, put_on
from tui.lanes import Lane, Lanes
from tui.places import open_address
from tui.scheduler_watch import SchedulerWatch
from tui.screens.screen import ConsoleScreen
from tui.standing import Standing
from tui.view import View
from tui.watcher import Watcher
from tui.wire import Wire, counted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeVar

    from textual.binding import BindingType
    from textual.driver import Driver

    from core.projects.service import Project
    from core.resources.resource import Consequence
    from core.session import Session

    Result = TypeVar("Result")

FIRST_PLACE = "executions"
LOOK_EVERY = 0.25
"""Seconds between two looks whether anything was committed."""
WARNING_STAYS = 12.0
"""Seconds after which a warning goes by itself."""
READ_AFTER = 1.0
"""Seconds after which it goes with the next key."""
FLUSH_WITHIN = 1.0
"""Seconds that leaving waits for what a person likes to be kept: somebody may hold the database."""
AGAIN_WITHIN = 2.0
"""Seconds within which a second ctrl+c leaves."""


class Console(Frame):
    """The application; what it knows itself is little: the session, the lanes, and the stack of places."""

    TITLE = "Shoal"
    CSS_PATH = "console.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "interrupt", "Leave", id="console.leave", show=False, priority=True, tooltip="Twice: leave."),
        Binding("escape", "back", "Back", id="console.back", tooltip="Go back to where you came from."),
        Binding("p", "freeze", "Freeze", id="console.freeze", show=False, tooltip="Hold the picture, or go on."),
    ]

    def __init__(
        self,
        session: Session,
        *,
        project: Project | None = None,
        address: str = FIRST_PLACE,
        read_only: bool = False,
        starts_scheduler: bool = True,
        theme: str = "",
    ) -> None:
        self.wire = Wire()
        super().__init__()
        self.session = session
        self.project = project
        self.read_only = read_only
        self.starts_scheduler = starts_scheduler and not read_only
        self.lanes = Lanes(session.database)
        self.standing = Standing(self)
        self.scheduler = SchedulerWatch(self)
        self.warning = ""
        self.view = View.of(self)
        self.dress(theme or self.view.get("theme", themes.DEFAULT))
        self.working = 0
        self._warned_at = 0.0
        self._interrupted_at = 0.0
        self.keymap_file: Path | None = None
        """The keymap file that was asked for; without one, the person's usual file is read where there is one."""
        self._address = address
        self._watcher = Watcher(self)

    def get_driver_class(self) -> type[Driver]:
        """Return the driver of this terminal, which tells the wire what it writes."""
        return counted(super().get_driver_class(), self.wire)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being done beside the loop, for tests to wait for."""
        return not (self.working or self.lanes.busy or self._watcher.is_looking or self._key_order.is_waiting)

    async def on_mount(self) -> None:  # type: ignore[override]  # Textual awaits both
        """Open the first place and begin to look at the state."""
        if not self.is_headless:
            terminal.leave_on_signals(self)
        await self._watcher.begin()
        try:
            await self._open(self._address)
        except ShoalError as error:
            await self._open(FIRST_PLACE)
            self.warn(explained(error))
        self.fit_terminal(self.size)
        put_on(self, self.keymap_file or keymap_path(), is_asked=self.keymap_file is not None)
        self.set_interval(LOOK_EVERY, self._watcher.look)
        self.set_interval(1.0, self._tick)
        self._watch_scheduler()

    async def on_unmount(self) -> None:
        """Keep how it looked, and let go of the threads."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.view.flush(), FLUSH_WITHIN)
        self.lanes.close()

    async def read(self, call: Callable[..., Result], *arguments: object) -> Result:
        """Return what a short look at the state gives."""
        return await self.lanes.run(Lane.READ, call, *arguments)

    # Ways from place to place.

    def go(self, address: str, *, replace: bool = False) -> None:
        """Open a place on top of this one, or in its stead; a mistake becomes a warning."""
        self.run_worker(self._guarded_open(address, replace=replace), group="go", exclusive=True, exit_on_error=False)

    def back(self) -> None:
        """Return to the place before; the first one stays, and so does what lies below a dialog."""
        if len(self.screen_stack) > 2 and not self.screen.is_modal:
            self.pop_screen()

    async def action_back(self) -> None:
        """Go back, one step within the place where it has one."""
        shown = self.shown_screen
        if shown is None or not shown.step_back():
            self.back()

    async def _guarded_open(self, address: str, *, replace: bool) -> None:
        self.working += 1
        try:
            screen = await open_address(self, address)
            self.warning = ""
            if replace and not self.screen.is_modal:  # who waits for a dialog's answer must get it
                await self.switch_screen(screen)
            elif not await self._returned_to(screen.address):
                await self.push_screen(screen)
        except Exception as error:  # noqa: BLE001 - a place that cannot be opened is told, and the console stays where it is
            self.warn(explained(error))
        finally:
            self.working -= 1

    async def _returned_to(self, address: str) -> bool:
        """Go back to a place that is open below, rather than open it once more; False where it is not."""
        addresses = [getattr(screen, "address", "") for screen in self.screen_stack]
        if not address or address not in addresses:
            return False
        while getattr(self.screen, "address", "") != address:
            await self.pop_screen()
        return True

    async def _open(self, address: str) -> None:
        await self.push_screen(await open_address(self, address))

    # What the person is told.

    def tell(self, text: str) -> None:
        """Say that something worked."""
        self.notify(plain(text, limit=300), markup=False, timeout=4)

    def warn(self, text: str) -> None:
        """Say what is to be known, on the line at the bottom, until the next key or for some seconds."""
        self.warning = text
        self._warned_at = time.monotonic()
        self.status_changed()

    async def decide(self, consequence: Consequence) -> bool:
        """Ask, and return whether the answer was yes."""
        from tui.screens.decision import Decision  # noqa: PLC0415 - asked when something is decided

        answer: bool | None = await self.push_screen_wait(Decision(consequence))
        return bool(answer)

    def copy(self, text: str) -> None:
        """Bring a text to the clipboard and say how."""
        from tui.clipboard import copy  # noqa: PLC0415 - used when somebody copies

        self.run_worker(copy(self, text), group="copy", exclusive=True, exit_on_error=False)

    def key_pressed(self) -> None:
        """Let go of a warning: whoever goes on has read it."""
        if self.warning and time.monotonic() - self._warned_at > READ_AFTER:
            self.warning = ""
            self.status_changed()

    def alarms_changed(self) -> None:
        """Have the list of alarms read again, where it is shown: what they are about is in no feed."""
        self._watcher.tell_alarms()

    def status_changed(self) -> None:
        """Have the line at the bottom drawn again."""
        if (shown := self.shown_screen) is not None:
            shown.status_bar.look_again()

    # Leaving.

    def action_interrupt(self) -> None:
        """Leave at the second time; the first may have been a slip."""
        now = time.monotonic()
        if now - self._interrupted_at < AGAIN_WITHIN:
            self.exit(0)
        self._interrupted_at = now
        self.warn("ctrl+c again leaves the console; what runs goes on")

    # What goes on in the state.

    @property
    def shown_screen(self) -> ConsoleScreen | None:
        """The place that is seen, if only below a dialog."""
        return next((each for each in reversed(self.screen_stack) if isinstance(each, ConsoleScreen)), None)

    def action_freeze(self) -> None:
        """Hold the picture, or go on."""
        self._watcher.freeze()

    def _tick(self) -> None:
        if not self.is_headless and terminal.is_gone():
            terminal.leave(self, 129)
        is_read = bool(self.warning) and time.monotonic() - self._warned_at > WARNING_STAYS
        self.warning = "" if is_read else self.warning
        if self.standing.frozen is None and (shown := self.shown_screen) is not None:
            shown.on_tick(time.time())
        if is_read or not self.standing.is_fresh:
            self.status_changed()
        if self.scheduler.is_due:
            self._watch_scheduler()

    def _watch_scheduler(self) -> None:
        self.run_worker(self.scheduler.look(), group="scheduler", exit_on_error=False)


def run(console: Console, *, mouse: bool = True) -> int:
    """Run a console in this terminal until the person leaves; return the exit code.

    The process ends at once where something is still being done that takes long, such as a copy: the prompt does not
    wait for it, and nothing is harmed by a copy that is not finished.
    """
    left = console.run(mouse=mouse)
    code = left if left is not None else console.return_code or 0
    if console.lanes.busy:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    return code
