"""What every screen of the console has: an address, its keys, the bars, and the way to slow work."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, cast

from textual.containers import Horizontal, Vertical
from textual.css.query import NoMatches
from textual.screen import Screen

from tui.failures import explained
from tui.lanes import Lane
from tui.widgets.crumbs import Crumbs
from tui.widgets.key_bar import KeyBar
from tui.widgets.menu import Menu, fitted
from tui.widgets.status_bar import StatusBar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any, TypeVar

    from textual.app import ComposeResult

    from core.session import Session
    from data.changes import Change
    from tui.app import Console

    Result = TypeVar("Result")


class ConsoleScreen(Screen[None]):
    """A place of the console. Subclasses yield what is theirs in `body` and say in `address` how they are reached."""

    AUTO_FOCUS = ""

    address: str = ""
    """What is typed after the colon to come here; breadcrumbs are made of these."""
    progress: str = ""
    """How far something is that takes long; stands in the heading's place."""
    missed: bool = False
    """Whether something happened while another place was shown."""

    def compose(self) -> ComposeResult:
        """Yield the breadcrumbs, what is the screen's own, and the two lines at the bottom."""
        yield self.crumbs
        with Horizontal():
            yield Menu(self.console)
            with Vertical():
                yield from self.body()
        yield self.key_bar
        yield self.status_bar

    # Kept at hand: they are looked at with every key and every change.

    @cached_property
    def crumbs(self) -> Crumbs:
        """The line at the top."""
        return Crumbs()

    @cached_property
    def key_bar(self) -> KeyBar:
        """The line of keys."""
        return KeyBar()

    @cached_property
    def status_bar(self) -> StatusBar:
        """The line at the bottom."""
        return StatusBar()

    def body(self) -> ComposeResult:
        """Yield the screen's own widgets."""
        yield from ()

    @property
    def console(self) -> Console:
        """The console that this screen is a part of."""
        return cast("Console", self.app)

    @property
    def session(self) -> Session:
        """Who is at work here. Its calls are made in a lane, never in the loop."""
        return self.console.session

    def on_screen_resume(self) -> None:
        """Catch up on what happened while another place was shown."""
        if self.missed:
            self.missed = False
            self.on_commit()
            self.on_changes(None)
        self.details_changed()
        self.status_bar.look_again()
        fitted(self.console)

    def on_resize(self) -> None:
        """Have the menu come or go."""
        fitted(self.console)

    @property
    def is_opening(self) -> bool:
        """Whether what keys are about is not there yet: keys wait for it."""
        return False

    def step_back(self) -> bool:
        """Undo one step within the place, such as a filter; False where there is none, and the place is left."""
        return False

    def refusal(self, action: str) -> str | None:
        """Return why the key's action cannot be used now, None where it can: its key is shown dimmed, and says so."""
        if action == "back" and len(self.console.screen_stack) <= 2:
            return "this is the first place: type :q to leave"
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the key of a pane to the command line while one is typed in: there it completes a word."""
        if action == "next_pane" and self.query("CommandLine"):
            return False
        return super().check_action(action, parameters)

    def write_refusal(self, permission: str) -> str | None:
        """Return why what needs a permission and changes something cannot be done here, None where it can."""
        return "this console is read-only" if self.console.read_only else self.session.can(permission)

    def on_changes(self, changes: Sequence[Change] | None) -> None:
        """Take note of what happened since the last call; None says that it is too much to tell: read all again."""

    def on_commit(self) -> None:
        """Take note that something was committed, in the feed or not: logs and metadata grow unannounced."""

    def on_tick(self, now: float) -> None:
        """Take note that a second has passed: texts that move with the clock may have to be drawn again."""

    def details_changed(self) -> None:
        """Have the breadcrumbs and the keys drawn again, after the address, the heading or a refusal changed."""
        self.crumbs.look_again()
        self.key_bar.look_again()

    @property
    def heading(self) -> str:
        """What stands at the right of the breadcrumbs, such as `12 of 4,310`."""
        return ""

    async def read(self, call: Callable[..., Result], *arguments: object) -> Result:
        """Return what a short look at the state gives."""
        return await self.console.lanes.run(Lane.READ, call, *arguments)

    async def act(self, call: Callable[..., Result], *arguments: object) -> Result:
        """Return what a change gives."""
        return await self.console.lanes.run(Lane.ACT, call, *arguments)

    async def listing(self, call: Callable[..., Result], *arguments: object) -> Result:
        """Return the next part of a list; the first one may have to wait until all of it is sorted."""
        return await self.console.lanes.run(Lane.LIST, call, *arguments)

    async def long(self, call: Callable[..., Result], *arguments: object) -> Result:
        """Return what something gives that takes seconds."""
        return await self.console.lanes.run(Lane.LONG, call, *arguments)

    async def transfer(self, call: Callable[..., Result], *arguments: object, which: str = "") -> Result:
        """Return what something gives that takes seconds and tells its progress, which is shown meanwhile.

        `which` stands before the amounts, such as `2 of 5`.
        """
        from tui.transfer import Transfer  # noqa: PLC0415 - used when something is copied

        with Transfer(self, which) as told:
            return await self.long(call, *arguments, told)

    def work(self, coroutine: Coroutine[Any, Any, None], *, group: str = "default") -> None:
        """Do something beside the loop; a newer one of the same group takes its place. Errors become a warning."""
        self.run_worker(self._guarded(coroutine), group=group, exclusive=True, exit_on_error=False)

    def finish(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Do something that is done to its end, whatever is begun meanwhile, and if the place is left."""
        self.console.run_worker(self._guarded(coroutine), group="finish", exit_on_error=False)

    async def _guarded(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self.console.working += 1
        try:
            await coroutine
        except NoMatches as error:
            if self in self.console.screen_stack:  # what was read for a place that has been left is dropped
                self.console.warn(explained(error))
        except Exception as error:  # noqa: BLE001 - whatever fails beside the loop is told, and the console goes on
            self.console.warn(explained(error))
        finally:
            self.console.working -= 1
