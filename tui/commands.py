"""What may be typed after the colon, and what completes it: one registry with the palette and the menu."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from core.errors import InvalidInputError, NotFoundError
from core.resources.registry import names, resource
from tui import themes
from tui.places import places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tui.app import Console

MOST = 200
"""Suggestions that are made at most."""


class Suggestion(NamedTuple):
    """A text that may stand in the line, the part of it that is shown, and what it means."""

    text: str
    shown: str
    meaning: str


class Command(NamedTuple):
    """A word after the colon that opens no place."""

    name: str
    meaning: str
    run: Callable[[Console, Sequence[str]], None]
    aliases: tuple[str, ...] = ()


def run(console: Console, line: str) -> None:
    """Do what a line says: a command of the console's own, else the place of that address; a mistake is told."""
    words = line.split()
    for command in COMMANDS:
        if words and words[0] in (command.name, *command.aliases):
            try:
                command.run(console, words[1:])
            except (InvalidInputError, NotFoundError) as error:
                console.warn(error.message)
            return
    if words:
        console.go(line)


def suggestions(line: str) -> Sequence[Suggestion]:
    """Return what may be meant by a line that is being typed: those that begin like it before those that hold it."""
    before, space, word = line.rpartition(" ")
    offered = _arguments(words, word) if (words := before.split()) else _names()
    first = [each for each in offered if each.shown.casefold().startswith(word.casefold())]
    then = [each for each in offered if word.casefold() in each.shown.casefold() and each not in first]
    return [each._replace(text=f"{before}{space}{each.shown}") for each in [*first, *then][:MOST]]


def _names() -> Sequence[Suggestion]:
    everywhere = places()
    # What a menu lists is what people mean most often.
    listed = [*(each for each in everywhere if each.in_menu), *(each for each in everywhere if not each.in_menu)]
    found = [(each.name, f"{each.meaning}   {each.takes}".rstrip()) for each in listed]
    found += [(command.name, command.meaning) for command in COMMANDS]
    found += [(alias, each.meaning) for each in listed for alias in each.aliases]
    return [Suggestion(name, name, meaning) for name, meaning in found]


def _arguments(words: Sequence[str], typed: str) -> Sequence[Suggestion]:
    """Return what may follow these words."""
    if words[0] == "theme":
        return [Suggestion("", name, themes.meaning(name)) for name in themes.names()]
    if words[0] in ("describe", "json", "add", "edit"):
        return [Suggestion("", each.singular, each.meaning) for each in map(resource, names())]
    if words[0] == "execution":
        panes = ("details", "logs", "metadata", "outputs", "events")
        return [Suggestion("", pane, f"its {pane}") for pane in panes] if len(words) > 1 else []
    if words[0] == "environment":
        parts = ("queue", "machines", "history", "limits")
        return [Suggestion("", part, f"its {part}") for part in parts] if len(words) == 2 else []
    return [*_filters(words[0], typed)]


def _filters(word: str, typed: str) -> Iterator[Suggestion]:
    declared = next((each for each in map(resource, names()) if word in (each.name, *each.aliases)), None)
    if declared is None:
        return
    for each in declared.filters:
        yield Suggestion("", f"{each.key}=", each.meaning)
        if f"{each.key}=" in typed:
            for choice in each.choices:
                yield Suggestion("", f"{each.key}={choice}", each.meaning)
    for column in declared.columns:
        if column.sortable:
            yield Suggestion(
                "", f"sort={column.key}", f"by {column.title.casefold()}; sort=-{column.key} turns it round"
            )
    if declared.scoped:
        yield Suggestion("", "project=", "of one project; project=* is all")


def _quit(console: Console, _words: Sequence[str]) -> None:
    console.exit(0)


def _help(console: Console, _words: Sequence[str]) -> None:
    console.call_later(console.action_help)


def _theme(console: Console, words: Sequence[str]) -> None:
    if not words:
        message = f"name a theme: {', '.join(themes.names())}"
        raise InvalidInputError(message, field="theme")
    wear(console, words[0])


def wear(console: Console, name: str) -> None:
    """Take on a theme and keep it."""
    console.theme = themes.known(name)
    console.view.put("theme", name)


COMMANDS: tuple[Command, ...] = (
    Command("theme", "other colours", _theme),
    Command("help", "the keys that are live here", _help, ("keys", "h")),
    Command("quit", "leave the console; what runs goes on", _quit, ("q", "q!", "exit", "wq", "x")),
)
