"""What the field means that has the focus, in two lines that stay where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.widget import Widget

from core.text import plain
from tui.widgets.form_field import FormField
from tui.widgets.wrapping import wrapped

if TYPE_CHECKING:
    from tui.widgets.form_lines import FormLines

LINES = 2
_SHOWN = 60


class FormAbout(Widget):
    """Says of a field what it takes, that it is needed, and what it was before."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"form-about--text"}
    DEFAULT_CSS = """
    FormAbout { height: 2; width: 1fr; background: $surface; }
    FormAbout > .form-about--text { color: $text-muted; }
    """

    def __init__(self, lines: FormLines) -> None:
        super().__init__()
        self._lines = lines
        self._shown: list[str] = []

    def look_again(self) -> None:
        """Draw the lines, if they are others than are shown."""
        if self.is_mounted and self.size.width and self._wanted() != self._shown:
            self.refresh()

    def render(self) -> Text:
        """Return the lines."""
        self._shown = self._wanted()
        style = self.get_component_rich_style("form-about--text", partial=True)
        return Text("\n".join(f" {line}" for line in self._shown), style=style, no_wrap=True)

    def _wanted(self) -> list[str]:
        part = self._lines.current
        return wrapped(_about(part), self.size.width - 2, LINES) if isinstance(part, FormField) else []


def _about(field: FormField) -> str:
    parts = [field.field.meaning, _how(field)]
    if field.is_changed and field.field.kind != "secret":
        before = plain(field.given, limit=_SHOWN).strip()
        parts.append(f"was {before}" if before else "was empty")
    if field.field.default:
        parts.append(f"by default {field.field.default}")
    if field.field.required:
        parts.append("needed")
    if len(field.lines) > 1:
        parts.append(f"line {field.at + 1} of {len(field.lines)}")
    return " · ".join(part for part in parts if part)


def _how(field: FormField) -> str:
    if field.field.kind == "choice":
        return "left and right change it, enter lists all, typing searches"
    if field.field.kind == "flag":
        return "space turns it round"
    return "one a line; enter begins another" if field.field.kind == "lines" else ""
