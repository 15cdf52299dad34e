"""One environment: how its machines stand, what waits and why, how it was, and its limits, which are changed here."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding
from textual.containers import Vertical

from core.environments.loads import load
from core.errors import InvalidInputError, ShoalError
from core.quantities import age, duration, money
from core.resources.address import address
from core.resources.environment_form import ENVIRONMENT_FORM
from core.resources.environments import ENVIRONMENTS
from core.resources.form import excuse, headline
from core.resources.registry import resource
from core.resources.resource import Consequence, Empty, Query, Tone
from tui.screens.acting import Acting
from tui.screens.description import found_row
from tui.widgets.gauge import Gauge
from tui.widgets.limits_pane import LimitsPane
from tui.widgets.rows_pane import RowsPane, rows_pane
from tui.widgets.summary import Summary
from tui.widgets.tabs import Tabs
from tui.widgets.trend import Trend, last_hour

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from core.environments.loads import Load
    from core.resources.resource import Resource
    from data.changes import Change
    from tui.app import Console
    from tui.widgets.pane import Pane

PANES = ("queue", "machines", "history", "limits")
LISTS = ("queue", "machines")
TALL = 32
"""Lines from which the queue and the machines are shown together."""
FORESEEN_EVERY = 15.0
"""Seconds between two looks at when a machine is free."""
PAUSE = 0.4
"""Seconds without another key after which a new maximum is thought through."""
_WIDTHS: Mapping[str, Mapping[str, int]] = {
    "queue": {"environment": 0, "project": 10, "step": 10, "user": 8, "why": 44},
    "machines": {"environment": 0, "state": 16, "execution": 22},
}
"""What columns of the lists have another width than where there is no environment around them, 0 for no column."""
KINDS = frozenset({"environment", "machine", "execution"})
_NO_MACHINES = Empty(
    "No machine is present.", "They come when something waits, and leave when they were idle for long."
)
_NO_QUEUE = Empty("Nothing waits here and nothing runs.", "What is started in this environment stands here first.")


class EnvironmentScreen(Acting):
    """An environment; panes are made when they are first shown. Row keys act on the pane that has the focus."""

    DEFAULT_CSS = """
    EnvironmentScreen Trend { display: none; }
    EnvironmentScreen Trend.-shown { display: block; }
    EnvironmentScreen #room > Pane { height: 1fr; }
    EnvironmentScreen #room.-both > .-machines { height: 40%; border-top: solid $primary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(
                str(number), f"pane('{name}')", name, id=f"environment.{name}", show=False, tooltip=f"Show the {name}."
            )
            for number, name in enumerate(PANES, 1)
        ),
        Binding("tab", "next_pane(1)", "Next pane", id="environment.next_pane", show=False, priority=True),
        Binding("shift+tab", "next_pane(-1)", "Pane before", id="environment.back_pane", show=False, priority=True),
        Binding(
            "e", "limits", "Limits", id="environment.edit", tooltip="Change its limits, and see what they would do."
        ),
        Binding(
            "greater_than_sign",
            "scale(1)",
            "Maximum",
            id="environment.more",
            tooltip="Allow one more machine; asks first.",
        ),
        Binding(
            "less_than_sign",
            "scale(-1)",
            "Less",
            id="environment.less",
            show=False,
            tooltip="Allow one machine less; asks first.",
        ),
        Binding("o", "list", "List", id="environment.list", show=False, tooltip="List these rows in full."),
        Binding("d", "describe", "Describe", id="environment.describe", show=False, tooltip="Show all about the row."),
        Binding("y", "json", "JSON", id="environment.json", show=False, tooltip="Show it as JSON."),
    ]

    def __init__(self, row: Load, *, pane: str = PANES[0]) -> None:
        super().__init__()
        self.load = row
        self._shown = pane
        self._panes: dict[str, Pane] = {}
        self._scale: int | None = None
        self._doing = ""
        self._is_due = False
        self._is_reading = False
        self._free_at: float | None = None
        self._foreseen_at = 0.0
        self._gauge = Gauge()
        self._work_line = Summary()
        self._limits_line = Summary()
        self._trend = Trend()

    def body(self) -> ComposeResult:
        """Yield how it stands in three lines, the names of the panes, and the room for those that are shown."""
        yield self._gauge
        yield self._work_line
        yield self._limits_line
        yield self._trend
        yield Tabs(PANES)
        yield Vertical(id="room")

    async def on_mount(self) -> None:
        """Show the first pane."""
        self._show_load()
        await self._show(self._shown)
        self.on_tick(time.time())

    @property
    def heading(self) -> str:
        """Whether it takes executions, and of which kind it is."""
        environment = self.load.environment
        return f"{'on' if environment.enabled else 'OFF'} · {environment.kind}"

    # What keys act on.

    @property
    def resource(self) -> Resource[Any]:  # type: ignore[override]
        """What the rows of the list are that has the focus; elsewhere, the environment itself is meant."""
        rows = self._rows
        return ENVIRONMENTS if rows is None else rows.resource

    @property
    def _rows(self) -> RowsPane | None:
        focused = self.focused
        of_focus = (node for node in focused.ancestors_with_self if isinstance(node, RowsPane)) if focused else iter(())
        return next(of_focus, None)

    @property
    def chosen_ids(self) -> Sequence[int]:
        """The marked rows or the one under the cursor, else the environment."""
        rows = self._rows
        return [self.load.environment.id] if rows is None else rows.table.selection()

    @property
    def chosen_row(self) -> Any:  # noqa: ANN401
        """The row under the cursor, else the environment."""
        rows = self._rows
        return self.load if rows is None else rows.chosen_row

    def acted(self) -> None:
        """Let go of the marks: what was to be done with them was done."""
        if (rows := self._rows) is not None:
            rows.table.marks = ()

    def refusal(self, action: str) -> str | None:
        """Return why a key cannot be used now."""
        if action == "limits" or action.startswith("scale("):
            if reason := self.write_refusal("environment.edit"):
                return reason
            return "the maximum is 0 already" if action == "scale(-1)" and self._wanted_scale == 0 else None
        if action == "list" and self._rows is None:
            return "there is no list here: 1 and 2 show them"
        return super().refusal(action)

    # Panes.

    async def action_pane(self, name: str) -> None:
        """Show a pane."""
        await self._show(name)

    async def action_next_pane(self, by: int) -> None:
        """Show the pane beside the one that is shown."""
        await self._show(PANES[(PANES.index(self._shown) + by) % len(PANES)])

    def on_resize(self) -> None:
        """Show the lists together where there is room for both."""
        if self._panes and self._is_tall != self._trend.has_class("-shown"):
            self.call_next(self._show, self._shown)

    @property
    def _is_tall(self) -> bool:
        return self.size.height >= TALL

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Mark the pane that was clicked at."""
        for name, pane in self._panes.items():
            if name != self._shown and pane in event.widget.ancestors_with_self:
                self._shown = name
                self._named()

    async def _show(self, name: str) -> None:
        both = name in LISTS and self._is_tall
        self._trend.set_class(self._is_tall, "-shown")
        room = self.query_one("#room")
        room.set_class(both, "-both")
        self._shown = name
        shown = LISTS if both else (name,)
        for other, pane in self._panes.items():
            if other not in shown and pane.display:
                pane.display = False
                pane.on_hidden()
        for each in shown:
            if each not in self._panes:
                self._panes[each] = self._made(each)
                await room.mount(self._panes[each])
            self._panes[each].display = True
        for each in shown:
            if each != name:
                self._panes[each].on_changes(None)
        self._panes[name].on_shown()
        self._named()

    def _named(self) -> None:
        self.address = address("environment", self.load.environment.slug, self._shown)
        self.query_one(Tabs).current = self._shown
        self.details_changed()

    def _made(self, name: str) -> Pane:
        if name == "history":
            from tui.widgets.history_pane import HistoryPane  # noqa: PLC0415 - made when it is first shown

            return HistoryPane(self.load.environment)
        if name == "limits":
            return LimitsPane(self.load)
        return self._list(name)

    def _list(self, name: str) -> RowsPane:
        empty = _NO_QUEUE if name == "queue" else _NO_MACHINES
        query = Query(where={"environment": self.load.environment.slug})
        pane = rows_pane(resource(name))(query, widths=_WIDTHS[name], told="why", empty=empty)
        pane.add_class(f"-{name}")
        return pane

    def action_list(self) -> None:
        """Go to the list that shows all of these rows, and filters and sorts them."""
        if reason := self.refusal("list"):
            self.console.warn(reason)
        else:
            self.console.go(address(self.resource.name, environment=self.load.environment.slug))

    # What goes on.

    def on_changes(self, changes: Sequence[Change] | None) -> None:
        """Read how it stands when something happened that may concern it; the panes that are shown hear of it, too."""
        if changes is not None and not any(change.kind in KINDS for change in changes):
            return
        self._is_due = True
        self._look()
        for pane in self._seen():
            pane.on_changes(changes)

    def on_tick(self, now: float) -> None:
        """Let texts move with the clock."""
        self._show_work(now)
        if self.load.waiting and time.monotonic() - self._foreseen_at >= FORESEEN_EVERY:
            self._foreseen_at = time.monotonic()
            self.work(self._foresee(), group="foresee")
        if self._trend.display and self._trend.is_due:
            self._trend.begin()
            self.work(self._read_trend(), group="trend")
        for pane in self._seen():
            pane.on_tick(now)

    async def _foresee(self) -> None:
        estimate = await self.listing(self.session.queue.next_free, self.load.environment.id)
        self._free_at = None if estimate is None or not estimate.median else time.time() + estimate.median
        self._show_work(time.time())

    async def _read_trend(self) -> None:
        self._trend.take(await self.read(last_hour, self.session, self.load.environment))

    def _seen(self) -> Sequence[Pane]:
        return [pane for pane in self._panes.values() if pane.display]

    def _look(self) -> None:
        if not self._is_reading:
            self._is_reading = True
            self.work(self._read_again(), group="environment")

    async def _read_again(self) -> None:
        try:
            while self._is_due:
                self._is_due = False
                await self._read_load()
        finally:
            self._is_reading = False

    async def _read_load(self) -> None:
        row = await self.read(load, self.session, self.load.environment)
        if row == self.load:
            return
        self.load = row
        self._show_load()
        if isinstance(limits := self._panes.get("limits"), LimitsPane):
            limits.take(row)
        self._named()

    def _show_load(self) -> None:
        self._gauge.load = self.load
        self._show_work(time.time())
        self._show_limits()

    def _show_work(self, now: float) -> None:
        self._work_line.parts = _work(self.load, now, self._free_at)

    def _show_limits(self) -> None:
        self._limits_line.parts = _limits(self.load, self._scale, self._doing)

    # The maximum scale, in place.

    @property
    def _wanted_scale(self) -> int:
        return self.load.environment.maximum_scale if self._scale is None else self._scale

    def step_back(self) -> bool:
        """Let go of a new maximum that was not decided about."""
        if self._scale is None:
            return False
        self._propose(None)
        return True

    def action_limits(self) -> None:
        """Open the form of the limits."""
        if reason := self.refusal("limits"):
            self.console.warn(reason)
        else:
            self.console.go(address("edit", "environment", self.load.environment.slug))

    def action_scale(self, by: int) -> None:
        """Propose another maximum; after a pause it is told what it would do, and asked for."""
        if reason := self.refusal(f"scale({by})"):
            self.console.warn(reason)
            return
        scale = self._wanted_scale + by
        self._propose(None if scale == self.load.environment.maximum_scale else scale)

    def _propose(self, scale: int | None) -> None:
        self._scale, self._doing = scale, "> and < go on, esc leaves it"
        self._show_limits()
        self.work(self._decide(), group="scale")

    async def _decide(self) -> None:
        """Ask whether the proposed maximum is wanted, and set it."""
        if (scale := self._scale) is None:
            return
        try:
            await asyncio.sleep(PAUSE)
            self._doing = "simulating…"
            self._show_limits()
            row, answers = self.load, {"maximum_scale": str(scale)}
            detail = await self._forecast(row, answers)
            self._doing = "it waits for your answer"
            self._show_limits()
            question = f"Maximum scale of {row.environment.slug}: {row.environment.maximum_scale} → {scale}?"
            if await self.console.decide(Consequence(question, detail)):
                self.finish(self._set(row, answers))
        finally:
            if self._scale == scale:  # else another one was proposed meanwhile
                self._scale = None
                self._show_limits()

    async def _forecast(self, row: Load, answers: Mapping[str, str]) -> str:
        """Return what new limits would do: to what is here now, and to what came of late, as far as that is known."""
        form = ENVIRONMENT_FORM
        told = [await self.read(form.consequence, self.session, row, answers)] if form.consequence else []
        if form.preview is not None:
            try:
                sections = await self.long(form.preview, self.session, row, answers)
                told.append(headline(sections, of_what=True) or excuse(sections))
            except ShoalError as error:
                told.append(f"no forecast: {error.message}")
        return "\n\n".join(text[:1].upper() + text[1:] for text in told if text)

    async def _set(self, row: Load, answers: Mapping[str, str]) -> None:
        form = ENVIRONMENT_FORM
        await self.act(form.edited, self.session, row, answers, form.seen(row))
        self.console.tell(f"maximum scale of {row.environment.slug}: {answers['maximum_scale']}")


def _work(row: Load, now: float, free_at: float | None) -> Sequence[tuple[str, Tone]]:
    """Return how much is done and waited for."""
    parts = [(f"{row.running} running", Tone.BUSY if row.running else Tone.DIM)]
    waiting = f"{row.waiting:,} waiting"
    if row.oldest is not None:
        waiting += f", the first for {age(now - row.oldest)}"
    free = [] if free_at is None or not row.waiting else [(f"next machine free in ~{age(free_at - now)}", Tone.DIM)]
    today = [(f"{row.cost_today / 1_000_000:,.2f} today", Tone.DIM)] if row.cost_today else []
    return [*parts, (waiting, Tone.WAITING if row.waiting else Tone.DIM), *free, *today]


def _limits(row: Load, scale: int | None, doing: str) -> Sequence[tuple[str, Tone]]:
    """Return the limits that are met most, the proposed one beside the one that holds."""
    environment = row.environment
    most = f"{environment.minimum_scale} to {environment.maximum_scale} machines"
    quota = f"{environment.per_user_quota} for each user" if environment.per_user_quota else "no quota of users"
    if scale is not None:
        proposed = (f"maximum → {scale}", Tone.STRONG)
        return [(most, Tone.DIM), proposed, (doing, Tone.DIM)]
    grace = f"idle ones kept {duration(environment.scale_down_grace_period)}"
    price = [(f"{money(environment.price_per_hour)} an hour", Tone.DIM)] if environment.price_per_hour else []
    return [(most, Tone.PLAIN), (quota, Tone.DIM), (grace, Tone.DIM), *price]


async def environment_screen(console: Console, words: Sequence[str], given: Mapping[str, str]) -> EnvironmentScreen:
    """Return the screen of the environment that an address names.

    Raises:
        InvalidInputError: there is no such pane.
        NotFoundError: there is no such environment.
    """
    has_pane = len(words) > ("id" not in given)
    *named, pane = words if has_pane else (*words, PANES[0])
    if pane not in PANES:
        message = f"an environment has no pane {pane!r}: {', '.join(PANES)}"
        raise InvalidInputError(message, field="pane")
    _, row = await found_row(console, ENVIRONMENTS, named, given)
    return EnvironmentScreen(row, pane=pane)
