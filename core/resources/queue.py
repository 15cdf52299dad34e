"""The queue: everything that waits or runs, whatever its environment, in the order in which it is served."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from core import quantities
from core.errors import NotFoundError
from core.executions.estimates import about
from core.executions.execution import FINAL
from core.executions.shapes import SHAPES
from core.queue.browsing import GROUPED, PRESENT, BrowsedQueue, filter_ids, grouped_by
from core.resources.address import execution_address
from core.resources.queue_actions import steering
from core.resources.resource import Action, Column, Consequence, Empty, Query, Resource, RowFilter, Section, Tone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.projects.service import Project
    from core.queue.queued_execution import QueuedExecution
    from core.session import Session

_GROUPS_SHOWN = 6
_NAMED_OF = {"environment": "environments"}


def _place(row: QueuedExecution, _now: float) -> str:
    if not row.waits:
        return f"{SHAPES[row.status]} {'runs' if row.status == 'started' else 'ends'}"
    if row.place is None:
        return "quota" if "quota" in row.code else "-"
    return f"{row.place:,}"


def _place_tone(row: QueuedExecution) -> Tone:
    if not row.waits:
        return Tone.BUSY
    return Tone.DIM if row.place is None else Tone.WAITING


def _name(row: QueuedExecution, _now: float) -> str:
    return f"{row.step} ({row.title})" if row.title else row.step


def _why(row: QueuedExecution, now: float) -> str:
    reason = row.reason_at(now)
    if row.waits:
        return f"! {reason}" if row.priority else reason
    if row.estimate is None:
        return reason
    left = about(row.estimate.median - (now - row.read_at))
    return f"{left if left.startswith('<') else f'~{left}'} left · {reason}"


def _starts(row: QueuedExecution, now: float) -> str:
    if not row.waits or row.estimate is None:
        return ""
    return about(row.estimate.median - (now - row.read_at))


def _spread(row: QueuedExecution, now: float) -> str:
    if not row.waits or row.estimate is None or not row.estimate.runs:
        return ""
    low, high = (about(each - (now - row.read_at)) for each in (row.estimate.low, row.estimate.high))
    return "" if low == high else f"{low} to {high}"


COLUMNS: tuple[Column[QueuedExecution], ...] = (
    Column(
        key="place",
        title="PLACE",
        meaning="its place in the queue of its environment; what runs has none, nor what a quota keeps",
        text=_place,
        value=lambda row: row.place,
        width=6,
        right=True,
        sortable=False,
        tone=_place_tone,
    ),
    Column(
        key="number",
        title="#",
        meaning="its number within its project",
        text=lambda row, _: f"#{row.number}",
        value=lambda row: row.number,
        width=6,
        right=True,
    ),
    Column(key="step", title="STEP", meaning="the step, and the title", text=_name, width=10, flexible=True),
    Column(key="project", title="PROJECT", text=lambda row, _: row.project, width=10, flexible=True, needs=110),
    Column(key="user", title="WHO", meaning="who created it", text=lambda row, _: row.user, width=7, flexible=True),
    Column(key="team", title="TEAM", meaning="for whom it counts", text=lambda row, _: row.team, width=8, needs=130),
    Column(
        key="environment",
        title="ENV",
        meaning="the environment where it waits or runs",
        text=lambda row, _: row.environment,
        width=7,
        flexible=True,
    ),
    Column(
        key="why",
        title="WHY / WHERE",
        meaning="why it waits, after ! where its priority is high, or where it runs",
        text=_why,
        value=lambda row: row.reason,
        width=40,
        flexible=True,
        sortable=False,
        time=True,
    ),
    Column(
        key="age",
        title="SINCE",
        meaning="for how long it waits, or runs",
        text=lambda row, now: quantities.age(row.age(now)),
        value=lambda row: quantities.iso_time(row.created_at),
        width=6,
        right=True,
        time=True,
    ),
    Column(
        key="starts",
        title="STARTS IN",
        meaning="when it starts, from how long its like ran; nothing where too little is known",
        text=_starts,
        value=lambda row: row.estimate.median if row.waits and row.estimate else None,
        width=9,
        right=True,
        sortable=False,
        time=True,
    ),
    Column(
        key="spread",
        title="SPREAD",
        meaning="one in ten starts sooner than the first, one in ten later than the second",
        text=_spread,
        width=16,
        right=True,
        sortable=False,
        needs=140,
        time=True,
    ),
)


def _find(session: Session, project: Project | None, reference: str) -> QueuedExecution:
    number = quantities.read_number(reference)
    if project is not None and number is not None:
        row = session.queue.row(session.executions.get(project, number).id)
    else:
        row = None if number is None else session.queue.row(number)
    if row is None:
        message = f"nothing that waits or runs is {reference!r:.120}: `shoal queue` lists what does"
        raise NotFoundError(message, field="execution")
    return row


def _describe(session: Session, row: QueuedExecution) -> Sequence[Section]:
    from core.executions.details import details  # noqa: PLC0415 - a list describes none

    return details(session, session.executions.by_id(row.id))


def queue_fields(row: QueuedExecution) -> dict[str, Any]:
    """Return one that waits or runs as JSON; an estimate is in seconds from now."""
    from core.resources.fields import estimate_fields  # noqa: PLC0415

    return {
        "id": row.id,
        "place": row.place,
        "number": row.number,
        "project": row.project,
        "step": row.step,
        "title": row.title,
        "user": row.user,
        "team": row.team or None,
        "environment": row.environment,
        "status": row.status,
        "priority": row.priority,
        "code": row.code or None,
        "reason": row.reason,
        "machine": row.machine,
        "created_at": quantities.iso_time(row.created_at),
        "started_at": None if row.started_at is None else quantities.iso_time(row.started_at),
        "starts_in": estimate_fields(row.estimate) if row.waits else None,
        "ends_in": None if row.waits else estimate_fields(row.estimate),
    }


def _summary(session: Session, query: Query) -> Sequence[tuple[str, Tone]]:
    by = grouped_by(query)
    groups = session.queue.groups(by, filter_ids(session, query))
    parts: list[tuple[str, Tone]] = []
    now = time.time()
    for group in groups[:_GROUPS_SHOWN]:
        name = group.name or f"no {by}"
        oldest = "" if group.oldest is None else f", oldest since {_clock(group.oldest)}"
        running = f"{SHAPES['started']} {group.running:,} running" if group.running else ""
        waiting = f"{SHAPES['queued']} {group.waiting:,} waiting{oldest}" if group.waiting else ""
        free = session.queue.next_free(group.id) if by == "environment" and group.waiting else None
        next_free = f", next free ~{_clock(now + free.median)}" if free is not None and free.runs else ""
        text = f"{name}: {'  '.join(filter(None, (running, waiting)))}{next_free}"
        parts.append((text, Tone.WAITING if group.waiting else Tone.BUSY))
    if len(groups) > _GROUPS_SHOWN:
        parts.append((f"and {len(groups) - _GROUPS_SHOWN} more", Tone.DIM))
    return parts


def _clock(at: float) -> str:
    # Not how long ago: the line is drawn when something happens, not when time passes.
    return quantities.clock_time(at)[:5]


def _stop_consequence(_: Session, rows: Sequence[QueuedExecution]) -> Consequence | None:
    running = sum(not row.waits for row in rows)
    one = f"#{rows[0].number} {rows[0].step}"
    what = f"Stop {one if len(rows) == 1 else f'{len(rows):,} executions'}?"
    if not running:
        return Consequence(what, "It has not begun: nothing is lost." if len(rows) == 1 else "None of them has begun.")
    who = "It runs: it" if len(rows) == 1 else f"{running} of {len(rows)} run{'s: it' if running == 1 else ': each'}"
    return Consequence(what, f"{who} gets SIGTERM and its grace period, and keeps the outputs it has by then.")


def _stop(session: Session, row: QueuedExecution) -> str:
    stopped = session.executions.stop(session.executions.by_id(row.id))
    return f"#{stopped.counter} is {stopped.status}"


def _ended(_: Session, row: QueuedExecution) -> str | None:
    return f"#{row.number} has ended already ({row.status})" if row.status in FINAL else None


QUEUE: Resource[QueuedExecution] = Resource(
    name="queue",
    singular="queue-entry",
    meaning="what runs and what waits, whatever its environment: why, and when it starts",
    permission="execution.see",
    columns=COLUMNS,
    source=BrowsedQueue(),
    key=lambda row: row.id,
    label=lambda row: f"#{row.number} {row.step}",
    reference=lambda row: str(row.id),
    find=_find,
    opens=lambda row: execution_address(row.id),
    describe=_describe,
    fields=queue_fields,
    adds="new",
    add_permission="execution.create",
    summary=_summary,
    told="why",
    empty=Empty("Nothing waits and nothing runs.", "Start an execution{key:list.add}."),
    filters=(
        RowFilter("status", "where they stand, one or more after commas", PRESENT),
        *(
            RowFilter(name, f"the {'person' if name == 'user' else name}", of=_NAMED_OF.get(name, ""))
            for name in GROUPED
        ),
    ),
    actions=(
        Action(
            id="logs",
            key="l",
            title="Logs",
            meaning="Read the log, following it while it grows.",
            permission="execution.see",
            changes=False,
            address=lambda row: f"{execution_address(row.id)} logs",
        ),
        *steering(lambda row: f"#{row.number}"),
        Action(
            id="stop",
            key="X",
            title="Stop",
            meaning="Stop it: at once where it waits, with SIGTERM where it runs.",
            permission="execution.stop",
            many=True,
            refuse=_ended,
            consequence=_stop_consequence,
            run=_stop,
        ),
    ),
)
