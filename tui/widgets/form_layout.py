"""Where the parts of a form stand: one line for each field and each line of an answer, and what is wrong below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.resources.resource import Tone
from core.text import cells, plain
from tui.widgets.form_field import FormField
from tui.widgets.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

PROBLEM_LINES = 3
NOTE_LINES = 6
WIDEST_LABEL = 28
MARK = 2
GAP = 3


@dataclass(frozen=True, slots=True)
class Heading:
    """The name of a group of fields."""

    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something to be read between the fields."""

    text: str
    tone: Tone = Tone.DIM


@dataclass(frozen=True, slots=True)
class Button:
    """What does what the form is for."""

    text: str


Part = FormField | Heading | Note | Button


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a form: the number of its part, which line of an answer it is, and the text of others.

    Row -1 is the first line of what is said of a part, -2 any further one.
    """

    part: int
    row: int = -1
    text: str = ""


def laid_out(parts: Sequence[Part], width: int) -> list[Line]:
    """Return the lines of a form."""
    label = label_width(parts, width)
    lines: list[Line] = []
    for number, part in enumerate(parts):
        if isinstance(part, FormField):
            rows = len(part.lines) if part.field.kind == "lines" else 1
            lines += [Line(number, row) for row in range(rows)]
            # The sign before a problem takes two cells.
            room = width - MARK - label - GAP - 3
            said = wrapped(part.problem or part.remark, room, PROBLEM_LINES)
            lines += [Line(number, -2 if at else -1, text) for at, text in enumerate(said)]
        elif isinstance(part, Note):
            lines += [Line(number, -1, text) for text in wrapped(part.text, width - MARK - 1, NOTE_LINES)]
        else:
            lines.append(Line(number, -1, plain(part.text, limit=200)))
    return lines


def label_width(parts: Sequence[Part], width: int) -> int:
    """Return the cells that the labels get."""
    widest = max((cells(plain(part.field.label)) for part in parts if isinstance(part, FormField)), default=8)
    return max(4, min(widest, WIDEST_LABEL, width // 3))
