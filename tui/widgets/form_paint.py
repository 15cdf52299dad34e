"""How one line of a form looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip

from core.resources.resource import Tone
from core.text import cells
from tui.widgets.cell_text import cell_text
from tui.widgets.form_field import FormField
from tui.widgets.form_layout import GAP, MARK, Button, Heading, Line, Note, Part

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.style import Style

_NAMES = (
    "label",
    "label-here",
    "value",
    "value-here",
    "cursor",
    "changed",
    "problem",
    "remark",
    "dim",
    "heading",
    "good",
    "button",
    "button-here",
)
CLASSES = {f"form--{name}" for name in _NAMES}
BESIDE_FROM = 96
"""Cells from which on there is room for what a field means beside its answer."""
_VALUE_BESIDE = 28
_TONES = {
    Tone.BAD: "problem",
    Tone.WAITING: "remark",
    Tone.GOOD: "good",
    Tone.STRONG: "label-here",
    Tone.PLAIN: "value",
}


class Painter:
    """Makes strips of exactly `width` cells; `style` gives the look of a part by its name."""

    def __init__(self, style: Callable[[str], Style], width: int, label: int, *, base: Style) -> None:
        self._style = style
        self._width = width
        self._label = label
        self._base = base

    def line(self, part: Part, line: Line, *, here: bool) -> Strip:
        """Return a line of a part; `here` tells that the part has the focus."""
        if isinstance(part, FormField):
            segments = self._field(part, line.row, here=here) if line.row >= 0 else self._said(part, line)
        elif isinstance(part, Heading):
            segments = [Segment(f" {line.text}", self._style("heading"))]
        elif isinstance(part, Note):
            segments = [Segment(f"  {line.text}", self._style(_TONES.get(part.tone, "dim")))]
        else:
            segments = self._button(part, here=here)
        strip = Strip(segments).adjust_cell_length(self._width, self._base)
        return strip.apply_style(self._base)

    def _button(self, part: Button, *, here: bool) -> list[Segment]:
        mark = Segment("▸ " if here else "  ", self._style("label-here"))
        return [mark, Segment(f"[ {part.text} ]", self._style("button-here" if here else "button"))]

    def _said(self, field: FormField, line: Line) -> list[Segment]:
        name, sign = ("problem", "✗") if field.problem else ("remark", "!")
        sign = sign if line.row == -1 else " "
        return [Segment(" " * (MARK + self._label + GAP)), Segment(f"{sign} {line.text}", self._style(name))]

    def _field(self, field: FormField, row: int, *, here: bool) -> list[Segment]:
        first = row == 0
        label = cell_text(field.field.label if first else "", self._label)
        changed = "*" if first and field.is_changed else " "
        room = self._width - MARK - self._label - GAP
        return [
            Segment("▸ " if here and first else "  ", self._style("label-here")),
            Segment(label, self._style("label-here" if here else "label")),
            Segment(f" {changed} ", self._style("changed")),
            *self._answer(field, row, room, here=here),
        ]

    def _answer(self, field: FormField, row: int, room: int, *, here: bool) -> list[Segment]:
        typed_here = here and field.is_typed and row == field.at
        if typed_here:
            return self._typed(field, max(3, room - 1))
        text, name = self._shown(field, row, here=here)
        beside = self._beside(field, row, here=here)
        if not beside:
            return [Segment(cell_text(text, room).rstrip(), self._style(name))]
        width = max(_VALUE_BESIDE, min(cells(text), room // 2))
        return [
            Segment(cell_text(text, width), self._style(name)),
            Segment("  " + cell_text(beside, room - width - 3).rstrip(), self._style("dim")),
        ]

    def _beside(self, field: FormField, row: int, *, here: bool) -> str:
        # What is shown below the form needs not be shown twice.
        return field.field.meaning if self._width >= BESIDE_FROM and row == 0 and not here else ""

    def _typed(self, field: FormField, room: int) -> list[Segment]:
        before, under, after = field.entry.window(room, mask="•" if field.field.kind == "secret" else "")
        rest = " " * (room - cells(before) - cells(under) - cells(after))
        here = self._style("value-here")
        return [Segment(before, here), Segment(under, here + self._style("cursor")), Segment(after + rest, here)]

    def _shown(self, field: FormField, row: int, *, here: bool) -> tuple[str, str]:
        kind = field.field.kind
        if kind == "flag":
            return ("[x] on" if field.is_on else "[ ] off"), "value-here" if here else "value"
        text = field.lines[row].text
        if kind == "secret":
            return "•" * len(text), "value"
        if kind == "choice":
            shown = text or "none"
            if field.fixed or not field.choices:
                return f"{shown}  (fixed)" if field.fixed else shown, "dim"
            return (f"◂ {shown} ▸", "value-here") if here else (f"{shown} ▾", "value")
        if field.fixed:
            return f"{text}  (fixed)", "dim"
        return text, "value"
