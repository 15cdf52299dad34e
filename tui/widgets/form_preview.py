"""What saving a form would bring, beside its fields or in their place: found out in the pauses of typing."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding
from textual.containers import Container, Vertical
from textual.widget import Widget

from core.errors import ShoalError
from core.resources.form import headline
from core.resources.resource import Pair, Section, Tone
from tui.live_keys import key_of
from tui.widgets.description_view import DescriptionView
from tui.widgets.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import Resize

    from tui.screens.screen import ConsoleScreen
    from tui.widgets.form import Form

PAUSE = 0.4
"""Seconds without another key after which it is found out."""
PATIENCE = 5.0
"""Seconds that saving waits for what is being found out."""
LINES = 2
WIDE = 96
"""Columns from which both have room side by side."""
_HINT = "Change a limit: what it would have done to what came of late is shown here before you save."


_NOTHING = "What was changed has no part in how long executions wait, or in what machines cost."


def _told(text: str, tone: Tone) -> Section:
    return Section("What if", [Pair("", text, tone=tone)])


class Headline(Widget):
    """What a preview says the most with, in two lines that stay where they are."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"headline--{tone}" for tone in Tone}
    DEFAULT_CSS = """
    Headline { height: 2; width: 1fr; background: $surface; }
    Headline > .headline--dim { color: $text-muted; }
    Headline > .headline--strong { text-style: bold; }
    Headline > .headline--bad { color: $text-error; }
    Headline > .headline--busy { color: $text-primary; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._said = ("", Tone.DIM)

    def say(self, text: str, tone: Tone) -> None:
        """Show another text."""
        if self._said != (text, tone):
            self._said = (text, tone)
            self.refresh()

    def render(self) -> Text:
        """Return the lines."""
        text, tone = self._said
        lines = wrapped(f"What if ({key_of(self, 'form.preview')}): {text}", self.size.width - 2, LINES)
        style = self.get_component_rich_style(f"headline--{tone}")
        return Text("\n".join(f" {line}" for line in lines), style=style, no_wrap=True)


class FormPreview(Vertical):
    """One line that says the most, and all of it where there is room or it is asked for.

    One answer is found out at a time: what was typed meanwhile is looked at next, and what comes too late is dropped.
    """

    DEFAULT_CSS = """
    FormPreview { height: 2; width: 1fr; background: $surface; }
    FormPreview > DescriptionView { display: none; }
    """

    def __init__(self, find_out: Callable[[Mapping[str, str]], Awaitable[Sequence[Section]]]) -> None:
        super().__init__()
        self._find_out = find_out
        self._wanted: Mapping[str, str] = {}
        self._known: Mapping[str, str] | None = None
        self._asked_at = 0.0
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._headline = ""
        self._in_full = ""
        self._line = Headline()
        self.view = DescriptionView()

    def compose(self) -> ComposeResult:
        """Yield the line, and all of it."""
        yield self._line
        yield self.view

    def on_mount(self) -> None:
        """Say what will stand here."""
        self._show([_told(_HINT, Tone.DIM)], "nothing was changed yet", Tone.DIM)

    def ask(self, screen: ConsoleScreen, answers: Mapping[str, str]) -> None:
        """Find out what these answers would bring, after a pause."""
        self._wanted, self._asked_at = dict(answers), time.monotonic()
        if self._at_rest.is_set() and self._wanted != self._known:
            self._at_rest.clear()
            screen.work(self._go_on(), group="preview")

    async def of(self, answers: Mapping[str, str]) -> str:
        """Return the line that says the most of these answers, and of what; empty where it is not known before long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._at_rest.wait(), PATIENCE)
        return self._in_full if self._known == dict(answers) else ""

    async def _go_on(self) -> None:
        try:
            while self._wanted != self._known:
                await self._pause()
                answers = self._wanted
                self._known = None
                await self._find(answers)
                self._known = answers
        finally:
            self._at_rest.set()

    async def _pause(self) -> None:
        """Wait until nothing was typed for a while."""
        asked_at = None
        while asked_at != self._asked_at:
            asked_at = self._asked_at
            await asyncio.sleep(PAUSE - (time.monotonic() - asked_at))

    async def _find(self, answers: Mapping[str, str]) -> None:
        self._headline = self._in_full = ""
        if not answers:
            self.on_mount()
            return
        self._line.say("simulating…", Tone.BUSY)
        self.view.sections = [_told("simulating…", Tone.BUSY)]
        try:
            sections = await self._find_out(answers)
        except ShoalError as error:
            if answers == self._wanted:
                self._show([_told(error.message, Tone.BAD)], error.message, Tone.BAD)
            return
        if answers == self._wanted:
            self._headline, self._in_full = headline(sections), headline(sections, of_what=True)
            told = next((pair.text for section in sections for pair in section.pairs), _NOTHING)
            tone = Tone.STRONG if self._headline else Tone.DIM
            self._show(sections or [_told(_NOTHING, tone)], self._headline or told, tone)

    def _show(self, sections: Sequence[Section], line: str, tone: Tone) -> None:
        self._line.say(line, tone)
        self.view.sections = sections


class Previewed(Container):
    """A form and its preview: side by side, or one line of it below the fields and all of it in their place."""

    DEFAULT_CSS = """
    Previewed { layout: vertical; height: 1fr; width: 1fr; }
    Previewed.-wide { layout: horizontal; }
    Previewed.-wide > FormPreview { width: 42%; height: 1fr; }
    Previewed.-wide > FormPreview > Headline { display: none; }
    Previewed.-wide > FormPreview > DescriptionView, Previewed.-only > FormPreview > DescriptionView { display: block; }
    Previewed.-only > Form { display: none; }
    Previewed.-only > FormPreview { height: 1fr; }
    Previewed.-only > FormPreview > Headline { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f3", "turn", "What if", id="form.preview", tooltip="Go to what saving would bring, or back."),
    ]

    def __init__(self, form: Form, preview: FormPreview) -> None:
        super().__init__(form, preview)
        self._form = form
        self._preview = preview

    def on_resize(self, event: Resize) -> None:
        """Put them side by side where there is room."""
        self.set_class(event.size.width >= WIDE, "-wide")
        self.set_class(self._preview.view.has_focus and not self.has_class("-wide"), "-only")

    def action_turn(self) -> None:
        """Go to the preview, or back to the fields."""
        to_preview = not self._preview.view.has_focus
        self.set_class(to_preview and not self.has_class("-wide"), "-only")
        if to_preview:
            self._preview.view.focus()
        else:
            self._form.focus_fields()

    def step_back(self) -> bool:
        """Return to the fields; False where they have the keys already."""
        if not self._preview.view.has_focus:
            return False
        self.action_turn()
        return True
