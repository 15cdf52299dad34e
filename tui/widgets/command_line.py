"""The line in which an address is typed, with what it may become above it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input, Static

from core.errors import ShoalError
from core.text import cells, fit, pad, plain
from tui import commands

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tui.app import Console
    from tui.commands import Suggestion
    from tui.names_meant import Meant
    from tui.screens.screen import ConsoleScreen

LONGEST = 1000
SHOWN = 6
REMEMBERED = 50
_HISTORY = "command.history"


class Suggestions(Widget):
    """Some lines of what may be meant, the one that tab takes marked."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"suggestions--chosen", "suggestions--name", "suggestions--meaning"}
    DEFAULT_CSS = """
    Suggestions { height: auto; width: 1fr; background: $panel; }
    Suggestions > .suggestions--chosen { color: $block-cursor-foreground; background: $block-cursor-background;
        text-style: $block-cursor-text-style; }
    Suggestions > .suggestions--name { color: $text; }
    Suggestions > .suggestions--meaning { color: $text-muted; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: Sequence[Suggestion] = ()
        self.chosen: int | None = None

    def show(self, found: Sequence[Suggestion]) -> None:
        """Take other suggestions, none of them chosen."""
        if (found, self.chosen) != (self.found, None):
            self.found, self.chosen = found, None
            self.refresh(layout=True)

    def turn(self, by: int) -> Suggestion | None:
        """Choose the next one and return it, None where there is none."""
        if not self.found:
            return None
        at = -1 if self.chosen is None and by > 0 else self.chosen or 0
        self.chosen = (at + by) % len(self.found)
        self.refresh()
        return self.found[self.chosen]

    def render(self) -> Text:
        """Return the lines round the chosen one."""
        first = max(0, min((self.chosen or 0) - SHOWN // 2, len(self.found) - SHOWN))
        visible = self.found[first : first + SHOWN]
        room = max((cells(each.shown) for each in visible), default=0)
        text = Text(no_wrap=True, end="", overflow="crop")
        for number, each in enumerate(visible, first):
            is_chosen = number == self.chosen
            name, meaning = ("chosen", "chosen") if is_chosen else ("name", "meaning")
            mark = "▸ " if is_chosen else "  "
            text.append(mark + pad(fit(plain(each.shown), 40), min(room, 40) + 2), self._style(name))
            left = self.size.width - min(room, 40) - 4
            text.append(pad(fit(plain(each.meaning), left), left), self._style(meaning))
            text.append("\n" if number < first + len(visible) - 1 else "")
        return text

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"suggestions--{name}", partial=name != "chosen")


class CommandLine(Vertical):
    """Lies over the lowest lines of a screen until enter goes somewhere or escape leaves it."""

    DEFAULT_CSS = """
    CommandLine { layer: above; dock: bottom; height: auto; width: 1fr; }
    CommandLine > Horizontal { height: 1; background: $surface; }
    CommandLine Static { width: 2; height: 1; color: $text-accent; text-style: bold; }
    CommandLine Input { width: 1fr; height: 1; border: none; padding: 0; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", id="command.leave", tooltip="Stay where you are."),
        Binding("tab", "complete(1)", "Complete", id="command.complete", priority=True, tooltip="Take the next one."),
        Binding("shift+tab", "complete(-1)", "Before", id="command.complete_back", show=False, priority=True,
                tooltip="Take the suggestion before."),
        Binding("up", "recall(1)", "Earlier", id="command.earlier", tooltip="What was typed before."),
        Binding("down", "recall(-1)", "Later", id="command.later", show=False, tooltip="What was typed after it."),
    ]  # fmt: skip

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._owner = console
        self._before = console.screen.focused
        self._history = [line for line in console.view.get(_HISTORY, []) if isinstance(line, str)]
        self._at = 0
        self._completing = False

    def compose(self) -> ComposeResult:
        """Yield the suggestions and the field."""
        yield Suggestions()
        with Horizontal():
            yield Static(" :", markup=False)
            yield Input(max_length=LONGEST, compact=True)

    def on_mount(self) -> None:
        """Have a cursor that stands still, and suggest where one may go."""
        field = self.query_one(Input)
        field.cursor_blink = False
        self.screen.set_focus(field)
        self.query_one(Suggestions).show(commands.suggestions(""))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Suggest what fits; while one goes through suggestions they stay as they are."""
        event.stop()
        if not self._completing:
            self.query_one(Suggestions).show(commands.suggestions(event.value))
            self._suggest_names(event.value)
        self._completing = False

    def _suggest_names(self, line: str) -> None:
        from tui.names_meant import meant  # noqa: PLC0415 - declarations, read when somebody types what has a name

        if (wanted := meant(line) if " " in line else None) is not None:
            cast("ConsoleScreen", self.screen).work(self._read_names(line, wanted), group="names")

    async def _read_names(self, line: str, wanted: Meant) -> None:
        from tui.names_meant import names_meant  # noqa: PLC0415

        with suppress(ShoalError):  # what cannot be offered can be typed, and is then told why it cannot be
            found = await cast("ConsoleScreen", self.screen).read(names_meant, self._owner.session, wanted)
            if self.is_attached and found and self.query_one(Input).value == line:
                self.query_one(Suggestions).show([*found, *self.query_one(Suggestions).found])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go there."""
        event.stop()
        line = event.value.strip().removeprefix(":").strip()
        self.action_leave()
        if line:
            self._remember(line)
            commands.run(self._owner, line)

    def action_leave(self) -> None:
        """Give the focus back and go away."""
        if self._before is not None and self._before.is_attached:
            self.screen.set_focus(self._before)
        self.remove()

    def action_complete(self, by: int) -> None:
        """Put a suggestion in the place of the word that is typed."""
        suggestion = self.query_one(Suggestions).turn(by)
        if suggestion is not None:
            self._put(suggestion.text)

    def action_recall(self, by: int) -> None:
        """Bring back what was typed before, or after it."""
        at = min(max(self._at + by, 0), len(self._history))
        if at != self._at:
            self._at = at
            self._put(self._history[-at] if at else "")

    def _put(self, text: str) -> None:
        field = self.query_one(Input)
        if field.value != text:
            self._completing = True
            field.value = text
        field.cursor_position = len(text)

    def _remember(self, line: str) -> None:
        history = [each for each in self._history if each != line][1 - REMEMBERED :]
        self._owner.view.put(_HISTORY, [*history, line[:200]])


async def open_command_line(console: Console) -> None:
    """Open the line on the place that is shown, once."""
    if console.screen.is_modal or console.screen.query(CommandLine):
        return
    await console.screen.mount(CommandLine(console))
