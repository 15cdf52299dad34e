"""One list screen for every resource: live, filtered, sorted, with marks and the keys that the declaration gives."""

from __future__ import annotations

import time
from array import array
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding

from core.errors import InvalidInputError
from core.resources.address import address
from core.resources.registry import resource as registered
from core.resources.resource import Query
from tui.screens.acting import Acting
from tui.screens.screen import ConsoleScreen
from tui.widgets.empty_text import EmptyText
from tui.widgets.filter_line import FilterLine
from tui.widgets.live_table import LiveTable
from tui.widgets.summary import Summary
from tui.widgets.table_model import TableModel
from tui.widgets.told_line import ToldLine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from core.projects.service import Project
    from core.resources.resource import Column, Resource
    from data.changes import Change
    from tui.app import Console

RELOAD_EVERY = 2.0
"""Seconds between two readings of a whole list that is sorted by a column, while things change."""
SHORT = 0.1
"""Seconds: a list that is read in less is read again whenever something changes."""


class ResourceList(Acting, ConsoleScreen):
    """The rows of a resource that match a query."""

    resource: Resource[Any]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", id="list.filter", tooltip="Show rows that hold a text; ! inverts."),
        Binding("s", "sort", "Sort", id="list.sort", tooltip="Sort by a column; the same column again turns it round."),
        Binding("d", "describe", "Describe", id="list.describe", show=False, tooltip="Show everything about the row."),
        Binding("y", "json", "JSON", id="list.json", show=False, tooltip="Show the row as JSON."),
        Binding("a", "add", "Add", id="list.add", tooltip="Make a new one."),
        Binding("e", "edit", "Edit", id="list.edit", tooltip="Change it in a form."),
        Binding("c", "copy", "Copy", id="list.copy", show=False, tooltip="Copy what names the rows."),
        Binding("C", "columns", "Columns", id="list.columns", show=False, tooltip="Choose the columns."),
    ]

    def __init__(self, query: Query) -> None:
        super().__init__()
        self.query_ = query
        self._model: TableModel[Any] = TableModel()
        self._awaits_rows = True
        self._total = 0
        self._is_complete = False
        self._loading: object | None = None
        self._is_following = False
        self._is_outdated = False
        self._news: list[Change] | None = []
        """What happened and is not shown yet; None: too much to tell."""
        self._loaded_at = 0.0
        self._load_took = 0.0
        self._table: LiveTable[Any] = LiveTable((), self._model, id="rows")
        self._told = ToldLine(self.resource)

    def body(self) -> ComposeResult:
        """Yield the counts, the table with what stands in its place when it is empty, and the lines below it."""
        yield Summary()
        yield self._table
        yield EmptyText(self.resource.empty)
        yield self._told
        yield FilterLine()

    def on_mount(self) -> None:
        """Begin to read."""
        self.query_one(EmptyText).display = False
        self._table.columns = self._columns()
        self._table.follows = self.resource.follows
        self.set_focus(self._table)
        self._requery(self.query_)

    # What is shown.

    @property
    def is_opening(self) -> bool:
        """Whether keys are about rows that are still being read."""
        return self._awaits_rows and self.focused in (None, self._table)

    @property
    def heading(self) -> str:
        """How many rows there are, of how many."""
        shown, unfinished = len(self._model), "" if self._is_complete else "+"
        marked = f"{len(self._table.marks)} marked · " if self._table.marks else ""
        if self.query_.text:
            return f"{marked}{shown:,}{unfinished} of {self._total:,}"
        return f"{marked}{shown if self._is_complete else max(self._total, shown):,}"

    def _columns(self) -> Sequence[Column[Any]]:
        chosen = self.console.view.get(self._columns_name, [])
        by_key = {column.key: column for column in self.resource.columns}
        # A column that was asked for is shown however narrow the terminal is.
        wanted = [replace(by_key[key], needs=0, wide=False) for key in map(str, chosen) if key in by_key]
        return wanted or [column for column in self.resource.columns if not column.wide]

    @property
    def _columns_name(self) -> str:
        return f"{self.resource.name}.columns"

    def action_columns(self) -> None:
        """Let the columns be chosen."""
        self.work(self._choose_columns(), group="choose")

    async def _choose_columns(self) -> None:
        from tui.screens.choose_some import ChooseSome  # noqa: PLC0415 - opened when somebody chooses

        columns = self.resource.columns
        shown = {column.key for column in self._columns()}
        options = [(column.title, column.meaning, column.key in shown) for column in columns]
        chosen = await self.console.push_screen_wait(ChooseSome("Columns", options))
        if chosen is not None:
            self.console.view.put(self._columns_name, [columns[number].key for number in chosen])
            self._table.columns = self._columns()

    def details_changed(self) -> None:
        """Tell anew what depends on the rows and on the cursor."""
        self._told.tell(self.chosen_row, time.time())
        super().details_changed()

    def turn(self, requery: Callable[[Query], Query]) -> None:
        """Show what another query asks for in the place of this list."""
        self._requery(requery(self.query_))

    def _requery(self, query: Query) -> None:
        self.query_ = query
        self._awaits_rows = True
        self.address = self.composed_address(self.console)
        self._table.sort = None if query.sort is None else (query.sort, query.descending)
        self.details_changed()
        self._begin_to_load()

    def _begin_to_load(self) -> None:
        self._loading = token = object()
        self.work(self._load(token), group="load")

    def composed_address(self, console: Console) -> str:
        """Return the address that leads to these rows in this order."""
        query = self.query_
        arguments = dict(query.where)
        if query.project != console.project and self.resource.scoped:
            arguments["project"] = query.project.name if query.project else "*"
        if query.sort:
            arguments["sort"] = f"-{query.sort}" if query.descending else query.sort
        words = [f"!{query.text}" if query.inverted else query.text] if query.text else []
        return address(self.resource.name, *words, **arguments)

    async def _load(self, token: object) -> None:
        """Read the ids, and then what happened meanwhile; should that fail, it is tried again."""
        self._is_outdated = True
        self._loaded_at = time.monotonic()
        try:
            await self._load_ids(self.query_)
            self._is_outdated = False
        finally:
            if self._loading is token:
                self._loading = None
                self._awaits_rows = False
            self._load_took = time.monotonic() - self._loaded_at
        self._follow_on()

    async def _load_ids(self, query: Query) -> None:
        """Read the ids in parts; a list that is read again stays as it is until all are there."""
        again = len(self._model) > 0
        parts = await self.listing(self.resource.source.ids, self.session, query)
        ids: array[int] = array("q")
        self._is_complete = False
        while (part := await self.listing(_next, parts)) is not None:
            ids.extend(part)
            if not again:
                fills_the_screen = len(self._model) < self._table.size.height
                self._model.extend(part)
                # What lies below is not in sight: only its length is new, once all is there.
                if fills_the_screen:
                    self._table.reordered()
                    self._awaits_rows = False
                self._say_how_many()
        self._total = await self.listing(self.resource.source.total, self.session, query)
        if again:
            self._model.set_ids(ids)
        self._table.reordered()
        self._is_complete = True
        await self._read_summary()
        self._say_how_many()

    async def _read_summary(self) -> None:
        if self.resource.summary is not None:
            self.query_one(Summary).parts = await self.read(self.resource.summary, self.session, self.query_)

    def _say_how_many(self) -> None:
        is_empty = self._is_complete and not len(self._model)
        self._table.display = not is_empty
        if not is_empty and self.focused is None:  # a list that was empty for a while has lost its keys
            self.set_focus(self._table)
        empty = self.query_one(EmptyText)
        empty.display = is_empty
        is_turned = any(action.requery for action in self.resource.actions)  # a list has such filters at any time
        empty.is_filtered = bool(self.query_.text or (self.query_.where and not is_turned))
        self.details_changed()

    # What goes on.

    def on_changes(self, changes: Sequence[Change] | None) -> None:
        """Take note of what happened: rows that changed are read again, new ones come in."""
        if changes is not None:
            changes = [change for change in changes if change.kind in self.resource.source.kinds]
            if not changes:
                return
        self._news = None if changes is None or self._news is None else [*self._news, *changes]
        self._follow_on()

    def on_tick(self, now: float) -> None:
        """Let the texts that move with the clock move, and catch up where there was no time for it."""
        self._table.tick(now)
        self._told.tell(self.chosen_row, now)
        self._follow_on()

    def _follow_on(self) -> None:
        """Follow what happened, in its order: nothing is let go of because more happened meanwhile."""
        if self._loading is not None or self._is_following:
            return
        if self._is_outdated:
            # Of a long list that changes all the time, each reading must come to its end.
            if self._load_took < SHORT or time.monotonic() - self._loaded_at >= RELOAD_EVERY:
                self._begin_to_load()
        elif self._news != []:
            self._is_following = True
            self.work(self._follow(), group="follow")

    async def _follow(self) -> None:
        news, self._news = self._news, []
        try:
            await self._take_note(news)
        except BaseException:
            self._news = None
            raise
        finally:
            self._is_following = False
        self._follow_on()

    async def _take_note(self, changes: Sequence[Change] | None) -> None:
        touched = None if changes is None else self.resource.source.touched(self.session, changes)
        is_all = touched is None or any(change.subject not in touched for change in changes or ())
        self._model.forget(None if is_all else touched)
        if touched is None or (self.query_.sort is not None and touched):
            self._is_outdated = True
        elif touched:
            await self._take_in(sorted(touched, reverse=not self.query_.descending))
        visible = self._table.visible_ids()
        await self._read_rows([id_ for id_ in visible if is_all or id_ in (touched or ())])
        await self._read_summary()

    async def _take_in(self, touched: Sequence[int]) -> None:
        """Let rows in that belong here now, and let go of those that do not any more."""
        query = self.query_
        matching = set(await self.read(self.resource.source.matching, self.session, query, touched))
        if query is not self.query_ or self._loading is not None:
            return  # what is read anew holds it already
        gone = [id_ for id_ in touched if id_ not in matching and self._model.index_of(id_) is not None]
        new = [id_ for id_ in touched if id_ in matching and self._model.index_of(id_) is None]
        if gone:
            self._model.remove(gone)
        for id_ in reversed(new):
            self._model.insert(_place_of(self._model.ids, id_, ascending=self.query_.descending), [id_])
        if gone or new:
            # At once: a key that comes now is about the rows as they are.
            self._table.reordered()
            if query.text:
                self._total = await self.read(self.resource.source.total, self.session, query)
            else:
                self._total = len(self._model)
            self._say_how_many()

    async def _read_rows(self, ids: Sequence[int]) -> None:
        if not ids:
            return
        found = await self.read(self.resource.source.rows, self.session, ids)
        self._model.put(found)
        self._table.refresh_rows(ids)
        if (gone := [id_ for id_ in ids if id_ not in found]) and self._loading is None:
            self._let_go(gone)
        if self._table.cursor_id in ids:  # what its keys can do may be something else now
            self.details_changed()

    def _let_go(self, gone: Sequence[int]) -> None:
        """Take rows out that are not there any more, where the list is not being read again anyway."""
        self._model.remove(gone)
        self._table.reordered()
        if not self.query_.text:
            self._total = len(self._model)
        self._say_how_many()

    async def on_live_table_needed(self, message: LiveTable.Needed) -> None:
        """Read the rows that came into sight."""
        self.work(self._read_rows(message.ids), group="rows")

    def on_live_table_highlighted(self) -> None:
        """Another row is under the cursor: other keys may be usable."""
        self.details_changed()

    def on_live_table_marks_changed(self) -> None:
        """Say how many are marked."""
        self.details_changed()

    # Filter and order.

    def action_filter(self) -> None:
        """Open the line for the filter."""
        self.query_one(FilterLine).open(f"!{self.query_.text}" if self.query_.inverted else self.query_.text)

    def on_filter_line_changed(self, message: FilterLine.Changed) -> None:
        """Show only what matches."""
        text = message.text.strip()
        self._requery(replace(self.query_, text=text.removeprefix("!").strip(), inverted=text.startswith("!")))

    def on_filter_line_closed(self) -> None:
        """Return to the rows."""
        self._table.focus()

    def step_back(self) -> bool:
        """Take the filter away, if there is one."""
        if not self.query_.text:
            return False
        self._requery(replace(self.query_, text="", inverted=False))
        return True

    def action_sort(self) -> None:
        """Let a column be chosen."""
        self.work(self._choose_order(), group="choose")

    async def _choose_order(self) -> None:
        from tui.screens.choose_one import ChooseOne  # noqa: PLC0415 - opened when somebody sorts

        columns = [column for column in self.resource.columns if column.sortable]
        options = [(column.title, column.meaning) for column in columns]
        options.append(("as it comes", "the list's own order"))
        chosen = await self.console.push_screen_wait(ChooseOne("Sort by", options))
        if chosen is None:
            return
        query = replace(self.query_, sort=None, descending=False)
        if chosen < len(columns):
            key = columns[chosen].key
            turned = self.query_.sort == key and not self.query_.descending
            query = replace(self.query_, sort=key, descending=turned)
        sign = "-" if query.descending else ""
        self.console.view.put(f"{self.resource.name}.sort", f"{sign}{query.sort or ''}")
        self._requery(query)

    # One row.

    async def on_live_table_opened(self, message: LiveTable.Opened) -> None:
        """Open the row."""
        self.work(self._open(message.id), group="ask")

    async def _open(self, id_: int) -> None:
        found = await self.read(self.resource.source.rows, self.session, [id_])
        if id_ in found:
            self.console.go(self._address_of(found[id_]))

    def _address_of(self, row: Any) -> str:  # noqa: ANN401 - a row of any resource
        if self.resource.opens is not None:
            return self.resource.opens(row)
        return address(self.resource.singular, self.resource.reference(row))

    @property
    def chosen_ids(self) -> Sequence[int]:
        """The marked rows, else the one under the cursor."""
        return self._table.selection()

    @property
    def chosen_row(self) -> Any:  # noqa: ANN401
        """The row under the cursor, as it was last read."""
        return None if self._table.cursor_id is None else self._model.row(self._table.cursor_id)

    @property
    def shown_project(self) -> Project | None:
        """The project that the query names."""
        return self.query_.project

    def acted(self) -> None:
        """Let go of the marks: what was to be done with them was done."""
        self._table.marks = ()


