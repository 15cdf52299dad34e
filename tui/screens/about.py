"""What this console is, where it works, whether it is well, and what it sends over the wire."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from core.about import check_pairs, engine, home_sizes, size_pair, versions, you
from core.doctor import examine
from core.quantities import size
from core.resources.resource import Pair, Section, Tone
from tui.console_log import log_path
from tui.keymap import keymap_path
from tui.screens.screen import ConsoleScreen
from tui.widgets.description_view import DescriptionView

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from core.home import Home

_LOOKING = Pair("", "looking …", tone=Tone.DIM)


class AboutScreen(ConsoleScreen):
    """Lines that come as they are found out; nothing moves once they are there, until somebody looks again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "look_again", "Look again", id="about.refresh", tooltip="Examine everything again."),
        Binding("c", "copy_line", "Copy", id="about.copy", tooltip="Copy the text of this line."),
    ]

    address = "about"

    def __init__(self) -> None:
        super().__init__()
        self._view = DescriptionView()
        self._parts: dict[str, list[Pair]] = {}
        self._heading = ""

    @property
    def heading(self) -> str:
        """How the checks ended."""
        return self._heading

    def body(self) -> ComposeResult:
        """Yield the lines."""
        yield self._view

    def on_mount(self) -> None:
        """Begin to look."""
        self._view.focus()
        self.action_look_again()

    def on_description_view_followed(self, message: DescriptionView.Followed) -> None:
        """Go where the line leads."""
        self.console.go(message.address)

    def action_look_again(self) -> None:
        """Look at everything again."""
        self.work(self._examine(), group="about")

    def action_copy_line(self) -> None:
        """Copy the text of the line under the cursor."""
        self.console.copy(self._view.current_text)

    async def _examine(self) -> None:
        home, before = self.session.home, self._parts
        self._parts = {
            "Health": before.get("Health", [_LOOKING]),
            "Versions": [*versions().pairs, *before.get("Versions", [])[-1:]],
            "Wire": [*self._wire()],
            "You": [*you(self.session).pairs],
            "Places": [*self._places()],
            "Sizes": before.get("Sizes", [_LOOKING]),
        }
        self._show()
        self._parts["Versions"] = [*versions().pairs, await self.long(engine, self.session)]
        await self._look_at_health(home)
        sizes, found = home_sizes(self.session), list[Pair]()
        while (size_of := await self.long(next, sizes, None)) is not None:
            found.append(size_pair(*size_of))
            self._show_so_far("Sizes", found)
        self._show_all("Sizes", found)

    async def _look_at_health(self, home: Home) -> None:
        checks, found, states = examine(home), list[Pair](), list[str]()
        while (check := await self.long(next, checks, None)) is not None:
            states.append(check.state)
            found += check_pairs(check)
            self._show_so_far("Health", found)
        self._show_all("Health", found)
        failed, warned = states.count("fail"), states.count("warn")
        self._heading = f"{failed} checks failed" if failed else f"{warned} warnings" if warned else "all is well"
        self.details_changed()

    def _wire(self) -> Iterator[Pair]:
        wire = self.console.wire
        yield Pair("sent", f"{size(wire.bytes)} to this terminal since the console was opened")
        yield Pair("of late", f"{size(round(wire.rate()))} a second over the last 10 s; r counts again")

    def _places(self) -> Iterator[Pair]:
        home = self.session.home
        yield Pair("home", str(home.root))
        yield Pair("scheduler's log", str(home.scheduler_log))
        yield Pair("console's log", str(log_path()))
        keymap = keymap_path()
        yield Pair(
            "keymap", str(keymap) if keymap.exists() else f"{keymap} is not there: the keys are the built-in ones"
        )
        yield Pair("terminal", " ".join(filter(None, (os.environ.get("TERM"), os.environ.get("COLORTERM")))))
        yield Pair("looked at", time.strftime("%H:%M:%S"))

    def _show_so_far(self, title: str, found: Sequence[Pair]) -> None:
        """Show what was found; what an earlier look found stays below it until it is found again."""
        earlier = self._parts[title]
        self._parts[title] = [*found, *([_LOOKING] if earlier[-1] is _LOOKING else earlier[len(found) :])]
        self._show()

    def _show_all(self, title: str, found: Sequence[Pair]) -> None:
        self._parts[title] = [*found]
        self._show()

    def _show(self) -> None:
        self._view.sections = [Section(title, pairs) for title, pairs in self._parts.items()]
