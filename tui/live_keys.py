"""The keys that are live where somebody is, with what they do and why some cannot be used: behind help and palette."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from textual.screen import Screen

from core.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import App
    from textual.dom import DOMNode
    from textual.widget import Widget

    from tui.app import Console

HERE = "Here"
PLACE = "This place"
EVERYWHERE = "Everywhere"
GROUPS = (HERE, PLACE, EVERYWHERE)


class LiveKey(NamedTuple):
    """Keys that do one thing; `node` and `action` are what they are bound to."""

    keys: str
    title: str
    meaning: str
    group: str
    reason: str | None
    node: DOMNode
    action: str
    is_shown: bool


_TEXTUALS_OWN = {
    "app.focus_next": "Go to the next part of the screen.",
    "app.focus_previous": "Go to the part of the screen before.",
}
"""What the keys do that every screen has from Textual; the others of its own are not worth telling."""


def live_keys(console: Console) -> Sequence[LiveKey]:
    """Return the keys that are live on the screen that is shown, each action once, the nearest first."""
    screen = console.screen
    refusal: Callable[[str], str | None] = getattr(screen, "refusal", lambda _action: None)
    found: dict[tuple[int, str], LiveKey] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if not binding.description or binding.system or not (binding.id or binding.action in _TEXTUALS_OWN):
            continue
        shown = console.get_key_display(binding)
        known = found.get((id(active.node), binding.action))
        if known is not None:
            found[(id(active.node), binding.action)] = known._replace(keys=f"{known.keys} {shown}")
            continue
        meaning = plain(_TEXTUALS_OWN.get(binding.action) or binding.tooltip or binding.description)
        reason = refusal(binding.action)
        reason = None if reason is None else plain(reason)
        group = EVERYWHERE if binding.action in _TEXTUALS_OWN else _group(active.node, console)
        found[(id(active.node), binding.action)] = LiveKey(
            shown, plain(binding.description), meaning, group, reason, active.node, binding.action, binding.show
        )
    return sorted(found.values(), key=lambda key: GROUPS.index(key.group))


def key_of(widget: Widget, id_: str) -> str:
    """Return the key that does, where a widget is, what the id of a binding names; empty where none does."""
    for node in widget.ancestors_with_self:
        bindings = node._bindings.copy()  # noqa: SLF001 - no public name has those of what is not focused
        bindings.apply_keymap(widget.app._keymap)  # noqa: SLF001
        for key in bindings.key_to_bindings:
            for binding in bindings.get_bindings_for_key(key):
                if binding.id == id_:
                    return widget.app.get_key_display(binding)
    return ""


def _group(node: DOMNode, app: App[int]) -> str:
    if node is app:
        return EVERYWHERE
    return PLACE if isinstance(node, Screen) else HERE
