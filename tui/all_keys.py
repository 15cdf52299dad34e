"""Every key that can be changed, gathered from the bindings: for the documentation and for a keymap's check."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from textual.binding import Binding
from textual.dom import DOMNode

from core.resources.registry import names, resource

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Key(NamedTuple):
    """A binding by its id: the keys it has by default, its short title and its meaning."""

    id: str
    keys: tuple[str, ...]
    title: str
    meaning: str


def all_keys() -> Sequence[Key]:
    """Return every binding with an id, by id."""
    found: dict[str, Key] = {}
    for binding in (*_of_classes(), *_of_resources()):
        if not binding.id:
            continue
        known = found.get(binding.id)
        keys = (*known.keys, binding.key) if known is not None else (binding.key,)
        found[binding.id] = Key(
            binding.id, tuple(dict.fromkeys(keys)), binding.description, binding.tooltip or binding.description
        )
    return [found[id_] for id_ in sorted(found)]


def _of_classes() -> Iterator[Binding]:
    for module in _modules():
        for value in vars(import_module(module)).values():
            if isinstance(value, type) and issubclass(value, DOMNode) and value.__module__ == module:
                yield from Binding.make_bindings(vars(value).get("BINDINGS", ()))


def _modules() -> Iterator[str]:
    import tui  # noqa: PLC0415 - the package that this is a part of

    for found in pkgutil.walk_packages(tui.__path__, "tui."):
        if not found.ispkg:
            yield found.name


def _of_resources() -> Iterator[Binding]:
    for declared in map(resource, names()):
        for action in declared.actions:
            id_ = f"{declared.name}.{action.id}"
            yield from Binding.make_bindings([Binding(action.key, "do", action.title, id=id_, tooltip=action.meaning)])
