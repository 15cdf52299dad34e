"""A line of text that is being typed: its cursor, what keys do to it, and the part of it that there is room for."""

from __future__ import annotations

from rich.cells import get_character_cell_size

from core.text import cells, plain

MAXIMUM_LENGTH = 8192
"""Characters that one line takes: as many as an address may have."""


def typable(text: str) -> str:
    """Return what of a text may be typed into one line: no control characters, no line ends, nothing invisible."""
    return plain(text).replace("\t", " ")


class TextEntry:
    """One line of text and the place in it where typing goes on."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.cursor = len(text)

    def insert(self, text: str) -> int:
        """Put in a text that can be typed, as far as there is room; return how many characters were left out."""
        room = max(0, MAXIMUM_LENGTH - len(self.text))
        taken = text[:room]
        self.text = self.text[: self.cursor] + taken + self.text[self.cursor :]
        self.cursor += len(taken)
        return len(text) - len(taken)

    def move(self, to: int) -> bool:
        """Bring the cursor to a place; tell whether it was somewhere else."""
        before, self.cursor = self.cursor, min(max(to, 0), len(self.text))
        return before != self.cursor

    def delete(self, first: int, end: int) -> bool:
        """Take out a part; tell whether there was one."""
        first, end = max(first, 0), min(end, len(self.text))
        if first >= end:
            return False
        self.text = self.text[:first] + self.text[end:]
        self.cursor = first
        return True

    def word_left(self) -> int:
        """Return where the word before the cursor begins."""
        place = self.cursor
        while place and not self.text[place - 1].isalnum():
            place -= 1
        while place and self.text[place - 1].isalnum():
            place -= 1
        return place

    def word_right(self) -> int:
        """Return where the word behind the cursor ends."""
        place = self.cursor
        while place < len(self.text) and not self.text[place].isalnum():
            place += 1
        while place < len(self.text) and self.text[place].isalnum():
            place += 1
        return place

    def window(self, width: int, *, mask: str = "") -> tuple[str, str, str]:
        """Return what is shown in `width` cells before, under and behind the cursor."""
        shown = [mask or _visible(character) for character in self.text]
        under = shown[self.cursor] if self.cursor < len(shown) else " "
        first = self._first(shown, width - cells(under))
        before = ("…" if first else "") + "".join(shown[first : self.cursor])
        after = "".join(shown[self.cursor + 1 :])
        return before, under, _cut(after, width - cells(before) - cells(under))

    def _first(self, shown: list[str], room: int) -> int:
        """Return the first character that is shown: all where there is room, else some context before the cursor."""
        if cells("".join(shown)) <= room:
            return 0
        taken, first = 1, self.cursor
        while first and taken + cells(shown[first - 1]) <= max(1, room * 3 // 4):
            first -= 1
            taken += cells(shown[first])
        return first


def _visible(character: str) -> str:
    """Return what is shown of a character: of unprintable ones, and of those of disputed width, that there is one."""
    if character.isascii():
        return character if character.isprintable() else "\ufffd"
    width = cells(character)
    return character if character.isprintable() and width == get_character_cell_size(character) else "\ufffd"


def _cut(text: str, width: int) -> str:
    if cells(text) <= width:
        return text
    kept, taken = [], 1
    for character in text:
        taken += cells(character)
        if taken > width:
            break
        kept.append(character)
    return "".join(kept) + "…" if width > 0 else ""
