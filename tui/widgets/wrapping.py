"""Text in lines of a width, broken at spaces where it can be."""

from __future__ import annotations

from core.text import cells, fit, plain


def wrapped(text: str, width: int, most: int) -> list[str]:
    """Return a text of others as at most `most` lines of at most `width` cells, with an ellipsis if there was more."""
    if width < 1 or most < 1:
        return []
    # What cannot be shown anyhow is not looked at: a message may hold all that somebody pasted.
    folded = " ".join(plain(text[: 4 * width * most + 8]).split())
    lines = broken(folded, width) if folded else []
    if len(lines) > most:
        return [*lines[: most - 1], fit(f"{lines[most - 1]} {lines[most]}", width)]
    return lines


def broken(text: str, width: int) -> list[str]:
    """Return a text in pieces of at most `width` cells, broken at spaces where it can be; indentation stays."""
    pieces: list[str] = []
    while cells(text) > width:
        end = _fitting(text, width)
        space = text.rfind(" ", 1, end + 1)
        cut = space if space > end // 2 else end
        pieces.append(text[:cut])
        text = text[cut:].removeprefix(" ")
    return [*pieces, text]


def _fitting(text: str, width: int) -> int:
    """Return how many characters fit into `width` cells, at least one."""
    taken = 0
    for number, character in enumerate(text):
        taken += cells(character)
        if taken > width:
            return max(1, number)
    return len(text)
