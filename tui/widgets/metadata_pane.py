"""What an execution measured: a table of its metadata keys, and a plot of the marked ones that follows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.widget import Widget

from core.resources.resource import Empty
from core.text import plain
from tui.widgets.empty_text import EmptyText
from tui.widgets.filter_line import FilterLine
from tui.widgets.live_table import LiveTable
from tui.widgets.metadata_keys import X_KEYS, KeyRow, columns, defaults, with_statistics
from tui.widgets.metadata_reading import NUMBER, TIME, MetadataReading
from tui.widgets.pane import Pane
from tui.widgets.plot import Plot
from tui.widgets.plot_axis import Kind
from tui.widgets.plot_picture import SYMBOLS, Axes, Curve
from tui.widgets.table_model import TableModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import Resize

    from core.executions.execution import Execution

APART = 0.9
"""Seconds between two looks at what was printed; the first after a rest is made at once."""
REDRAWN = 0.4
"""Seconds between two pictures while much is read."""
WIDE = 100
MOST_DEFAULTS = 3
"""Curves that are drawn before somebody has chosen."""
_EMPTY = Empty(
    "No metadata yet. What a step prints as JSON, one object on a line of its own, is kept here and plotted.",
    'For example: print(json.dumps({"epoch": 1, "accuracy": 0.9}))',
)
_X_NAMES = {NUMBER: "number of the point", TIME: "time since the start"}


_LOOK: list[Binding] = [
    Binding("left", "look(-1)", "Read values", id="metadata.left", show=False, tooltip="Read values further left."),
    Binding("right", "look(1)", "Read values", id="metadata.right", show=False, tooltip="Read values further on."),
    Binding(
        "shift+left",
        "look(-10)",
        "Further left",
        id="metadata.far-left",
        show=False,
        tooltip="Move the plot's cursor ten columns to the left.",
    ),
    Binding(
        "shift+right",
        "look(10)",
        "Further right",
        id="metadata.far-right",
        show=False,
        tooltip="Move the plot's cursor ten columns to the right.",
    ),
]
"""What moves the plot's cursor, whichever of the two has the focus."""


class KeyTable(LiveTable[KeyRow]):
    """The keys; left and right move the plot's cursor, since all columns that matter fit."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Plot", id="metadata.plot", tooltip="Plot the key, or no longer."),
        Binding("enter", "only", "Only this", id="metadata.only", show=False, tooltip="Plot this key alone."),
        *_LOOK,
        Binding(
            "less_than_sign",
            "sideways(-1)",
            "Columns left",
            id="metadata.columns-left",
            show=False,
            tooltip="Show columns of the table further left.",
        ),
        Binding(
            "greater_than_sign",
            "sideways(1)",
            "Columns right",
            id="metadata.columns-right",
            show=False,
            tooltip="Show columns of the table further right.",
        ),
    ]

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Have it read what came into sight."""
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.Needed(self, ()))

    def action_only(self) -> None:
        """Mark the row under the cursor and no other."""
        if self.cursor_id is not None:
            self.marks = {self.cursor_id}

    def action_look(self, by: int) -> None:
        """Move the plot's cursor."""
        self.screen.query_one(Plot).move_cursor(by)


