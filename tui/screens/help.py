"""The keys that are live where somebody is: made from the bindings themselves, so that it cannot say anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from core.text import cells
from tui.live_keys import GROUPS, live_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType
    from rich.style import Style
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tui.app import Console
    from tui.live_keys import LiveKey


class KeyList(Static):
    """The keys under the name of what they belong to."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"keys--group", "keys--key", "keys--word", "keys--reason"}
    DEFAULT_CSS = """
    KeyList { height: auto; width: 1fr; }
    KeyList > .keys--group { text-style: bold underline; color: $text; }
    KeyList > .keys--key { text-style: bold; color: $text-accent; }
    KeyList > .keys--word { color: $text; }
    KeyList > .keys--reason { color: $text-muted; }
    """

    def show(self, keys: Sequence[LiveKey]) -> None:
        """Show these keys."""
        self.update(self._groups(keys) if keys else Text("No key here does that."))

    def _groups(self, keys: Sequence[LiveKey]) -> Group:
        room = min(max((cells(key.keys) for key in keys), default=0), 16)
        parts: list[RenderableType] = []
        for group in GROUPS:
            if inside := [key for key in keys if key.group == group]:
                parts += [Text("")] * bool(parts) + [Text(group, self._style("group")), self._lines(inside, room)]
        return Group(*parts)

    def _lines(self, keys: Sequence[LiveKey], room: int) -> Table:
        """Return keys beside what they do, which goes on below itself where it is long."""
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(width=room + 2)
        table.add_column()
        for key in keys:
            name, word = ("reason", "reason") if key.reason else ("key", "word")
            told = Text(key.meaning, self._style(word))
            if key.reason:
                told.append(f"\n× not now: {key.reason}", self._style("reason"))
            table.add_row(Text(f"  {key.keys}", self._style(name)), told)
        return table

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"keys--{name}", partial=True)


class Help(ModalScreen[None]):
    """Scrolls, and shows only what matches what is typed after a slash."""

    DEFAULT_CSS = """
    Help { align: center middle; }
    Help > Vertical { width: 84; max-width: 96%; height: auto; max-height: 94%; border: round $border;
        background: $surface; padding: 0 1; }
    Help VerticalScroll { height: auto; max-height: 100%; margin-bottom: 1; scrollbar-size-vertical: 1; }
    Help .help--foot { dock: bottom; height: 1; color: $text-muted; }
    Help Input { height: 1; border: none; padding: 0; background: $boost; display: none; }
    Help Input.-open { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "leave", "Close", id="help.leave", tooltip="Close the help."),
        Binding("slash", "filter", "Filter", id="help.filter", tooltip="Show only what holds what you type."),
        Binding("j", "scroll(1)", "Down", id="help.down", show=False, tooltip="Scroll down."),
        Binding("k", "scroll(-1)", "Up", id="help.up", show=False, tooltip="Scroll up."),
    ]

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._keys = live_keys(console)

    def compose(self) -> ComposeResult:
        """Yield the keys, the field of the filter, and how to leave."""
        with Vertical():
            yield Input(max_length=80, compact=True)
            with VerticalScroll():
                yield KeyList(markup=False)
            yield Static(
                "/ filters · ↑↓ scroll · esc closes",
                markup=False,
                classes="help--foot",
            )

    def on_mount(self) -> None:
        """Show all keys."""
        self.query_one(Input).cursor_blink = False
        self.set_focus(self.query_one(VerticalScroll))
        self.query_one(KeyList).show(self._keys)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what matches."""
        event.stop()
        words = event.value.casefold().split()
        self.query_one(KeyList).show([key for key in self._keys if all(word in _searched(key) for word in words)])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Return to the keys."""
        event.stop()
        self.query_one(VerticalScroll).focus()

    def action_filter(self) -> None:
        """Open the field."""
        self.query_one(Input).add_class("-open")
        self.set_focus(self.query_one(Input))

    def action_scroll(self, by: int) -> None:
        """Scroll by a line."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)

    def action_leave(self) -> None:
        """Let go of the filter, then close."""
        field = self.query_one(Input)
        if not field.has_class("-open"):
            self.dismiss(None)
            return
        field.value = ""
        field.remove_class("-open")
        self.query_one(VerticalScroll).focus()


def _searched(key: LiveKey) -> str:
    return f"{key.keys} {key.title} {key.meaning} {key.reason or ''}".casefold()
