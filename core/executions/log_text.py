"""What a line of a log looks like on a screen, from the bytes that a program printed."""

from __future__ import annotations

from core.text import cells, plain

SHOWN = 8 * 1024
"""Bytes of one line that are shown; a line can be as long as the disk is large."""
TAB = 8


def shown(raw: bytes) -> tuple[str, int]:
    """Return the text of a line as a terminal would have left it, and how many bytes of it are not shown.

    What a carriage return or a backspace let be overwritten is gone, tabs are spaces, and nothing is left in it that
    could move, colour or reorder anything.
    """
    if b"\r" in raw:
        stripped = raw.rstrip(b"\r")
        raw = stripped[stripped.rfind(b"\r") + 1 :]
    rest = max(0, len(raw) - SHOWN)
    text = raw[:SHOWN].decode("utf-8", "replace")
    if rest:
        text = text.rstrip("\ufffd")  # the last character may have been cut in two
    if text.isprintable():
        return text, rest
    return _tabs_expanded(plain(_backspaced(text))), rest


def _backspaced(text: str) -> str:
    if "\b" not in text:
        return text
    kept: list[str] = []
    at = 0
    for character in text:
        if character == "\b":
            at = max(0, at - 1)
        else:
            kept[at : at + 1] = character
            at += 1
    return "".join(kept)


def _tabs_expanded(text: str) -> str:
    if "\t" not in text or text.isascii():
        return text.expandtabs(TAB)
    first, *others = text.split("\t")
    expanded, taken = first, cells(first)
    for other in others:
        spaces = TAB - taken % TAB
        expanded += " " * spaces + other
        taken += spaces + cells(other)
    return expanded
