"""One of many words, found by typing a part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import Binding
from textual.containers import Vertical
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.scroll_view import ScrollView
from textual.strip import Strip

from core.text import plain
from tui.widgets.cell_text import cell_text
from tui.widgets.text_entry import TextEntry, typable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

LONGEST_FILTER = 200


class MatchingLines(ScrollView, can_focus=True, inherit_bindings=False):
    """What was typed, how many match, and the words that match below it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"matching--typed", "matching--cursor", "matching--here", "matching--dim"}
    DEFAULT_CSS = """
    MatchingLines { background: $surface; scrollbar-size-vertical: 1; overflow-x: hidden; }
    MatchingLines > .matching--typed { color: $text; text-style: bold; }
    MatchingLines > .matching--cursor { text-style: reverse; }
    MatchingLines > .matching--here { text-style: bold reverse; }
    MatchingLines > .matching--dim { color: $text-muted; }
    """

    def __init__(self, choices: Sequence[str], at: str, typed: str) -> None:
        super().__init__()
        self._choices = choices
        self._shown = [(choice, plain(choice, limit=300)) for choice in choices]
        self._entry = TextEntry(typed)
        self._matching: list[tuple[str, str]] = []
        self._at = 0
        self._painted: dict[int, Strip] = {}
        self._filter(at)

    @property
    def chosen(self) -> str | None:
        """The choice under the cursor, None where nothing matches."""
        return self._matching[self._at][0] if self._matching else None

    def _filter(self, at: str = "") -> None:
        words = self._entry.text.casefold().split()
        self._matching = [each for each in self._shown if all(word in each[1].casefold() for word in words)]
        self._at = next((i for i, (choice, _) in enumerate(self._matching) if choice == at), 0)

    def on_mount(self) -> None:
        """Show where the cursor stands."""
        self.call_after_refresh(self.look_again)

    def look_again(self) -> None:
        """Draw the lines that have become others."""
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._matching) + 1)
        height, top = max(2, self.size.height), round(self.scroll_offset.y)
        # The first line is what was typed; it stays above the words.
        place = self._at + 1
        wanted = top
        if place >= top + height:
            wanted = min(place - height // 2, len(self._matching) + 1 - height)
        elif place <= top:
            wanted = max(0, place - height // 2)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, immediate=True, force=True)
            return
        for y in range(height):
            if self._painted.get(y) != self._line(y):
                self.refresh_line(y + top)

    def render_line(self, y: int) -> Strip:
        """Return a line of the screen."""
        strip = self._painted[y] = self._line(y)
        return strip

    def _line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if y == 0:
            return self._typed_line(width)
        place = y + round(self.scroll_offset.y) - 1
        text = self._matching[place][1] if place < len(self._matching) else ""
        style = (
            self.get_component_rich_style("matching--here", partial=True) if place == self._at and text != "" else None
        )
        text = text or ("(none)" if place < len(self._matching) else "")
        return Strip([Segment(cell_text(f" {text}", width), style)]).apply_style(self.rich_style)

    def _typed_line(self, width: int) -> Strip:
        count = f"{len(self._matching):,} of {len(self._choices):,}"
        before, under, after = self._entry.window(max(3, width - len(count) - 3))
        typed = self.get_component_rich_style("matching--typed", partial=True)
        cursor = self.get_component_rich_style("matching--cursor", partial=True)
        dim = self.get_component_rich_style("matching--dim", partial=True)
        line = Strip([Segment("/", dim), Segment(before, typed), Segment(under, typed + cursor), Segment(after, typed)])
        line = line.adjust_cell_length(max(0, width - len(count) - 1), self.rich_style)
        return Strip.join([line, Strip([Segment(f" {count}", dim)])]).apply_style(self.rich_style)

    def move(self, by: int) -> None:
        """Move the cursor, as far as there are words."""
        self._at = min(max(self._at + by, 0), max(0, len(self._matching) - 1))
        self.look_again()

    def type(self, text: str) -> None:
        """Type more of the word."""
        self._entry.insert(typable(text)[: LONGEST_FILTER - len(self._entry.text)])
        self._typed()

    def delete(self) -> None:
        """Delete the last character that was typed."""
        self._entry.delete(self._entry.cursor - 1, self._entry.cursor)
        self._typed()

    def clear(self) -> None:
        """Delete all that was typed."""
        self._entry.delete(0, len(self._entry.text))
        self._typed()

    def _typed(self) -> None:
        self._filter(self.chosen or "")
        self.look_again()

    def check_consume_key(self, key: str, character: str | None) -> bool:  # noqa: ARG002
        """Tell that what can be typed is typed."""
        return character is not None and character.isprintable()

    def on_key(self, event: events.Key) -> None:
        """Type a character."""
        if event.is_printable and event.character is not None:
            event.stop()
            event.prevent_default()
            self.type(event.character)

    def on_paste(self, event: events.Paste) -> None:
        """Type what was pasted, as far as a word is long."""
        event.stop()
        event.prevent_default()
        self.type(event.text[:LONGEST_FILTER])


class SearchOne(ModalScreen["str | None"]):
    """Answers with the choice, None where the person left."""

    DEFAULT_CSS = """
    SearchOne { align: center middle; }
    SearchOne > Vertical { width: 70%; max-width: 90; min-width: 36; height: auto; max-height: 80%;
        border: round $primary; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", id="search-one.leave", tooltip="Leave the answer as it was."),
        Binding("enter", "choose", "Choose", id="search-one.choose", tooltip="Answer with this one.", priority=True),
        Binding("down", "move(1)", "Down", id="search-one.down", show=False),
        Binding("up", "move(-1)", "Up", id="search-one.up", show=False),
        Binding("pagedown", "move(10)", "Page down", id="search-one.page-down", show=False),
        Binding("pageup", "move(-10)", "Page up", id="search-one.page-up", show=False),
        Binding("backspace", "delete", "Delete", id="search-one.delete", show=False),
        Binding("ctrl+u", "clear", "Clear", id="search-one.clear", show=False),
    ]

    def __init__(self, title: str, choices: Sequence[str], *, at: str = "", typed: str = "") -> None:
        super().__init__()
        self._title = title
        self._lines = MatchingLines(choices, at, typed)
        self._lines.styles.height = min(len(choices) + 1, 18)

    def compose(self) -> ComposeResult:
        """Yield the words in a frame that bears the title."""
        with Vertical() as frame:
            yield self._lines
        frame.border_title = _escaped(plain(self._title, limit=60))
        frame.border_subtitle = "enter chooses · esc leaves"

    def on_mount(self) -> None:
        """Let typing search."""
        self._lines.focus()

    def action_leave(self) -> None:
        """Choose nothing."""
        self.dismiss(None)

    def action_choose(self) -> None:
        """Choose what the cursor stands on."""
        if self._lines.chosen is not None:
            self.dismiss(self._lines.chosen)

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._lines.move(by)

    def action_delete(self) -> None:
        """Delete a character."""
        self._lines.delete()

    def action_clear(self) -> None:
        """Delete all that was typed."""
        self._lines.clear()


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")
