"""What the screens with a form have in common: saving, leaving, and why saving is not possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from core.resources.resource import Consequence
from core.text import plain
from tui.screens.screen import ConsoleScreen

if TYPE_CHECKING:
    from textual.binding import BindingType

    from core.errors import ShoalError
    from tui.widgets.form import Form


class FormScreen(ConsoleScreen):
    """A screen with one form. `f2` does what it is for, and so does its last line, which every terminal reaches."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2,ctrl+o,alt+enter,ctrl+enter", "save", "Save", id="form.save", tooltip="Save what was typed."),
        Binding("escape", "leave", "Back", id="form.leave", tooltip="Leave; asks first if something was typed."),
    ]

    form: Form
    permission: str = ""
    is_saving = False

    def refusal(self, action: str) -> str | None:
        """Return why nothing can be saved."""
        if action != "save":
            return super().refusal(action)
        if reason := self.write_refusal(self.permission):
            return reason
        return "it is being done already" if self.is_saving else None

    def on_form_submitted(self) -> None:
        """Save: the form's last line was pressed."""
        self.action_save()

    def action_save(self) -> None:
        """Save, if that can be."""
        if reason := self.refusal("save"):
            self.console.warn(reason)
            return
        if self.form.check():
            self.is_saving = True  # at once: a second key must not save a second time
            self.finish(self._saving())

    async def _saving(self) -> None:
        self.details_changed()
        try:
            await self.save()
        finally:
            self.is_saving = False
            if self.is_mounted:
                self.details_changed()

    @property
    def is_here(self) -> bool:
        """Whether the person still looks at this form."""
        return self.console.shown_screen is self

    async def save(self) -> None:
        """Do what the form is for."""
        raise NotImplementedError

    def refused(self, error: ShoalError) -> None:
        """Show an error at its field, else on the line at the bottom; what was typed stays."""
        if not self.is_here or not any(self.form.refuse(key, error.message) for key in self.keys_of(error.field or "")):
            self.console.warn(plain(error.message))

    def keys_of(self, field: str) -> tuple[str, ...]:
        """Return the keys that the field of an error may have in the form."""
        return (field,)

    def action_leave(self) -> None:
        """Go back, and ask first if something was typed."""
        changed = len(self.form.changed)
        if changed and not self.refusal("save"):
            self.work(self._leave(changed), group="leave")
        else:
            self.console.back()

    async def _leave(self, changed: int) -> None:
        answers = "1 answer is" if changed == 1 else f"{changed} answers are"
        detail = f"{answers} not saved and would be lost."
        if await self.console.decide(Consequence("Leave without saving?", detail)):
            self.console.back()
