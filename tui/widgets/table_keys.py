"""The keys of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding

if TYPE_CHECKING:
    from textual.binding import BindingType

TABLE_KEYS: list[BindingType] = [
    Binding("up,k", "move(-1)", "Up", id="table.up", show=False, tooltip="Go to the row above."),
    Binding("down,j", "move(1)", "Down", id="table.down", show=False, tooltip="Go to the row below."),
    Binding("pageup", "page(-1)", "Page up", id="table.page-up", show=False, tooltip="Go up by a screenful."),
    Binding("pagedown", "page(1)", "Page down", id="table.page-down", show=False, tooltip="Go down by a screenful."),
    Binding("home,g", "first", "First", id="table.first", show=False, tooltip="Go to the first row."),
    Binding("end,G", "last", "Last", id="table.last", show=False, tooltip="Go to the last row."),
    Binding("left", "sideways(-1)", "Left", id="table.left", show=False, tooltip="Show columns further left."),
    Binding("right", "sideways(1)", "Right", id="table.right", show=False, tooltip="Show columns further right."),
    Binding("enter", "open", "open", id="table.open", show=False, tooltip="Open the row under the cursor."),
    Binding("space", "mark", "Mark", id="table.mark", tooltip="Mark the row, or take its mark away, and go down."),
    Binding(
        "v",
        "mark_range",
        "mark to here",
        id="table.mark-range",
        show=False,
        tooltip="Mark all rows from the last one that was marked to this one.",
    ),
    Binding("u", "unmark", "unmark", id="table.unmark", show=False, tooltip="Take all marks away."),
]