def _next(parts: Iterator[Sequence[int]]) -> Sequence[int] | None:
    return next(parts, None)


def _place_of(ids: Sequence[int], id_: int, *, ascending: bool) -> int:
    """Return where an id belongs among ids that fall, or rise where `ascending`."""
    low, high = 0, len(ids)
    while low < high:
        middle = (low + high) // 2
        if (ids[middle] < id_) if ascending else (ids[middle] > id_):
            low = middle + 1
        else:
            high = middle
    return low


def _unused(resource: Resource[Any]) -> Sequence[Binding]:
    """Return keys of all lists that are never of use in this one: the line of keys has no room for them, help has."""
    form = resource.form
    can_add = bool(resource.adds) or (form is not None and form.can_add)
    unused = {action for action, can in (("add", can_add), ("edit", form is not None and form.can_edit)) if not can}
    made = (each for each in ResourceList.BINDINGS if isinstance(each, Binding))
    return [replace(each, show=False) for each in made if each.action in unused]


@cache
def screen_class(resource: Resource[Any]) -> type[ResourceList]:
    """Return the list screen of a resource: its keys are those of all lists and those of its actions."""
    bindings = [
        Binding(
            action.key, f"do('{action.id}')", action.title, id=f"{resource.name}.{action.id}", tooltip=action.meaning
        )
        for action in resource.actions
    ]
    bindings += _unused(resource)
    return type(f"{resource.name.title()}List", (ResourceList,), {"resource": resource, "BINDINGS": bindings})


