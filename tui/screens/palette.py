"""Everything that can be done from here, found by some letters of its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.text import Text
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from core.text import fit, pad, plain
from tui import commands, themes
from tui.live_keys import HERE, live_keys
from tui.places import places

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tui.app import Console

MOST = 60
_NOTHING = "nothing here is called so; what is elsewhere has its key there"
_LEFT_OUT = ("palette", "command", "back", "app.focus_next", "app.focus_previous")


class Offer(NamedTuple):
    """Something that can be done: `keys` do it, too; `reason` says why it cannot be done now."""

    title: str
    meaning: str
    keys: str
    reason: str | None
    run: Callable[[], Awaitable[object] | None]


def offers(console: Console) -> Sequence[Offer]:
    """Return what can be done: the keys of the place that is shown, then all places, themes and commands."""
    found = [
        Offer(key.title, key.meaning, key.keys, key.reason, _presser(console, key.action, key.node))
        for key in live_keys(console)
        # Keys that move a cursor are nothing that anybody looks for by its name.
        if key.action not in _LEFT_OUT and (key.is_shown or key.group != HERE)
    ]
    found += [
        Offer(f"Go to {place.name}", place.meaning, f":{place.name}", None, _goer(console, place.name))
        for place in places()
        if not place.takes or "[" in place.takes.partition(" ")[0]
    ]
    found += [
        Offer(f"Theme {name}", themes.meaning(name), f":theme {name}", None, _wearer(console, name))
        for name in themes.names()
    ]
    found.append(Offer("Quit", "leave the console; what runs goes on", ":q", None, lambda: console.exit(0)))
    return found


def score(offer: Offer, typed: str) -> int | None:
    """Return how badly an offer fits what was typed, None where it does not: every letter has to occur in its order."""
    words, title = typed.casefold().split(), offer.title.casefold()
    everything = f"{title} {offer.meaning.casefold()} {offer.keys.casefold()}"
    if all(word in everything for word in words):
        return sum(title.find(word) if word in title else 100 for word in words)
    letters = iter(title)
    return 1000 + len(title) if all(letter in letters for letter in "".join(words)) else None


class Palette(ModalScreen[None]):
    """A field and what fits; enter does the marked one."""

    DEFAULT_CSS = """
    Palette { align: center top; }
    Palette > Vertical { width: 84; max-width: 96%; height: auto; max-height: 94%; margin-top: 1; border: round $border;
        background: $surface; padding: 0 1; }
    Palette Input { height: 1; border: none; padding: 0; background: $boost; }
    Palette OptionList { height: auto; max-height: 14; border: none; padding: 0; background: $surface;
        scrollbar-size-vertical: 1; }
    Palette OptionList > .option-list--option-highlighted { color: $block-cursor-foreground;
        background: $block-cursor-background; text-style: $block-cursor-text-style; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close", id="palette.leave", tooltip="Do nothing."),
        Binding("down", "move(1)", "Down", id="palette.down", show=False, tooltip="Mark the next one."),
        Binding("up", "move(-1)", "Up", id="palette.up", show=False, tooltip="Mark the one before."),
    ]

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._owner = console
        self._theme = console.theme
        self._offers = offers(console)
        self._shown: Sequence[Offer] = ()

    def compose(self) -> ComposeResult:
        """Yield the field and the list."""
        with Vertical():
            yield Input(placeholder="what to do, or where to go", max_length=80, compact=True)
            yield OptionList(markup=False)

    def on_mount(self) -> None:
        """Show everything."""
        field = self.query_one(Input)
        field.cursor_blink = False
        self.set_focus(field)
        self.query_one(OptionList).can_focus = False
        self._show("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what fits."""
        event.stop()
        self._show(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do the marked one."""
        event.stop()
        at = self.query_one(OptionList).highlighted
        if at is not None:
            self._do(self._shown[at])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Do the one that was clicked."""
        event.stop()
        self._do(self._shown[event.option_index])

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show a theme while it is marked."""
        event.stop()
        word, _, name = self._shown[event.option_index].title.partition(" ")
        wanted = name if word == "Theme" else self._theme
        if self._owner.theme != wanted:
            self._owner.theme = wanted

    def action_move(self, by: int) -> None:
        """Mark another one."""
        listed = self.query_one(OptionList)
        if not self._shown:
            return
        if by > 0:
            listed.action_cursor_down()
        else:
            listed.action_cursor_up()

    def action_leave(self) -> None:
        """Do nothing."""
        self._owner.theme = self._theme
        self.dismiss(None)

    def _show(self, typed: str) -> None:
        scored = [
            (found, number) for number, each in enumerate(self._offers) if (found := score(each, typed)) is not None
        ]
        self._shown = [self._offers[number] for _, number in sorted(scored)[:MOST]]
        listed = self.query_one(OptionList)
        listed.clear_options()
        listed.add_options([Option(self._line(each)) for each in self._shown] or [Option(_NOTHING, disabled=True)])
        listed.highlighted = 0 if self._shown else None

    def _line(self, offer: Offer) -> Text:
        room = min(84, int(self.app.size.width * 0.96)) - 7
        keys = plain(offer.keys, limit=22)
        title = pad(fit(plain(offer.title), 24), 25)
        text = Text(no_wrap=True, end="")
        text.append(title, style="dim" if offer.reason else "bold")
        left = room - 25 - len(keys) - 1
        said = f"× {offer.reason}" if offer.reason else offer.meaning
        text.append(pad(fit(plain(said), left), left), style="dim" if offer.reason else "")
        return text.append(f" {keys}", style="bold")

    def _do(self, offer: Offer) -> None:
        if offer.reason is not None:
            self._owner.warn(offer.reason)
            self.action_leave()
            return
        self._owner.theme = self._theme
        self.dismiss(None)
        self._owner.call_later(offer.run)


def _presser(console: Console, action: str, node: object) -> Callable[[], Awaitable[object]]:
    return lambda: console.run_action(action, node)  # type: ignore[arg-type]


def _goer(console: Console, name: str) -> Callable[[], None]:
    return lambda: console.go(name)


def _wearer(console: Console, name: str) -> Callable[[], None]:
    return lambda: commands.wear(console, name)
