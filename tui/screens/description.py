"""Everything about one row, as lines of a label and a text; those that lead somewhere can be opened."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding

from core.errors import InvalidInputError
from core.json_text import json_text
from core.resources.address import address
from core.resources.resource import Pair, Resource, Section
from tui.screens.acting import Acting
from tui.widgets.description_view import DescriptionView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from data.changes import Change
    from tui.app import Console


class Description(Acting):
    """A row in full; `as_json` shows it as a script would get it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "json", "JSON", id="description.json", tooltip="Show it as JSON."),
        Binding("e", "edit", "Edit", id="description.edit", tooltip="Change it in a form."),
        Binding("c", "copy_line", "Copy", id="description.copy", tooltip="Copy the text of this line."),
    ]

    def __init__(self, id_: int, row: Any, *, as_json: bool = False) -> None:  # noqa: ANN401
        super().__init__()
        resource = self.resource
        self._key = id_
        self._row = row
        self._as_json = as_json
        word = "json " if as_json else ""
        self.address = f"{word}{address(resource.singular, resource.reference(row))}"
        self._view = DescriptionView()

    def body(self) -> ComposeResult:
        """Yield the lines."""
        yield self._view

    def on_mount(self) -> None:
        """Begin to read."""
        self._view.focus()
        self.work(self._load(), group="load")

    @property
    def chosen_ids(self) -> Sequence[int]:
        """The row."""
        return [self._key]

    @property
    def chosen_row(self) -> Any:  # noqa: ANN401
        """The row as it was last read."""
        return self._row

    def on_changes(self, changes: Sequence[Change] | None) -> None:
        """Read the row again when something happened that may concern it."""
        if changes is None or any(change.kind in self.resource.source.kinds for change in changes):
            self.work(self._load(), group="load")

    def on_description_view_followed(self, message: DescriptionView.Followed) -> None:
        """Go where the line leads."""
        self.console.go(message.address)

    def action_copy_line(self) -> None:
        """Copy the text of the line under the cursor."""
        self.console.copy(self._view.current_text)

    async def _load(self) -> None:
        found = await self.read(self.resource.source.rows, self.session, [self._key])
        if self._key not in found:
            self.console.warn(f"the {self.resource.singular} is gone")
            return
        self._row = found[self._key]
        self._view.sections = await self._sections()

    async def _sections(self) -> Sequence[Section]:
        if self._as_json:
            text = json_text(self.resource.as_json(self._row))
            return [Section("", [Pair("", line) for line in text.splitlines()])]
        if self.resource.describe is not None:
            return await self.read(self.resource.describe, self.session, self._row)
        pairs = [Pair(column.title.capitalize(), column.text(self._row, 0)) for column in self.resource.columns]
        return [Section("", pairs)]


@cache
def description_class(resource: Resource[Any]) -> type[Description]:
    """Return the description of a resource's rows, with the keys of its actions."""
    bindings = [
        Binding(
            action.key, f"do('{action.id}')", action.title, id=f"{resource.name}.{action.id}", tooltip=action.meaning
        )
        for action in resource.actions
        if action.requery is None
    ]
    return type(f"{resource.singular.title()}Description", (Description,), {"resource": resource, "BINDINGS": bindings})


async def description_screen(
    console: Console,
    resource: Resource[Any],
    words: Sequence[str],
    given: Mapping[str, str],
    *,
    as_json: bool = False,
) -> Description:
    """Return the description of the row that an address names.

    Raises:
        NotFoundError: there is no such row.
    """
    id_, row = await found_row(console, resource, words, given)
    return description_class(resource)(id_, row, as_json=as_json)


async def found_row(
    console: Console, resource: Resource[Any], words: Sequence[str], given: Mapping[str, str]
) -> tuple[int, Any]:
    """Return the id and the row that an address names, by what somebody types or by `id=`."""
    if "id" in given:
        return await console.read(_row_by_id, console, resource, given["id"])
    if len(words) != 1:
        message = f"name one {resource.singular}, such as `{resource.singular} NAME`: `:{resource.name}` lists them"
        raise InvalidInputError(message, field=resource.singular)
    return await console.read(_row_by_reference, console, resource, words[0], given.get("project"))


def _row_by_id(console: Console, resource: Resource[Any], text: str) -> tuple[int, Any]:
    from core.errors import NotFoundError  # noqa: PLC0415 - for a mistake only

    if text.isascii() and text.isdecimal() and len(text) < 19:
        found = resource.source.rows(console.session, [int(text)])
        if int(text) in found:
            return int(text), found[int(text)]
    message = f"there is no {resource.singular} with id {text!r}"
    raise NotFoundError(message, field=resource.singular)


def _row_by_reference(
    console: Console, resource: Resource[Any], reference: str, project_name: str | None
) -> tuple[int, Any]:
    session = console.session
    project = console.project if project_name is None else session.projects.get(project_name)
    row = resource.find(session, project, reference)
    return resource.key(row), row
