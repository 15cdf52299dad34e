"""A language in which a test of the console reads as what a person does and sees.

    async with story(session) as person:
        await person.sees("penguins").presses("l").sees("following").goes("files").sees("model.npz")

What is chained is done in order when it is awaited. After each step the console comes to rest before the next one: the
next thing is done when everything that the last one set off is on screen, never after a time.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from textual import events
from textual.screen import ModalScreen

from tui.app import Console

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator
    from typing import Any

    from textual.pilot import Pilot

    from core.session import Session

PATIENCE = 15.0
"""Seconds after which what should have been seen counts as missing; nothing is asserted about how long it takes."""
LONG = 120.0
CURSOR = "▸"
"""What stands before the row that the cursor is on."""


class Person:
    """Somebody at the keyboard."""

    def __init__(self, pilot: Pilot[int]) -> None:
        self._pilot = pilot
        self._steps: list[tuple[Callable[[], Awaitable[None]], bool]] = []

    @property
    def console(self) -> Console:
        """What the person sits before."""
        assert isinstance(self._pilot.app, Console)
        return self._pilot.app

    @property
    def screen(self) -> str:
        """All that is shown."""
        strips = self.console.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips)

    # What a person does.

    def presses(self, *keys: str) -> Person:
        """Press keys, one after the other."""
        for key in keys:
            self._then(lambda key=key: self._pilot.press(key))  # type: ignore[misc]
        return self

    def types(self, text: str) -> Person:
        """Type a text, letter by letter, faster than anything could happen in between."""
        return self._then(lambda: self._pilot.press(*text))

    def pastes(self, text: str) -> Person:
        """Paste a text into what has the focus."""

        async def paste() -> None:
            assert self.console.screen.focused is not None
            self.console.screen.focused.post_message(events.Paste(text))

        return self._then(paste)

    def goes(self, address: str) -> Person:
        """Type an address behind the colon."""
        return self.presses(":").types(address).presses("enter")

    def on_row(self, text: str) -> Person:
        """Move the cursor down, from the top, to the row that holds a text; once more where rows changed places."""

        async def reaches() -> bool:
            await self._pilot.press("home")
            before = None
            while text not in (row := await self._cursor_row()):
                if row == before:
                    return False
                before = row
                await self._pilot.press("down")
            return True

        async def move() -> None:
            found = await reaches() or await reaches()
            assert found, f"no row holds {text!r}:\n{self.screen}"

        return self._then(move)

    def on_field(self, label: str) -> Person:
        """Move down, from the first field, to the one with a label."""

        async def move() -> None:
            before = None
            while label not in (row := await self._cursor_row()):
                assert row != before, f"no field is called {label!r}:\n{self.screen}"
                before = row
                await self._pilot.press("down")

        return self._then(move)

    def resizes(self, columns: int, rows: int) -> Person:
        """Give the terminal another size."""
        return self._then(lambda: self._pilot.resize_terminal(columns, rows))

    # What a person sees.

    def sees(self, *texts: str) -> Person:
        """See texts, all of them at once."""
        return self._then(lambda: self._until(lambda: self._shows(*texts), texts, "seen"))

    def waits_for(self, *texts: str) -> Person:
        """See texts after something that takes its time, such as a container, and while more may be going on."""
        return self._then(lambda: self._until(lambda: self._shows(*texts), texts, "seen", LONG), rested=False)

    def does_not_see(self, *texts: str) -> Person:
        """See none of the texts."""
        return self._then(lambda: self._until(lambda: not any(map(self._shows, texts)), texts, "gone"))

    async def reads_line(self, text: str) -> str:
        """Return the first line that holds a text."""
        await self.sees(text)
        return next(line for line in self.screen.splitlines() if text in line)

    # How it is done.

    def __await__(self) -> Generator[Any, None, Person]:
        return self._go_on().__await__()

    def _then(self, step: Callable[[], Awaitable[None]], *, rested: bool = True) -> Person:
        self._steps.append((step, rested))
        return self

    async def _go_on(self) -> Person:
        steps, self._steps = self._steps, []
        for step, rested in steps:
            if rested:
                await self.rests()
            await step()
        return self

    def _shows(self, *texts: str) -> bool:
        return all(text in self.screen for text in texts)

    async def _cursor_row(self) -> str:
        await self.rests()
        return next((line for line in self.screen.splitlines() if CURSOR in line), "")

    async def _until(
        self, condition: Callable[[], bool], texts: tuple[str, ...], what: str, patience: float | None = None
    ) -> None:
        deadline = time.monotonic() + (patience or PATIENCE)
        while not condition():
            shown = " and ".join(map(repr, texts))
            assert time.monotonic() < deadline, f"{shown} should be {what}, but this is shown:\n{self.screen}"
            await asyncio.sleep(0.02)
            await (self._pilot.pause() if patience else self.rests())

    async def rests(self) -> None:
        """Wait until nothing is being done, no message waits, and all that changed is drawn."""
        deadline = time.monotonic() + PATIENCE
        calm = 0
        while calm < 2 and self.console.is_running:
            assert time.monotonic() < deadline, f"the console does not come to rest:\n{self.screen}"
            await self._pilot.pause()
            if self._is_at_rest():
                calm += 1
            else:
                calm = 0
                await asyncio.sleep(0.001)

    def _is_at_rest(self) -> bool:
        # Whoever has asked a question goes on working until it is answered.
        asks = isinstance(self.console.screen, ModalScreen) and self.console.lanes.busy == 0
        return self.console.is_idle or asks


@asynccontextmanager
async def story(session: Session, *, size: tuple[int, int] = (80, 24), **given: Any) -> AsyncIterator[Person]:
    """Open a console made with `given`, and sit somebody before it; no scheduler is started unless asked for."""
    console = Console(session, **({"starts_scheduler": False} | given))
    async with console.run_test(size=size, notifications=True) as pilot:
        person = Person(pilot)
        await person.rests()
        yield person
