"""What the screens have in common on which something is chosen with the arrows: a title above a list, in a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from core.text import plain

if TYPE_CHECKING:
    from rich.text import Text
    from textual.app import ComposeResult

Answer = TypeVar("Answer")


class Choosing(ModalScreen["Answer | None"], Generic[Answer]):
    """Answers with what was chosen, None where it was left."""

    DEFAULT_CSS = """
    Choosing { align: center middle; }
    Choosing > Vertical { width: auto; min-width: 30; max-width: 90%; height: auto; max-height: 90%;
        border: round $primary; background: $surface; padding: 0 1; }
    Choosing Static { text-style: bold; width: auto; }
    Choosing OptionList { width: auto; height: auto; max-height: 24; border: none; padding: 0; background: $surface; }
    Choosing OptionList:focus { border: none; background-tint: $foreground 0%; }
    """

    def __init__(self, title: str, length: int) -> None:
        super().__init__()
        self._title = title
        self._length = length

    def compose(self) -> ComposeResult:
        """Yield the title and the things to choose from."""
        with Vertical():
            yield Static(plain(self._title), markup=False)
            yield OptionList(*(Option(self.line(number)) for number in range(self._length)), markup=False)

    @property
    def options(self) -> OptionList:
        """The things to choose from."""
        return self.query_one(OptionList)

    def line(self, number: int) -> Text:
        """Return how one of the things is shown."""
        raise NotImplementedError

    def action_leave(self) -> None:
        """Choose nothing."""
        self.dismiss(None)
