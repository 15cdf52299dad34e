"""Keyset paging: a page is asked for by the key of the last row seen, never by an offset."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

Row = TypeVar("Row")


class Page(NamedTuple, Generic[Row]):
    """Some rows of a list, and the key to give as `after` for the next ones (None at the end)."""

    rows: list[Row]
    next: int | None


def page_of(rows: list[Row], keys: list[int], limit: int) -> Page[Row]:
    """Make a page from up to `limit + 1` rows and their keys: the one too many says that more follow."""
    if len(rows) <= limit:
        return Page(rows, None)
    return Page(rows[:limit], keys[limit - 1])
