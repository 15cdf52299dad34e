"""Cutting a long line to what a terminal shows of it: a piece of it sideways, or rows below each other."""

from __future__ import annotations

from functools import lru_cache

from rich.cells import get_character_cell_size

from core.text import cells

_JOINERS = frozenset(map(chr, (0x200C, 0x200D, *range(0xFE00, 0xFE10), *range(0x1F3FB, 0x1F400))))
"""Joiners, variation selectors and skin tones: terminals disagree about how wide they make the characters around."""


def of_certain_width(text: str) -> str:
    """Return a text without the characters whose width terminals do not agree on, or with a sign in their place."""
    return text if text.isascii() else "".join(map(_certain, text))


def cut(text: str, left: int, width: int) -> str:
    """Return the cells [left, left + width) of a text; half of a wide character becomes a space."""
    if text.isascii():
        return text[left : left + width]
    kept, at, end = [], 0, left + width
    for character in text:
        taken = _width(character)
        if at + taken > end or (at == end and taken):
            kept.append(" " * max(0, end - max(at, left)))
            break
        if at >= left and (taken or kept or not left):
            kept.append(character)
        elif at + taken > left:
            kept.append(" " * (at + taken - left))
        at += taken
    return "".join(kept)


def row_ends(text: str, width: int) -> list[tuple[int, int]]:
    """Return where rows of `width` cells begin and end in a text; an empty text is one row."""
    if text.isascii() or width < 2:
        return [(start, min(start + width, len(text))) for start in range(0, len(text) or 1, max(1, width))]
    rows, start, taken = [], 0, 0
    for at, character in enumerate(text):
        more = _width(character)
        if taken + more > width:
            rows.append((start, at))
            start, taken = at, 0
        taken += more
    return [*rows, (start, len(text))]


@lru_cache(maxsize=65_536)
def _width(character: str) -> int:
    return cells(character)


@lru_cache(maxsize=65_536)
def _certain(character: str) -> str:
    if character in _JOINERS:
        return ""
    return character if cells(character) == get_character_cell_size(character) else "\ufffd"