class MetadataPane(Pane):
    """Keys that are marked are plotted, of this execution and of the `others` that it is compared with."""

    DEFAULT_CSS = """
    MetadataPane { layout: vertical; }
    MetadataPane > KeyTable { height: 35%; min-height: 4; }
    MetadataPane > Plot { height: 1fr; padding: 0 1 0 0; }
    MetadataPane.-wide { layout: horizontal; }
    MetadataPane.-wide > KeyTable { width: 44%; height: 1fr; max-width: 72; }
    MetadataPane.-wide > Plot { width: 1fr; padding: 0 1; }
    MetadataPane > FilterLine { dock: bottom; }
    MetadataPane.-plot > KeyTable { display: none; }
    MetadataPane.-table > Plot { display: none; }
    MetadataPane.-table > KeyTable { height: 1fr; width: 1fr; max-width: 100%; }
    MetadataPane.-empty > KeyTable, MetadataPane.-empty > Plot { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *_LOOK,
        Binding("x", "x_axis", "X axis", id="metadata.x-axis", tooltip="Choose what the x axis shows."),
        Binding("L", "log('y')", "Log y", id="metadata.log-y", tooltip="Have a logarithmic y axis, or a linear one."),
        Binding("H", "log('x')", "Log x", id="metadata.log-x", tooltip="Have a logarithmic x axis, or a linear one."),
        Binding("z", "zoom", "Larger", id="metadata.zoom", tooltip="Show the plot alone, the table alone, or both."),
        Binding("slash", "filter", "Filter", id="metadata.filter", show=False, tooltip="Show keys with these words."),
        Binding(
            "backspace",
            "no_cursor",
            "No cursor",
            id="metadata.no-cursor",
            show=False,
            tooltip="Take the plot's cursor away: the newest values are shown again.",
        ),
    ]

    def __init__(self, execution: Execution, others: Sequence[Execution] = ()) -> None:
        super().__init__()
        self._executions = [execution, *others]
        self._reading = MetadataReading(self._executions)
        self._model: TableModel[KeyRow] = TableModel(kept=20_000)
        self._table = KeyTable(columns(self._executions, narrow=False), self._model)
        self._plot = Plot()
        self._filter = ""
        self._chosen = False
        self._busy = False
        self._due = False
        self._shown = False
        self._looked_at = 0.0
        self._drawn_at = 0.0

    def compose(self) -> ComposeResult:
        """Yield the table, the plot, and what stands in their place."""
        yield self._table
        yield self._plot
        yield EmptyText(_EMPTY)
        yield FilterLine()

    def on_mount(self) -> None:
        """Show neither keys nor their absence before it is known which."""
        self.query_one(EmptyText).display = False
        self.set_class(True, "-empty")
        view = self.screen_.console.view
        self._x = str(view.get("metadata.x", ""))
        self._log = {"x": bool(view.get("metadata.log_x", False)), "y": bool(view.get("metadata.log_y", False))}

    def on_resize(self, event: Resize) -> None:
        """Put the plot beside the table where there is room, else below it."""
        is_wide = event.size.width >= WIDE
        if is_wide != self.has_class("-wide"):
            self.set_class(is_wide, "-wide")
            self._table.columns = columns(self._executions, narrow=is_wide)
        self.call_after_refresh(self._look)

    # What the screen tells.

    def on_shown(self) -> None:
        """Read, and take the keys."""
        self._shown = True
        self._look()
        self._table.focus()

    def _take_keys(self) -> None:
        """Take the focus from what is not to be seen, which is where it falls while the table is empty."""
        focused = self.screen.focused
        if focused is None or not all(node.display for node in focused.ancestors_with_self if isinstance(node, Widget)):
            (self._plot if self.has_class("-plot") else self._table).focus()

    def on_hidden(self) -> None:
        """Read no more."""
        self._shown = False

    def execution_changed(self, execution: Execution) -> None:
        """Leave no more room at the right once nothing more will come."""
        self._executions[0] = execution
        self._draw()

    def on_commit(self) -> None:
        """Look for more, at once after a rest."""
        self._due = True
        if time.monotonic() - self._looked_at >= APART:
            self._look()

    def on_tick(self, now: float) -> None:  # noqa: ARG002 - the plot does not move with the clock
        """Look for what was put off."""
        if self._due:
            self._look()

    # Reading.

    def _look(self) -> None:
        self._due = True
        if self._shown and not self._busy:
            self._busy = True
            self.screen_.work(self._read(), group="metadata")

    async def _read(self) -> None:
        try:
            while self._due and self._shown:
                self._due, self._looked_at = False, time.monotonic()
                await self._read_newest()
                await self._read_curves()
                await self._read_statistics()
        finally:
            self._busy = False

    async def _read_newest(self) -> None:
        found = set()
        while more := await self.screen_.read(self._reading.read_newest, self.screen_.session.executions):
            found |= more
        is_new = any(self._model.row(key) is None for key in found)
        # Rows in sight follow with what their points add up to, so that they are drawn once.
        in_sight = frozenset() if is_new else frozenset(self._table.visible_ids())
        self._model.put({key: self._row(key) for key in found - in_sight})
        if is_new or not self._model.ids:
            self._list_keys()

    def _row(self, key: int) -> KeyRow:
        row, series = self._reading.row(key), self._reading.statistics(key, self._x_key)
        return row if series is None else with_statistics(row, series)

    async def _read_curves(self) -> None:
        drawn = False
        for key, number in self._curves():
            while True:
                some, more = await self.screen_.read(
                    self._reading.read_curve, self.screen_.session.executions, number, key, self._x_key
                )
                drawn = drawn or some
                if some and time.monotonic() - self._drawn_at > REDRAWN:
                    self._draw()
                if not more:
                    break
        if drawn:
            self._draw()

    async def _read_statistics(self) -> None:
        """Read what is not known of the keys in sight, only of these: there may be thousands."""
        for key in [*self._table.visible_ids()]:
            more = self._reading.is_behind(key, self._x_key)
            while more:
                _, more = await self.screen_.read(
                    self._reading.read_statistics, self.screen_.session.executions, key, self._x_key
                )
            row = self._row(key)
            if row != self._model.row(key):
                self._model.put({key: row})
                self._table.refresh_rows([key])

    def on_live_table_needed(self, message: LiveTable.Needed) -> None:
        """Read about keys that came into sight."""
        message.stop()
        self._look()

    def on_live_table_highlighted(self, message: LiveTable.Highlighted) -> None:
        """Read about keys that came into sight."""
        message.stop()
        if any(self._reading.is_behind(key, self._x_key) for key in self._table.visible_ids()):
            self._look()

    # Which keys there are, and which are plotted.

    def _list_keys(self) -> None:
        ids = self._reading.ids(self._filter)
        is_empty = not self._reading.names
        self._model.set_ids(ids)
        self.set_class(is_empty, "-empty")
        self.query_one(EmptyText).display = is_empty
        self._table.reordered()
        self._take_keys()
        if ids:  # what is in sight is known only then; without any, looking again would never end
            self.call_after_refresh(self._look)
        if not self._chosen and not is_empty:
            self._table.marks = self._preferred()
        self.screen_.details_changed()

    def _preferred(self) -> set[int]:
        """Return the keys that were plotted at the last visit, else those that matter most."""
        by_name = {name: key for key, name in self._reading.names.items()}
        kept = [by_name[name] for name in self.screen_.console.view.get("metadata.keys", []) if name in by_name]
        names = {key: self._reading.names[key] for key in self._reading.ids("")}
        return set(kept or defaults(names, self._is_plottable, MOST_DEFAULTS // len(self._executions)))

    def _is_plottable(self, key: int) -> bool:
        return not self._reading.row(key).is_text

    def on_live_table_marks_changed(self, message: LiveTable.MarksChanged) -> None:
        """Plot what is marked."""
        message.stop()
        if self._reading.names and self._table.marks != self._preferred():
            self._chosen = True
            names = [self._reading.names[key] for key in self._table.marks if key in self._reading.names]
            self.screen_.console.view.put("metadata.keys", sorted(names))
        self._curves_changed()

    def _curves_changed(self) -> None:
        self._reading.keep({(key, number) for key, number in self._curves()}, self._x_key)
        symbols = {key: SYMBOLS[place] for place, (key, number) in enumerate(self._curves()) if number == 0}
        changed = self._reading.set_symbols(symbols if len(self._executions) == 1 else {})
        for key in changed:
            if (row := self._model.row(key)) is not None:
                self._model.put({key: self._reading.marked(key, row)})
        self._table.refresh_rows(changed)
        self._draw()
        self._look()

    def _curves(self) -> list[tuple[int, int]]:
        """Return what is plotted: a key, and the number of the execution."""
        marks = self._table.marks
        keys = [key for key in self._reading.ids("") if key in marks] if marks else []
        return [(key, number) for key in keys for number in range(len(self._executions))][: len(SYMBOLS)]

    # The plot.

    @property
    def _x_key(self) -> str | None:
        """The key whose values the x axis shows, None where it shows numbers or times."""
        if self._x in (NUMBER, TIME):
            return None
        wanted = self._x.removeprefix("key:")
        if wanted in self._reading.known:
            return wanted
        keys = ((name, self._reading.known.get(name)) for name in X_KEYS)
        counting = (name for name, key in keys if key and self._reading.is_common(key) and self._is_plottable(key))
        return next(counting, None)

    def _draw(self) -> None:
        self._drawn_at = time.monotonic()
        if not self.is_mounted or not self._reading.names:
            return
        curves = self._curves()
        drawn = [Curve(self._label(key, number), self._points(key, number)) for key, number in curves]
        x_key = self._x_key
        axes = Axes(
            x_title=plain(x_key, limit=40) if x_key else "time" if self._x == TIME else "point",
            x_kind=Kind.SECONDS if self._x == TIME else Kind.NUMBER,
            x_log=self._log["x"],
            y_log=self._log["y"],
            growing=not self._executions[0].is_final,
        )
        self._plot.show(drawn, axes, self._note(curves))

    def _label(self, key: int, number: int) -> str:
        name = plain(self._reading.names[key], limit=100)
        return f"#{self._executions[number].counter} {name}" if len(self._executions) > 1 else name

    def _points(self, key: int, number: int) -> list[tuple[float, float]]:
        series = self._reading.curve(key, number, self._x_key)
        if series is None:
            return []
        if self._x_key is not None:
            return [(sample.x, sample.value) for sample in series.samples()]
        if self._x == TIME:
            execution = self._executions[number]
            start = execution.started_at or execution.created_at
            return [(sample.at - start, sample.value) for sample in series.samples()]
        return [(sample.number + 1.0, sample.value) for sample in series.samples()]

    def _note(self, curves: Sequence[tuple[int, int]]) -> str:
        """Return what is not on the plot, and why."""
        if not curves:
            return "space plots the key under the cursor"
        notes = [self._reading.missing(key, number, self._x_key) for key, number in curves]
        marked = len(self._table.marks) * len(self._executions)
        if marked > len(curves):
            notes.append(f"the first {len(curves)} of {marked} curves")
        return "; ".join(dict.fromkeys(filter(None, notes)))

    # Keys.

    def action_x_axis(self) -> None:
        """Let the person choose what the x axis shows."""
        from tui.screens.search_one import SearchOne  # noqa: PLC0415 - made when it is opened

        names = sorted(name for key, name in self._reading.names.items() if not self._reading.row(key).is_text)
        at = self._x_key or _X_NAMES[TIME if self._x == TIME else NUMBER]
        self.app.push_screen(SearchOne("what the x axis shows", [*_X_NAMES.values(), *names], at=at), self._x_chosen)

    def _x_chosen(self, chosen: str | None) -> None:
        if chosen is None:
            return
        self._x = next((x for x, name in _X_NAMES.items() if name == chosen), f"key:{chosen}")
        self.screen_.console.view.put("metadata.x", self._x)
        self._curves_changed()

    def action_log(self, axis: str) -> None:
        """Turn an axis from linear to logarithmic, or back."""
        self._log[axis] = not self._log[axis]
        self.screen_.console.view.put(f"metadata.log_{axis}", self._log[axis])
        self._draw()

    def action_zoom(self) -> None:
        """Show both, the plot alone, the table alone."""
        was_plot, was_table = self.has_class("-plot"), self.has_class("-table")
        self.set_class(not was_plot and not was_table, "-plot")
        self.set_class(was_plot, "-table")
        self.call_after_refresh(self._take_keys)

    def action_look(self, by: int) -> None:
        """Move the plot's cursor."""
        self._plot.move_cursor(by)

    def action_no_cursor(self) -> None:
        """Take the plot's cursor away."""
        self._plot.move_cursor(None)

    def action_filter(self) -> None:
        """Let the person type words that a key has to have."""
        self.query_one(FilterLine).open(self._filter)

    def on_filter_line_changed(self, message: FilterLine.Changed) -> None:
        """Show the keys that match."""
        message.stop()
        self._filter = message.text
        self._list_keys()
        self._look()

    def on_filter_line_closed(self, message: FilterLine.Closed) -> None:
        """Return to the table."""
        message.stop()
        self._table.focus()
