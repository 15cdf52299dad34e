"""What a list has no room for: a text of the row under the cursor, in full below the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text

from core.resources.resource import Tone
from core.text import fit, plain
from tui.widgets.bar import Bar

if TYPE_CHECKING:
    from core.resources.resource import Resource


class ToldLine(Bar):
    """One line, where the resource says which column is told; it stays there when nothing is, so that rows stay put."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"told--{tone}" for tone in Tone}
    DEFAULT_CSS = """
    ToldLine { color: $text; background: $surface; }
    ToldLine > .told--bad { color: $text-error; }
    ToldLine > .told--good { color: $text-success; }
    ToldLine > .told--dim { color: $text-muted; }
    """

    def __init__(self, resource: Resource[Any]) -> None:
        super().__init__()
        self._column = resource.column(resource.told) if resource.told else None
        self._text = ""
        self._tone = Tone.PLAIN
        self.display = self._column is not None

    def tell(self, row: Any, now: float) -> None:  # noqa: ANN401 - a row of any resource
        """Tell of the row under the cursor, of nothing where there is none."""
        if self._column is not None:
            self._text = "" if row is None else plain(self._column.text(row, now))
            self._tone = Tone.PLAIN if row is None or self._column.tone is None else self._column.tone(row)
            self.look_again()

    def line(self, width: int) -> Text:
        """Return the text; what does not even fit here is cut at its end."""
        text = Text(" ", no_wrap=True, end="")
        text.append(fit(self._text, max(0, width - 2)), self.get_component_rich_style(f"told--{self._tone}"))
        return text