async def _checked(console: Console, resource: Resource[Any], given: Mapping[str, str]) -> None:
    """Refuse values of filters that are none, rather than show a list that is empty because of a slip."""
    for each in resource.filters:
        value = given.get(each.key, "")
        if wrong := [one for one in value.split(",") if one and each.choices and one not in each.choices]:
            message = f"there is no {each.key} {wrong[0]!r:.120}: it is one of {', '.join(each.choices)}"
            raise InvalidInputError(message, field=each.key)
        if value and each.of:
            await console.read(registered(each.of).find, console.session, console.project, value)


async def list_screen(
    console: Console, resource: Resource[Any], words: Sequence[str], given: Mapping[str, str]
) -> ResourceList:
    """Return the list of a resource that an address asks for.

    Raises:
        InvalidInputError: there is no such filter or column.
        NotFoundError: there is no such project.
    """
    arguments = dict(given)
    project = console.project if resource.scoped else None
    if resource.scoped and (name := arguments.pop("project", None)) is not None:
        project = None if name == "*" else await console.read(console.session.projects.get, name)
    sort = arguments.pop("sort", None)
    if sort:
        resource.column(sort.removeprefix("-"))
    if sort is None:
        kept = str(console.view.get(f"{resource.name}.sort", ""))
        sort = kept if kept.removeprefix("-") in {column.key for column in resource.columns} else ""
    known = [each.key for each in resource.filters]
    if unknown := [key for key in arguments if key not in known]:
        message = f"{resource.name} have no filter {unknown[0]!r}: {', '.join(known) or 'there is none'}"
        raise InvalidInputError(message, field=unknown[0])
    await _checked(console, resource, arguments)
    text = " ".join(words)
    query = Query(
        project,
        text.removeprefix("!").strip(),
        inverted=text.startswith("!"),
        where=arguments,
        sort=sort.removeprefix("-") or None,
        descending=sort.startswith("-"),
    )
    # What cannot be is said here, where one came from.
    await console.read(resource.source.matching, console.session, query, [])
    screen = screen_class(resource)(query)
    screen.address = screen.composed_address(console)
    return screen
