"""One door for text that others wrote, before a terminal shows it: names, log lines, messages of programs."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ELLIPSIS = "…"


def plain(text: str, *, limit: int | None = None) -> str:
    """Return `text` as one line that a terminal shows as it is and that cannot move, colour or reorder anything.

    Escape sequences, control characters (but for the tab), characters that turn the direction of text and those that
    nobody sees are taken out, a newline becomes a space; more than `limit` characters are cut, with an ellipsis in
    the place of the last.
    """
    if not text.isprintable():
        escapes, unsafe, surrogates = _patterns()
        text = surrogates.sub("\ufffd", unsafe.sub("", escapes.sub("", text).replace("\n", " ")))
    if limit is not None and len(text) > limit:
        return text[: limit - 1] + ELLIPSIS
    return text


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Compile what is to be taken out when something is to be, which is seldom: it takes a list's whole time."""
    escapes = (
        "\x1b\\[[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor, clearing
        "|\x1b[]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c)?"  # OSC and the other strings: titles, links, clipboard
        "|\x1b[ -/]*[0-~]?"
    )
    unsafe = (
        "[\x00-\x08\x0a-\x1f\x7f-\x9f"  # C0 but for the tab, DEL, C1
        # What nobody sees, or what turns the direction of text.
        "\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
        "\U000e0000-\U000e007f]"
    )
    return re.compile(escapes), re.compile(unsafe), re.compile("[\ud800-\udfff]")


def some_of(names: Sequence[str], most: int = 20) -> str:
    """Return names with commas between them: the first `most`, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def last_overwritten(text: str) -> str:
    """Return what a line with carriage returns looks like in the end: a progress bar's last state."""
    return text.rstrip("\r").rpartition("\r")[2] if "\r" in text else text


def cells(text: str) -> int:
    """Return how many cells a terminal takes for `text`: wide East Asian characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(map(_cells_of, text))


def fit(text: str, width: int) -> str:
    """Return `text` in at most `width` cells, its end cut off for an ellipsis where it is longer."""
    if cells(text) <= width:
        return text
    kept, taken = [], 0
    for character in text:
        taken += _cells_of(character)
        if taken > width - 1:
            break
        kept.append(character)
    return "".join(kept) + ELLIPSIS if width > 0 else ""


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return `text` filled up with spaces to `width` cells, on its left side where it is to stand `right`."""
    space = " " * (width - cells(text))
    return space + text if right else text + space


def _cells_of(character: str) -> int:
    import unicodedata  # noqa: PLC0415 - most lists are ASCII and never need it

    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
