"""A source for resources that are few: the whole list is read, and filtered and sorted here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from core.projects.service import Project
    from core.resources.resource import Column, Query
    from core.session import Session
    from data.changes import Change

Row = TypeVar("Row")


class Listed(Generic[Row]):
    """Rows that `read` returns all at once, in their own order; `key` gives a row's id.

    `filters` gives for each filter by name what a row has for it.
    """

    def __init__(
        self,
        read: Callable[[Session, Project | None], Sequence[Row]],
        *,
        key: Callable[[Row], int],
        columns: Sequence[Column[Row]],
        kinds: frozenset[str],
        filters: Mapping[str, Callable[[Row], str]] | None = None,
    ) -> None:
        self._read = read
        self._key = key
        self._columns = {column.key: column for column in columns}
        self._filters = filters or {}
        self.kinds = kinds

    def ids(self, session: Session, query: Query) -> Iterator[Sequence[int]]:
        """Yield all ids at once."""
        yield [self._key(row) for row in self._wanted(session, query)]

    def rows(self, session: Session, ids: Sequence[int]) -> Mapping[int, Row]:
        """Return the rows with these ids."""
        wanted = set(ids)
        return {key: row for row in self._read(session, None) if (key := self._key(row)) in wanted}

    def total(self, session: Session, query: Query) -> int:
        """Return how many rows there are without the text that filters."""
        return sum(self._has(row, query) for row in self._read(session, query.project))

    def touched(self, session: Session, changes: Sequence[Change]) -> set[int] | None:  # noqa: ARG002
        """Return None: the list is short enough to be read again."""
        return None

    def matching(self, session: Session, query: Query, ids: Sequence[int]) -> Sequence[int]:
        """Return those of the ids that match."""
        wanted = set(ids)
        return [key for row in self._wanted(session, query) if (key := self._key(row)) in wanted]

    def _wanted(self, session: Session, query: Query) -> list[Row]:
        rows = [row for row in self._read(session, query.project) if self._has(row, query) and self._shows(row, query)]
        if query.sort is not None:
            column = self._columns[query.sort]
            order = column.order
            # What has no value comes last in either direction.
            by_value = [
                (value, row) for row in rows if (value := order(row) if order else column.text(row, 0)) is not None
            ]
            by_value.sort(key=lambda pair: pair[0], reverse=query.descending)
            with_value = {self._key(row) for _, row in by_value}
            return [row for _, row in by_value] + [row for row in rows if self._key(row) not in with_value]
        return rows[::-1] if query.descending else rows

    def _has(self, row: Row, query: Query) -> bool:
        return all(self._filters[name](row) == value for name, value in query.where.items() if name in self._filters)

    def _shows(self, row: Row, query: Query) -> bool:
        words = query.text.casefold().split()
        if not words:
            return True
        shown = " ".join(column.text(row, 0) for column in self._columns.values()).casefold()
        return all(word in shown for word in words) != query.inverted
