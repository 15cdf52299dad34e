"""One field of a form while it is answered: what was given, what was typed, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.widgets.text_entry import MAXIMUM_LENGTH, TextEntry, typable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.resources.form import Field

MAXIMUM_LINES = 1000
"""Lines that a field of several lines takes."""
ON, OFF = "on", "off"
_TRUE = frozenset({"on", "yes", "true", "1"})
_TYPED = frozenset({"text", "secret", "lines"})


class FormField:
    """The answer to one question. `given` is what it was before anything was typed, and stays it until then."""

    def __init__(self, field: Field, given: str, choices: Sequence[str] = (), *, fixed: bool = False) -> None:
        self.field = field
        self.given = given
        self.choices = tuple(choices)
        self.fixed = fixed
        self.checked = False
        self.trouble = ""
        self.remark = ""
        self._touched = False
        self.at = 0
        self.lines = self._entries(given)

    @property
    def entry(self) -> TextEntry:
        """The line that is typed into."""
        return self.lines[self.at]

    @property
    def is_typed(self) -> bool:
        """Whether the answer is typed, not chosen."""
        return self.field.kind in _TYPED

    @property
    def answer(self) -> str:
        """The answer as it stands."""
        if not self._touched:
            return self.given
        if self.field.kind == "lines":
            return "\n".join(entry.text for entry in self.lines if entry.text.strip())
        return self.lines[0].text

    @property
    def is_changed(self) -> bool:
        """Whether the answer is another one than was given."""
        if self.field.kind == "flag":
            return self.is_on != (self.given.lower() in _TRUE)
        return self.answer != self.given

    @property
    def is_on(self) -> bool:
        """Whether a flag is on."""
        return self.answer.lower() in _TRUE

    @property
    def problem(self) -> str:
        """What is wrong with the answer, empty where nothing is known to be."""
        if self.trouble:
            return self.trouble
        return self.fault() if self.is_changed or self.checked else ""

    def fault(self) -> str:
        """Return what is wrong with the answer, whether or not anybody has typed it yet."""
        answer = self.answer
        if self.fixed or (answer and not self.is_changed):
            return ""
        if self.field.kind == "choice" and self.choices and answer and answer not in self.choices:
            return f"{answer!r:.80} is none of the {len(self.choices)} that there are: enter lists them"
        return self.field.problem(answer) or ""

    def set(self, answer: str) -> None:
        """Answer with a text."""
        self.lines = self._entries(answer)
        self.at = 0
        self.touch()

    def add_line(self, text: str) -> None:
        """Answer with one line more, in the place of an empty one."""
        kept = [entry for entry in self.lines if entry.text.strip()]
        self.lines = [*kept, TextEntry(text[:MAXIMUM_LENGTH])][:MAXIMUM_LINES]
        self.at = len(self.lines) - 1
        self.touch()

    def keep(self, other: FormField) -> None:
        """Take over what was typed into another field of the same kind."""
        self.lines, self.at = other.lines, other.at
        self.checked, self.trouble, self._touched = other.checked, other.trouble, True

    def renew(self, given: str) -> bool:
        """Take a new value of what was given; what was typed stays. Tell whether it is another one."""
        if given == self.given:
            return False
        typed = self.is_changed
        self.given = given
        if not typed:
            self._touched = False
            self.at = 0
            self.lines = self._entries(given)
        return True

    def touch(self) -> None:
        """Take note that something was typed: what was said about the answer before is about another one."""
        self._touched = True
        self.trouble = self.remark = ""

    def type(self, text: str) -> None:
        """Put text in at the cursor; of what is too much, say how much was left out."""
        whole = len(text)
        left_out = self._type_lines(text) if self.field.kind == "lines" else self._type_line(text)
        self.touch()
        if left_out:
            self.remark = f"{whole - left_out:,} of {whole:,} characters were taken: {self._limit()}"

    def _limit(self) -> str:
        lines = f", {MAXIMUM_LINES:,} lines of" if self.field.kind == "lines" else ""
        return f"there is room for{lines} {MAXIMUM_LENGTH:,}"

    def _type_line(self, text: str) -> int:
        # No more is looked at than can be of use: a paste may be as large as somebody's clipboard.
        considered = text[: 2 * MAXIMUM_LENGTH].strip("\r\n")
        refused = self.entry.insert(typable(considered))
        beyond = len(text) - min(len(text), 2 * MAXIMUM_LENGTH)
        return refused + beyond if refused or beyond else 0

    def _type_lines(self, text: str) -> int:
        considered = text[: 64 * MAXIMUM_LENGTH]
        left_out = len(text) - len(considered)
        for number, line in enumerate(considered.replace("\r\n", "\n").replace("\r", "\n").split("\n")):
            if number and len(self.lines) >= MAXIMUM_LINES:
                left_out += len(line)
                continue
            if number:
                self.split()
            left_out += self.entry.insert(typable(line))
        return left_out

    def delete(self, first: int, end: int) -> bool:
        """Take out a part of the line that is typed into; tell whether there was one."""
        deleted = self.entry.delete(first, end)
        if deleted:
            self.touch()
        return deleted

    def split(self) -> bool:
        """Begin a new line at the cursor; tell whether there was room for one."""
        if len(self.lines) >= MAXIMUM_LINES:
            return False
        entry = self.entry
        rest = TextEntry(entry.text[entry.cursor :])
        rest.cursor = 0
        entry.text = entry.text[: entry.cursor]
        self.at += 1
        self.lines.insert(self.at, rest)
        self.touch()
        return True

    def join(self) -> bool:
        """Join this line to the one before; tell whether there is one."""
        if self.at == 0:
            return False
        rest = self.lines.pop(self.at).text
        self.at -= 1
        entry = self.entry
        entry.cursor = len(entry.text)
        entry.text = (entry.text + rest)[:MAXIMUM_LENGTH]
        self.touch()
        return True

    def turn(self, by: int) -> None:
        """Answer with another choice, or turn a flag round."""
        if self.field.kind == "flag":
            self.set(OFF if self.is_on else ON)
        elif self.choices:
            place = self.choices.index(self.answer) if self.answer in self.choices else -1 if by > 0 else 0
            self.set(self.choices[(place + by) % len(self.choices)])

    def _entries(self, text: str) -> list[TextEntry]:
        return [TextEntry(line) for line in text.split("\n")] if self.field.kind == "lines" else [TextEntry(text)]
