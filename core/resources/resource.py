"""The declaration of one kind of thing, from which come its list, form, keys, help, palette entries and commands.

Nothing here knows a screen: a `Column` gives text and a tone, an `Action` says what it would do and does it, and the
faces decide how that looks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from core.progress import Progress
    from core.projects.service import Project
    from core.resources.form import Form
    from core.session import Session
    from data.changes import Change

Row = TypeVar("Row")
RowOut_co = TypeVar("RowOut_co", covariant=True)


class Tone(StrEnum):
    """What a text means, for a theme to show; the text itself has to say it too."""

    PLAIN = "plain"
    STRONG = "strong"
    DIM = "dim"
    GOOD = "good"
    BAD = "bad"
    BUSY = "busy"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows of a resource are wanted, and in which order.

    `project` None is all of them. `text` is what was typed to filter: every word has to occur in what a row shows,
    or, `inverted`, not all of them may. `where` are the resource's own filters, such as status=error. `sort` is the
    key of a column, None the resource's own order, which `descending` turns round as well.
    """

    project: Project | None = None
    text: str = ""
    inverted: bool = False
    where: Mapping[str, str] = field(default_factory=dict)
    sort: str | None = None
    descending: bool = False


class Source(Protocol[RowOut_co]):
    """Where the rows of a resource come from. Every row has a number, its id, by which it is known."""

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of changes in the feed that can change a row or the list."""

    def ids(self, session: Session, query: Query) -> Iterator[Sequence[int]]:
        """Yield the ids that match, in order, in parts: the first one is small, so that it comes at once.

        Raises:
            InvalidInputError: names the filter that is wrong.
        """

    def rows(self, session: Session, ids: Sequence[int]) -> Mapping[int, RowOut_co]:
        """Return the rows with these ids; those that are gone are left out."""

    def total(self, session: Session, query: Query) -> int:
        """Return how many rows there are without the text that filters."""

    def touched(self, session: Session, changes: Sequence[Change]) -> set[int] | None:
        """Return the ids of the rows that changes are about, None where any row may have changed."""

    def matching(self, session: Session, query: Query, ids: Sequence[int]) -> Sequence[int]:
        """Return those of the ids that match, in order: what tells whether a changed row still belongs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[Row]):
    """One column of a list.

    `text` gives what is shown of a row at a moment (seconds since 1970). A `time` column's text moves with the clock.
    A `flexible` column gives way where there is little room, and takes what is left. It is hidden where the list
    has fewer than `needs` cells, and a `wide` one until somebody asks for it. `order` is what an in-memory list sorts
    by; a source that sorts by itself needs only `sortable`.
    """

    key: str
    title: str
    text: Callable[[Row, float], str]
    meaning: str = ""
    value: Callable[[Row], Any] | None = None
    order: Callable[[Row], Any] | None = None
    sortable: bool = True
    right: bool = False
    width: int = 10
    flexible: bool = False
    needs: int = 0
    wide: bool = False
    time: bool = False
    tone: Callable[[Row], Tone] | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """One line of a description; `address` is a place in the console that it leads to, such as `execution 12`.

    `names_keys` says that the text is a sentence of core.resources.named_keys.
    """

    label: str
    text: str
    address: str = ""
    tone: Tone = Tone.PLAIN
    names_keys: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a description."""

    title: str
    pairs: Sequence[Pair]


@dataclass(frozen=True, slots=True)
class Consequence:
    """What an action would do, for somebody to decide: `type_name` must be typed where nothing can be undone."""

    question: str
    detail: str = ""
    type_name: str = ""


@dataclass(frozen=True, slots=True)
class Asking(Generic[Row]):
    """What an action has to know first: one of some things, which `options` gives with what each of them means.

    `answered` returns the action that does it with what was chosen. A command takes it as the option `--key`.
    """

    key: str
    title: str
    meaning: str
    options: Callable[[Session, Sequence[Row]], Sequence[tuple[str, str]]]
    answered: Callable[[str], Action[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action(Generic[Row]):
    """Something that may be done with a row: it acts (`run`), or it leads to a place of the console (`address`).

    `refuse` returns at once why it cannot be done with this row. `consequence` returns what is to be asked first,
    None where nothing is. `run` returns one sentence for the person. `many` rows may be taken together.
    `permission` is the action of the policy that it needs; without `changes` it is open in read-only consoles too.
    `address_of_many` leads to a place that shows several rows together.
    One that takes seconds is carried out by `run_slowly`, which tells how far it is, in the place of `run`.
    One that has to know something first `asks`, and has no `run` of its own.
    One that shows the same list otherwise turns its query into another (`requery`), and needs no row.
    """

    id: str
    key: str
    title: str
    meaning: str
    permission: str
    changes: bool = True
    many: bool = False
    refuse: Callable[[Session, Row], str | None] | None = None
    consequence: Callable[[Session, Sequence[Row]], Consequence | None] | None = None
    run: Callable[[Session, Row], str] | None = None
    run_slowly: Callable[[Session, Row, Progress], str] | None = None
    address: Callable[[Row], str] | None = None
    address_of_many: Callable[[Sequence[Row]], str] | None = None
    asks: Asking[Row] | None = None
    requery: Callable[[Query], Query] | None = None

    @property
    def acts(self) -> bool:
        """Whether it does something, rather than lead somewhere."""
        return self.run is not None or self.run_slowly is not None or self.asks is not None

    def carry_out(self, session: Session, row: Row, progress: Progress) -> str:
        """Do it with a row, and return what there is to tell."""
        if self.run_slowly is not None:
            return self.run_slowly(session, row, progress)
        return "" if self.run is None else self.run(session, row)


@dataclass(frozen=True, slots=True)
class RowFilter:
    """A filter by name, such as status=error; `choices` are the values that it takes, where they are known.

    One that is the name `of` a row of another resource has to be one that is there.
    """

    key: str
    meaning: str
    choices: tuple[str, ...] = ()
    of: str = ""


@dataclass(frozen=True, slots=True)
class Empty:
    """What a list without rows says: what belongs there, and how the first one comes about.

    The hint is a sentence of core.resources.named_keys.
    """

    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(Generic[Row]):
    """One kind of thing.

    `name` is the plural: its place in the console and its group of commands. `key` gives a row's id, `reference` what
    somebody types to name it, `find` reads that (raising NotFoundError), `label` is how a row is called in a sentence.
    Of a list that `follows`, the cursor on the first row stays on the first row whatever comes, as in a log.
    `opens` gives the address of the place that shows a row in full; without it, that is the description made from
    `describe`. `scoped` rows belong to a project. `fields` gives a row as JSON, by default from the columns' values.
    `summary` gives counts that stand above the list. `told` is the key of a column whose text, which is seldom short
    enough for it, stands in full below the list for the row under the cursor. `adds` is the address of the place that
    makes a row, where that is no form, and `add_permission` the action of the policy that this needs.
    """

    name: str
    singular: str
    meaning: str
    permission: str
    columns: tuple[Column[Row], ...]
    source: Source[Row]
    key: Callable[[Row], int]
    label: Callable[[Row], str]
    reference: Callable[[Row], str]
    find: Callable[[Session, Project | None, str], Row]
    empty: Empty
    describe: Callable[[Session, Row], Sequence[Section]] | None = None
    fields: Callable[[Row], dict[str, Any]] | None = None
    opens: Callable[[Row], str] | None = None
    form: Form[Row] | None = None
    actions: tuple[Action[Row], ...] = ()
    filters: tuple[RowFilter, ...] = ()
    summary: Callable[[Session, Query], Sequence[tuple[str, Tone]]] | None = None
    told: str = ""
    adds: str = ""
    add_permission: str = ""
    aliases: tuple[str, ...] = ()
    scoped: bool = False
    follows: bool = False

    def column(self, key: str) -> Column[Row]:
        """Return the column with this key.

        Raises:
            InvalidInputError: there is none.
        """
        from core.errors import InvalidInputError  # noqa: PLC0415 - for a mistake only

        for column in self.columns:
            if column.key == key:
                return column
        there = ", ".join(column.key for column in self.columns)
        message = f"{self.name}: there is no column {key!r:.120}, but {there}"
        raise InvalidInputError(message, field="sort")

    def as_json(self, row: Row) -> dict[str, Any]:
        """Return a row as JSON can hold it."""
        if self.fields is not None:
            return self.fields(row)
        return {
            column.key: column.text(row, 0) if column.value is None else column.value(row) for column in self.columns
        }
