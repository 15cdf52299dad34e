"""The line of keys that are live here; those that cannot be used now are dimmed, and say why when pressed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.keys import key_to_character

from core.text import cells
from tui.widgets.bar import Bar

if TYPE_CHECKING:
    from textual.screen import Screen

_ALWAYS = "f1 keys"


class KeyBar(Bar):
    """Key and word for each binding that is to be shown, as many as there is room for."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-bar--key", "key-bar--word", "key-bar--disabled"}
    DEFAULT_CSS = """
    KeyBar { background: $panel; }
    KeyBar > .key-bar--key { text-style: bold; color: $accent; }
    KeyBar > .key-bar--word { color: $text; }
    KeyBar > .key-bar--disabled { color: $text-muted; text-style: dim; }
    """

    def on_mount(self) -> None:
        """Follow what has the focus, which decides about the keys."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_updated)

    def _bindings_updated(self, _screen: Screen[object]) -> None:
        self.look_again()

    def line(self, width: int) -> Text:
        """Return the keys that there is room for, and always the one that shows all of them."""
        text = Text(" ", no_wrap=True, end="")
        room = width - cells(_ALWAYS) - 2
        for key, word, usable in self._keys():
            taken = cells(key) + 1 + cells(word) + 2
            if taken > room:
                break
            room -= taken
            style = "key-bar--key" if usable else "key-bar--disabled"
            text.append(key, self.get_component_rich_style(style))
            style = "key-bar--word" if usable else "key-bar--disabled"
            text.append(f" {word}  ", self.get_component_rich_style(style))
        text.append("f1" if self._takes("?") else "?", self.get_component_rich_style("key-bar--key"))
        text.append(" keys", self.get_component_rich_style("key-bar--word"))
        return text

    def _takes(self, key: str) -> bool:
        """Return whether a key is text for what has the focus."""
        character = key_to_character(key)
        return self.screen.focused is not None and self.screen.focused.check_consume_key(key, character)

    def _keys(self) -> list[tuple[str, str, bool]]:
        refusal = getattr(self.screen, "refusal", lambda _action: None)
        found: dict[str, tuple[str, str, bool]] = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if self._takes(binding.key):
                continue
            if binding.show and binding.description and binding.action not in found:
                key = self.app.get_key_display(binding)
                found[binding.action] = (key, binding.description, refusal(binding.action) is None)
        return [*found.values()]
