"""A form: one line for each field, checked while one types; drawn line by line, so that a key costs a line or two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.containers import Vertical
from textual.message import Message

from tui.widgets.form_about import FormAbout
from tui.widgets.form_field import FormField
from tui.widgets.form_layout import Button, Heading, Note, Part
from tui.widgets.form_lines import FormLines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult

    from core.resources.form import Field

__all__ = ["Form", "FormField", "Heading", "Note"]


class Form(Vertical):
    """Fields, headings and notes in the order in which they are shown, a button, and below them what a field means."""

    DEFAULT_CSS = """
    Form { height: 1fr; width: 1fr; }
    """

    @dataclass
    class Changed(Message):
        """An answer is another one."""

        key: str

    class Submitted(Message):
        """What the form is for is to be done."""

    def __init__(self, button: str = "Save") -> None:
        super().__init__()
        self._button = button
        self._parts: list[Part] = [Button(button)]
        self._lines = FormLines()

    def compose(self) -> ComposeResult:
        """Yield the fields and the lines that explain the one that has the focus."""
        yield self._lines
        yield FormAbout(self._lines)

    def on_mount(self) -> None:
        """Show the fields."""
        self._lines.show(self._parts)

    def focus_fields(self) -> None:
        """Let the fields have the keys."""
        self._lines.focus()

    @property
    def fields(self) -> dict[str, FormField]:
        """The fields by key."""
        return {part.field.key: part for part in self._parts if isinstance(part, FormField)}

    @property
    def current(self) -> FormField | None:
        """The field that has the focus, None where the button has it."""
        part = self._lines.current
        return part if isinstance(part, FormField) else None

    @property
    def answers(self) -> dict[str, str]:
        """Every answer by its field's key."""
        return {key: field.answer for key, field in self.fields.items()}

    @property
    def changed(self) -> dict[str, str]:
        """The answers that are others than were given."""
        return {key: field.answer for key, field in self.fields.items() if field.is_changed}

    def show(
        self,
        items: Sequence[Field | Heading | Note],
        values: Mapping[str, str],
        *,
        choices: Mapping[str, Sequence[str]] | None = None,
        fixed: bool = False,
        start: str = "",
    ) -> None:
        """Ask these fields; what was typed into one of the same name and kind stays.

        `values` gives the answers as they are; a field without one has its default. `fixed` shows the fields that are
        asked once only.
        """
        known = self.fields
        self._parts = []
        for item in items:
            if isinstance(item, (Heading, Note)):
                self._parts.append(item)
                continue
            new = FormField(
                item,
                values.get(item.key, item.default),
                (choices or {}).get(item.key, ()),
                fixed=fixed and item.fixed,
            )
            before = known.get(item.key)
            if before is not None and before.is_changed and before.field.kind == item.kind and not new.fixed:
                new.keep(before)
            self._parts.append(new)
        self._parts.append(Button(self._button))
        if self._lines.is_mounted:
            self._lines.show(self._parts, start)

    def look_again(self) -> None:
        """Draw what has changed in the fields."""
        self._lines.look_again()

    def refuse(self, key: str, problem: str) -> bool:
        """Show at a field what is wrong with it, and go there; tell whether there is such a field."""
        field = self.fields.get(key)
        if field is None:
            return False
        field.trouble = problem
        self._lines.go_to(field)
        return True

    def check(self) -> bool:
        """Look at every answer and go to the first that cannot be; tell whether all can."""
        wrong = []
        for field in self.fields.values():
            field.checked = True
            # A refusal that was not typed over is asked about again: what was in its way may be gone.
            field.trouble = ""
            if field.fault():
                wrong.append(field)
        if wrong:
            self._lines.go_to(wrong[0])
        self._lines.look_again()
        return not wrong
