"""Texts of others in cells of a table: of an exact width, whatever they are made of, on every terminal alike."""

from __future__ import annotations

from functools import lru_cache

from rich.cells import get_character_cell_size

from core.text import cells, fit, pad, plain

_JOINERS = dict.fromkeys([0x200C, 0x200D, *range(0xFE00, 0xFE10), *range(0x1F3FB, 0x1F400)])
"""Joiners, variation selectors, skin tones: terminals disagree about how wide what they change becomes."""


def cell_text(text: str, width: int, *, right: bool = False) -> str:
    """Return `text` in exactly `width` cells, cut with an ellipsis or filled up with spaces."""
    if not (text.isascii() and text.isprintable()):
        text = plain(text).replace("\t", " ")
    if not text.isascii():
        # What one cell can hold is bounded, so that a name of nothing but accents does not cost a screen.
        text = _of_certain_width(text[: 4 * width + 8])
    return pad(fit(text, width), width, right=right)


@lru_cache(maxsize=4096)
def _of_certain_width(text: str) -> str:
    """Replace characters that Unicode's tables and Textual's hold to be of different widths: one of them is wrong."""
    text = text.translate(_JOINERS)
    return "".join(
        character if character.isascii() or cells(character) == get_character_cell_size(character) else "\ufffd"
        for character in text
    )
