"""The form of a resource: what is asked for, how each answer is checked, and what is done with all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from core.errors import InvalidInputError, NotAllowedError
from core.resources.resource import Tone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from core.progress import Progress
    from core.projects.service import Project
    from core.resources.resource import Section
    from core.session import Session

Row = TypeVar("Row")

FieldKind = Literal["text", "choice", "flag", "secret", "lines"]
"""How an answer is given: a line, one of some words, on or off, a line that is not shown, several lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One question. Answers are texts; `check` raises InvalidInputError for one that cannot be.

    `choices` gives the words of a `choice`. A `fixed` field is asked when the row is added, and shown afterwards.
    In a command it is an option called as its key and as `spellings`; an `argument` can be given without that name.
    """

    key: str
    label: str
    meaning: str = ""
    kind: FieldKind = "text"
    required: bool = False
    default: str = ""
    fixed: bool = False
    check: Callable[[str], object] | None = None
    choices: Callable[[Session], Sequence[str]] | None = None
    spellings: tuple[str, ...] = ()
    argument: bool = False

    def problem(self, text: str) -> str | None:
        """Return what is wrong with an answer, None where nothing is."""
        if not text:
            return f"{self.label} is needed" if self.required else None
        if self.check is None:
            return f"{text!r:.120} is neither on nor off" if self.kind == "flag" and text not in ("on", "off") else None
        try:
            self.check(text)
        except InvalidInputError as error:
            return str(error)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Form(Generic[Row]):
    """Fields in the order in which they are asked.

    `add` makes a row of the answers and `edit` changes one by those that are new; each raises InvalidInputError with
    the name of the field that is wrong, and then nothing was done. `values` gives a row's answers as they stand, and
    `consequence` what changing them would do, None where nothing is to be said; `add_consequence` is that of adding.

    Where adding takes seconds, `add_slowly` stands in the place of `add`, and tells how far it is.

    Where two may edit a row at once, `version` gives the number that every edit of it raises, and `edit_version`
    stands in the place of `edit`: told which version was seen, it raises ConflictError when that is not the row's any
    more; told None, it changes what was answered and leaves the rest to whoever changed it.

    `preview` shows beside the fields what saving these answers would bring, which may take seconds to find out; of
    its lines the strong one says the most, and is repeated where it is asked whether to save.

    `after_adding` says on a command line, in lines, what there is to do next with a row that was added.
    """

    fields: tuple[Field, ...]
    values: Callable[[Row], Mapping[str, str]]
    add: Callable[[Session, Project | None, Mapping[str, str]], Row] | None = None
    add_slowly: Callable[[Session, Project | None, Mapping[str, str], Progress], Row] | None = None
    add_permission: str = ""
    edit: Callable[[Session, Row, Mapping[str, str]], Row] | None = None
    edit_version: Callable[[Session, Row, Mapping[str, str], int | None], Row] | None = None
    version: Callable[[Row], int] | None = None
    edit_permission: str = ""
    consequence: Callable[[Session, Row, Mapping[str, str]], str | None] | None = None
    add_consequence: Callable[[Session, Mapping[str, str]], str | None] | None = None
    preview: Callable[[Session, Row, Mapping[str, str]], Sequence[Section]] | None = None
    after_adding: Callable[[Row], Sequence[str]] | None = None

    @property
    def can_add(self) -> bool:
        """Whether rows are added by hand."""
        return self.add is not None or self.add_slowly is not None

    @property
    def can_edit(self) -> bool:
        """Whether rows are changed by hand."""
        return self.edit is not None or self.edit_version is not None

    def seen(self, row: Row) -> int | None:
        """Return the version of a row that somebody sees, None where its edits are not numbered."""
        return None if self.version is None else self.version(row)

    def edited(self, session: Session, row: Row, answers: Mapping[str, str], seen: int | None = None) -> Row:
        """Change a row, of which somebody saw the version `seen` (None: whichever it has), and return it.

        Raises:
            NotAllowedError: rows are not changed by hand.
            ConflictError: somebody else changed it since; nothing was done.
        """
        if self.edit_version is not None:
            return self.edit_version(session, row, answers, seen)
        if self.edit is None:
            message = "these are not changed by hand"
            raise NotAllowedError(message)
        return self.edit(session, row, answers)

    def added(self, session: Session, project: Project | None, answers: Mapping[str, str], progress: Progress) -> Row:
        """Add a row, and return it.

        Raises:
            NotAllowedError: rows are not added by hand.
        """
        if self.add_slowly is not None:
            return self.add_slowly(session, project, answers, progress)
        if self.add is None:
            message = "these are not added by hand"
            raise NotAllowedError(message)
        return self.add(session, project, answers)


def headline(sections: Sequence[Section], *, of_what: bool = False) -> str:
    """Return the line of a preview that stands out, and `of_what` it is told; empty where nothing could be told."""
    pairs = ((section, pair) for section in sections for pair in section.pairs if pair.tone is Tone.STRONG)
    return next((f"{section.title}: {pair.text}" if of_what else pair.text for section, pair in pairs), "")


def excuse(sections: Sequence[Section]) -> str:
    """Return why a preview tells nothing, in its own words."""
    return next((pair.text for section in sections for pair in section.pairs), "")
