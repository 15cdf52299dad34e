"""Text in lines of a width, by words where they fit."""

from __future__ import annotations

from core.text import cells, fit, plain


def wrapped(text: str, width: int, most: int) -> list[str]:
    """Return a text of others as at most `most` lines of at most `width` cells, with an ellipsis if there was more."""
    if width < 1 or most < 1:
        return []
    # What cannot be shown anyhow is not looked at: a message may hold all that somebody pasted.
    words = plain(text[: 4 * width * most + 8]).split()
    lines: list[str] = []
    line = ""
    for word in words:
        longer = f"{line} {word}" if line else word
        if cells(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while cells(line) > width:
            head = _head(line, width)
            lines.append(head)
            line = line[len(head) :]
        if len(lines) > most:
            break
    if line:
        lines.append(line)
    if len(lines) > most:
        return [*lines[: most - 1], fit(f"{lines[most - 1]} {lines[most]}", width)]
    return lines


def _head(text: str, width: int) -> str:
    taken = 0
    for place, character in enumerate(text):
        taken += cells(character)
        if taken > width:
            return text[: max(1, place)]
    return text
