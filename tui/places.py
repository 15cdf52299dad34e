"""The places of the console and how they are called: one registry behind the command line, the palette and the menu."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import InvalidInputError, NotFoundError
from core.resources.registry import names, resource

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from core.resources.resource import Resource
    from tui.app import Console
    from tui.screens.screen import ConsoleScreen


@dataclass(frozen=True, slots=True)
class Place:
    """A place: `takes` shows what may follow its name, `in_menu` tells whether the menu on the left lists it."""

    name: str
    meaning: str
    open: Callable[[Console, Sequence[str], Mapping[str, str]], Awaitable[ConsoleScreen]]
    aliases: tuple[str, ...] = ()
    takes: str = ""
    in_menu: bool = False


def places() -> Sequence[Place]:
    """Return all places: their own, and for each resource its list and the description of one of its rows."""
    from tui.own_places import OWN  # noqa: PLC0415 - they name places, too

    found = [*OWN]
    taken = {place.name for place in found}
    for name in names():
        declared = resource(name)
        found += [place for place in (_list(declared), _single(declared)) if place.name not in taken]
    return found


def menu_names() -> Sequence[str]:
    """Return the names of the places that a menu lists; no declaration is imported for that."""
    from tui.own_places import OWN  # noqa: PLC0415 - they name places, too

    return [*names(), *(each.name for each in OWN if each.in_menu)]


def place(name: str) -> Place:
    """Return the place that a word names.

    Raises:
        NotFoundError: there is none; the message offers the most similar.
    """
    if name in names():
        return _list(resource(name))
    everywhere = places()
    for each in everywhere:
        if name == each.name or name in each.aliases:
            return each
    from core.projects.manifest import close_match  # noqa: PLC0415 - for a mistake only

    known = [each.name for each in everywhere]
    message = f"there is no place {name!r}{close_match(name, known)}: `:` shows them as you type"
    raise NotFoundError(message, field="place")


def parsed(address: str) -> tuple[str, list[str], dict[str, str]]:
    """Return an address as its place's name, its words and its `key=value` arguments.

    Raises:
        InvalidInputError: nothing was typed, or a quote is not closed.
    """
    try:
        words = shlex.split(address)
    except ValueError as error:
        message = f"{address!r} cannot be read ({error}): close the quote"
        raise InvalidInputError(message, field="address") from error
    if not words:
        message = "type where to go, such as `executions status=error`"
        raise InvalidInputError(message, field="address")
    given = [word.partition("=") for word in words[1:]]
    is_argument = [bool(separator) and key.isidentifier() for key, separator, _ in given]
    plain_words = [word for word, argument in zip(words[1:], is_argument, strict=True) if not argument]
    arguments = {key: value for (key, _, value), argument in zip(given, is_argument, strict=True) if argument}
    return words[0], plain_words, arguments


async def open_address(console: Console, address: str) -> ConsoleScreen:
    """Return the screen of an address.

    Raises:
        ShoalError: there is no such place, or no such thing.
    """
    name, words, given = parsed(address)
    return await place(name).open(console, words, given)


def _list(declared: Resource[Any]) -> Place:
    async def opened(console: Console, words: Sequence[str], given: Mapping[str, str]) -> ConsoleScreen:
        from tui.screens.resource_list import list_screen  # noqa: PLC0415 - the registry is read before the first paint

        return await list_screen(console, declared, words, given)

    takes = " ".join(f"[{each.key}=…]" for each in declared.filters)
    return Place(declared.name, declared.meaning, opened, declared.aliases, takes, in_menu=True)


def _single(declared: Resource[Any]) -> Place:
    async def opened(console: Console, words: Sequence[str], given: Mapping[str, str]) -> ConsoleScreen:
        from tui.screens.description import description_screen  # noqa: PLC0415

        return await description_screen(console, declared, words, given)

    return Place(declared.singular, f"one of the {declared.name}, in full", opened, takes=declared.singular.upper())
