"""A question before something is done that matters: it stands on No, and says what would happen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static

from core.text import plain

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from core.resources.resource import Consequence

LONGEST_NAME = 200


class Answers(Widget, can_focus=True):
    """No and Yes on one line; the one that enter gives is marked by its shape as well as by its colour."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"answers--chosen", "answers--other"}
    DEFAULT_CSS = """
    Answers { height: 1; width: 1fr; }
    Answers > .answers--chosen { text-style: bold reverse; color: $text; }
    Answers > .answers--other { color: $text; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,right,h,l", "turn", "Other answer", id="decision.turn", tooltip="Stand on the other answer."),
        Binding("enter", "give", "Answer", id="decision.give", tooltip="Give the answer that is marked."),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.is_yes = False

    def render(self) -> Text:
        """Return both answers."""
        text = Text(no_wrap=True, end="")
        for word, chosen in (("No", not self.is_yes), ("Yes", self.is_yes)):
            style = "answers--chosen" if chosen else "answers--other"
            text.append(f"▸ {word} " if chosen else f"  {word} ", self.get_component_rich_style(style, partial=True))
            text.append("   ")
        return text

    def action_turn(self) -> None:
        """Stand on the other answer."""
        self.is_yes = not self.is_yes
        self.refresh()

    def action_give(self) -> None:
        """Give the answer that is marked."""
        if isinstance(self.screen, Decision):
            self.screen.answer(yes=self.is_yes)


class Decision(ModalScreen[bool]):
    """Answers with whether it is to be done; leaving it means No."""

    DEFAULT_CSS = """
    Decision { align: center middle; }
    Decision > Vertical { width: 64; max-width: 92%; height: auto; max-height: 90%; border: round $warning;
        background: $surface; padding: 1 2; }
    Decision VerticalScroll { height: auto; max-height: 12; }
    Decision Static { width: 1fr; height: auto; }
    Decision .decision--question { text-style: bold; }
    Decision .decision--detail { color: $text-muted; margin-top: 1; }
    Decision .decision--ask { margin-top: 1; }
    Decision .decision--said { color: $text-warning; height: 1; }
    Decision Input { height: 1; border: none; padding: 0 1; background: $boost; }
    Decision Answers { margin-top: 1; }
    Decision .decision--keys { color: $text-muted; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "Yes", id="decision.yes", tooltip="Do it."),
        Binding("n", "no", "No", id="decision.no", tooltip="Leave everything as it is."),
        Binding("escape", "no", "No", id="decision.leave", tooltip="Leave everything as it is."),
    ]

    def __init__(self, consequence: Consequence) -> None:
        super().__init__()
        self._consequence = consequence
        self._name = plain(consequence.type_name).strip()

    def compose(self) -> ComposeResult:
        """Yield the question, what would happen, the name to type where one is asked for, and the answers."""
        with Vertical():
            with VerticalScroll(can_focus=False):
                yield Static(_wrappable(self._consequence.question), markup=False, classes="decision--question")
                if self._consequence.detail:
                    yield Static(_wrappable(self._consequence.detail), markup=False, classes="decision--detail")
            if self._name:
                yield Static(f"Type  {self._name}  to go on:", markup=False, classes="decision--ask")
                yield Input(max_length=LONGEST_NAME, compact=True)
                yield Static(markup=False, classes="decision--said")
            yield Answers()
            yield Static(self._keys(), markup=False, classes="decision--keys")

    def on_mount(self) -> None:
        """Stand on No, or where the name is typed."""
        for field in self.query(Input):
            field.cursor_blink = False
        self.set_focus(self.query_one(Input if self._name else Answers))

    def answer(self, *, yes: bool) -> None:
        """Give an answer; Yes is taken only with the name where that is asked for."""
        if yes and self._name and plain(self.query_one(Input).value).strip() != self._name:
            self.query_one(".decision--said", Static).update(
                f"that is not {self._name}" if self._typed() else "the name is missing"
            )
            self.query_one(Input).focus()
            return
        self.dismiss(yes)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the name as a Yes: whoever typed all of it has decided."""
        event.stop()
        self.answer(yes=True)

    def action_yes(self) -> None:
        """Do it."""
        self.answer(yes=True)

    def action_no(self) -> None:
        """Leave everything as it is."""
        self.answer(yes=False)

    def _typed(self) -> bool:
        return bool(self.query_one(Input).value.strip())

    def _keys(self) -> str:
        return "enter with the name: yes · esc: no" if self._name else "y yes · n no · ←→ and enter · esc no"


def _wrappable(text: str) -> str:
    return "\n".join(plain(line) for line in text.splitlines())
