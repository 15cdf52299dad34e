"""Some rows of a resource as a part of another screen: live, with the keys of their actions."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding

from core.resources.address import address
from core.resources.resource import Tone
from tui.live_keys import key_of
from tui.screens.acting import Acting
from tui.widgets.empty_text import EmptyText
from tui.widgets.live_table import LiveTable
from tui.widgets.pane import Pane
from tui.widgets.summary import Summary
from tui.widgets.table_model import TableModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from core.resources.resource import Empty, Query, Resource
    from core.session import Session
    from data.changes import Change

MOST = 500
"""Rows that are listed here; the list of the resource shows all of them."""
SHORT = 0.25
"""Seconds: a list that is read in less is read again whenever something happened."""
REST = 4
"""So many times as long as a longer reading took it is not read again."""


class RowsPane(Pane):
    """The first rows that match a query; what can be done with one is done by the screen.

    Columns have other `widths` here, 0 for none. The text of the column `told`, which may not fit, stands below in
    full for the row under the cursor.
    """

    resource: Resource[Any]

    DEFAULT_CSS = """
    RowsPane { layout: vertical; }
    RowsPane > EmptyText { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, query: Query, *, widths: Mapping[str, int], told: str, empty: Empty) -> None:
        super().__init__()
        self.query_ = query
        self.total = 0
        self._empty = empty
        self._model: TableModel[Any] = TableModel()
        columns = [replace(each, width=widths.get(each.key, each.width)) for each in self.resource.columns]
        self.table: LiveTable[Any] = LiveTable([each for each in columns if each.width and not each.wide], self._model)
        self._told = next((each for each in columns if each.key == told), None)
        self._line = Summary()
        self._is_due = False
        self._is_reading = False
        self._read_at = 0.0
        self._took = 0.0

    def compose(self) -> ComposeResult:
        """Yield the rows, what stands in their place, and how many more there are."""
        yield self.table
        yield EmptyText(self._empty)
        yield self._line

    def on_mount(self) -> None:
        """Show neither rows nor their absence before it is known which."""
        self.query_one(EmptyText).display = False

    @property
    def chosen_row(self) -> Any:  # noqa: ANN401 - a row of any resource
        """The row under the cursor, as it was last read."""
        return None if self.table.cursor_id is None else self._model.row(self.table.cursor_id)

    # Following.

    def on_shown(self) -> None:
        """Read, and take the keys."""
        self.table.focus()
        self.on_changes(None)

    def on_changes(self, changes: Sequence[Change] | None) -> None:
        """Read again what may be another one now."""
        if changes is not None:
            changes = [change for change in changes if change.kind in self.resource.source.kinds]
            if not changes:
                return
        self._is_due = True
        self._model.forget()
        self._look()

    def on_tick(self, now: float) -> None:
        """Let the texts move that move with the clock."""
        self.table.tick(now)
        self._tell()
        self._look()

    def _look(self) -> None:
        is_soon = self._took >= SHORT and time.monotonic() - self._read_at < REST * self._took
        if self._is_due and not self._is_reading and not is_soon:
            self._is_reading = True
            self.screen_.work(self._read(), group=f"rows-{self.resource.name}")

    async def _read(self) -> None:
        try:
            while self._is_due:
                self._is_due, self._read_at = False, time.monotonic()
                await self._read_ids()
                self._took = time.monotonic() - self._read_at
                if self._took >= SHORT:
                    break
        finally:
            self._is_reading = False

    async def _read_ids(self) -> None:
        ids, self.total = await self.screen_.listing(_first, self.resource, self.screen_.session, self.query_)
        if list(self._model.ids) != ids:
            self._model.set_ids(ids)
            self.table.reordered()
        await self._read_rows(self.table.visible_ids())
        self.table.display = bool(ids)
        self.query_one(EmptyText).display = not ids
        self._changed()

    def _changed(self) -> None:
        """Have what is told of the row under the cursor told anew."""
        self._tell()
        self.screen_.details_changed()

    def _tell(self) -> None:
        row, more = self.chosen_row, self.total - len(self._model)
        parts = [(f"{more:,} more: {key_of(self, 'environment.list')} lists all", Tone.DIM)] if more > 0 else []
        if self._told is not None and row is not None:
            parts.insert(0, (self._told.text(row, time.time()), Tone.PLAIN))
        self._line.parts = parts

    async def _read_rows(self, ids: Sequence[int]) -> None:
        if ids:
            rows = await self.screen_.read(self.resource.source.rows, self.screen_.session, list(ids))
            self._model.put(rows)
            self.table.refresh_rows(ids)
            self._tell()

    def on_live_table_needed(self, message: LiveTable.Needed) -> None:
        """Read the rows that came into sight."""
        message.stop()
        self.screen_.work(self._read_rows(message.ids), group=f"needed-{self.resource.name}")

    # Keys.

    def on_live_table_highlighted(self, message: LiveTable.Highlighted) -> None:
        """Another row is under the cursor: other keys may be usable."""
        message.stop()
        self._changed()

    def on_live_table_marks_changed(self, message: LiveTable.MarksChanged) -> None:
        """Say what keys are about now."""
        message.stop()
        self.screen_.details_changed()

    def on_live_table_opened(self, message: LiveTable.Opened) -> None:
        """Go where the row is shown in full."""
        message.stop()
        if (row := self._model.row(message.id)) is not None:
            opens = self.resource.opens
            to = opens(row) if opens else address(self.resource.singular, self.resource.reference(row))
            self.screen_.console.go(to)

    def action_do(self, id_: str) -> None:
        """Have the screen carry out an action on the chosen rows."""
        if isinstance(self.screen, Acting):
            self.screen.action_do(id_)


def _first(resource: Resource[Any], session: Session, query: Query) -> tuple[list[int], int]:
    """Return the ids of the first rows, and how many there are in all."""
    ids: list[int] = []
    for part in resource.source.ids(session, query):
        ids.extend(islice(part, MOST - len(ids)))
        if len(ids) >= MOST:
            break
    return ids, len(ids) if len(ids) < MOST else resource.source.total(session, query)


@cache
def rows_pane(resource: Resource[Any]) -> type[RowsPane]:
    """Return the pane of a resource: its keys are those of the resource's actions."""
    bindings = [
        Binding(
            each.key,
            f"do('{each.id}')",
            each.title,
            id=f"{resource.name}.{each.id}",
            show=each.changes,
            tooltip=each.meaning,
        )
        for each in resource.actions
        if each.requery is None
    ]
    return type(f"{resource.name.title()}Pane", (RowsPane,), {"resource": resource, "BINDINGS": bindings})
