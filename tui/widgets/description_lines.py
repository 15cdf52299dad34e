"""The lines of a description: titles, and each label before its text, broken to fit a width."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from core.resources.resource import Tone
from core.text import cells, fit, pad, plain
from tui.widgets.wrapping import broken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.resources.resource import Pair, Section

LONGEST = 4000
"""Characters of one text that are shown: a command can be a megabyte long."""
WIDEST_LABEL = 26


class DescriptionLine(NamedTuple):
    """One line; `whole` is the text that it is a part of, `address` where it leads."""

    label: str
    text: str
    tone: Tone = Tone.PLAIN
    address: str = ""
    whole: str = ""
    is_title: bool = False


def lines_of(sections: Sequence[Section], width: int) -> list[DescriptionLine]:
    """Return the lines of some sections at a width: titles, then each label before its text."""
    lines: list[DescriptionLine] = []
    for section in sections:
        if lines:
            lines.append(DescriptionLine("", ""))
        if section.title:
            lines.append(DescriptionLine("", plain(section.title), is_title=True))
        label_width = min(WIDEST_LABEL, max((cells(plain(pair.label)) for pair in section.pairs), default=0))
        for pair in section.pairs:
            lines += _lines_of_pair(pair, label_width, width)
    return lines


def _lines_of_pair(pair: Pair, label_width: int, width: int) -> list[DescriptionLine]:
    indent = " " * bool(label_width)
    label = indent + pad(fit(plain(pair.label), label_width), label_width) + "  " * bool(label_width)
    room = max(10, width - cells(label) - 1)
    texts = broken(plain(pair.text, limit=LONGEST).replace("\t", "    "), room)
    return [
        DescriptionLine(label if number == 0 else " " * cells(label), text, pair.tone, pair.address, pair.text)
        for number, text in enumerate(texts)
    ]
