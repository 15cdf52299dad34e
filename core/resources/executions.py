"""Executions, as lists and commands show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core import quantities
from core.executions.browsing import BrowsedExecutions
from core.executions.execution import STATUSES, Execution
from core.executions.shapes import SHAPES
from core.labels import checked_tag
from core.resources.form import Field, Form
from core.resources.queue_actions import steering
from core.resources.resource import Action, Column, Consequence, Empty, Query, Resource, RowFilter, Section, Tone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.projects.service import Project
    from core.session import Session

TONES: dict[str, Tone] = {
    "created": Tone.WAITING,
    "queued": Tone.WAITING,
    "started": Tone.BUSY,
    "stopping": Tone.BUSY,
    "complete": Tone.GOOD,
    "error": Tone.BAD,
    "stopped": Tone.DIM,
    "crashed": Tone.BAD,
}


def tone(execution: Execution) -> Tone:
    """Return what an execution's status means."""
    return TONES[execution.status]


def status_text(status: str) -> str:
    """Return a status as a shape and a word."""
    return f"{SHAPES[status]} {status}"


def _duration(execution: Execution, now: float) -> str:
    seconds = execution.duration(now)
    if seconds is None:
        return ""
    if execution.is_final and seconds < 10:
        return f"{seconds:.1f}s"
    return _short(int(seconds))


def _short(seconds: int) -> str:
    """Return a duration in few characters, without parts of a second, which would change whenever somebody looks."""
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60:02}s"
    if seconds < 86400:
        return f"{seconds // 3600}h{seconds % 3600 // 60:02}m"
    return f"{seconds // 86400}d{seconds % 86400 // 3600:02}h"


def _why_or_where(execution: Execution, _now: float) -> str:
    # A list has no room for both, and what waits is nowhere, what runs seldom has something to wait for.
    on_machine = f"on {execution.machine}" if execution.machine else ""
    if execution.status in ("stopping", "complete"):
        return on_machine
    return execution.reason or on_machine


def _name(execution: Execution, _now: float) -> str:
    return f"{execution.step} ({execution.title})" if execution.title else execution.step


COLUMNS: tuple[Column[Execution], ...] = (
    Column(
        key="number",
        title="#",
        meaning="number within its project",
        text=lambda execution, _: f"#{execution.counter}",
        value=lambda execution: execution.counter,
        width=8,
        right=True,
    ),
    Column(
        key="status",
        title="STATUS",
        meaning="where it stands",
        text=lambda execution, _: status_text(execution.status),
        value=lambda execution: execution.status,
        width=10,
        tone=tone,
    ),
    Column(key="step", title="STEP", meaning="the step, and the title", text=_name, width=16, flexible=True),
    Column(
        key="reason",
        title="WHY / WHERE",
        meaning="why it waits, where it runs, or how it ended",
        text=_why_or_where,
        value=lambda execution: execution.reason,
        tone=lambda execution: Tone.DIM if execution.status in ("complete", "stopped") else Tone.PLAIN,
        width=30,
        flexible=True,
        sortable=False,
    ),
    Column(
        key="duration",
        title="RAN",
        meaning="how long it ran",
        text=_duration,
        value=lambda execution: execution.duration(execution.ended_at or 0) if execution.ended_at else None,
        width=7,
        right=True,
        time=True,
    ),
    Column(
        key="age",
        title="AGE",
        meaning="since it was created",
        text=lambda execution, now: quantities.age(max(0.0, now - execution.created_at)),
        value=lambda execution: quantities.iso_time(execution.created_at),
        width=6,
        right=True,
        time=True,
    ),
    Column(
        key="user",
        title="WHO",
        meaning="who created it",
        text=lambda execution, _: execution.user,
        width=10,
        needs=90,
    ),
    Column(
        key="machine",
        title="MACHINE",
        meaning="where it runs or ran",
        text=lambda execution, _: execution.machine or "",
        width=10,
        needs=130,
    ),
    Column(
        key="tags",
        title="TAGS",
        text=lambda execution, _: " ".join(execution.tags),
        value=lambda execution: list(execution.tags),
        width=14,
        needs=116,
        sortable=False,
    ),
    Column(
        key="environment", title="ENVIRONMENT", text=lambda execution, _: execution.environment, width=12, wide=True
    ),
    Column(
        key="commit",
        title="COMMIT",
        text=lambda execution, _: execution.commit[:12],
        width=12,
        wide=True,
        sortable=False,
    ),
    Column(
        key="priority",
        title="PRIORITY",
        text=lambda execution, _: str(execution.priority),
        value=lambda execution: execution.priority,
        width=8,
        right=True,
        wide=True,
    ),
    Column(
        key="cost",
        title="COST",
        text=lambda execution, _: "" if execution.cost is None else quantities.money(execution.cost),
        value=lambda execution: execution.cost,
        width=8,
        right=True,
        wide=True,
    ),
)


def _describe(session: Session, execution: Execution) -> Sequence[Section]:
    from core.executions.details import details  # noqa: PLC0415 - a list describes none

    return details(session, execution)


def _fields(execution: Execution) -> dict[str, Any]:
    from core.resources.fields import execution_fields  # noqa: PLC0415 - a list on a screen needs none

    return execution_fields(execution)


def _find(session: Session, project: Project | None, reference: str) -> Execution:
    from core.errors import InvalidInputError  # noqa: PLC0415

    if project is None:
        message = "numbers count within a project: name one, with `--project NAME` or, in the console, `project=NAME`"
        raise InvalidInputError(message, field="project")
    if reference == "latest":
        return session.executions.get(project, "latest")
    if (number := quantities.read_number(reference)) is None:
        message = f"{reference!r:.120} is no execution's number: type such as 12, or latest"
        raise InvalidInputError(message, field="execution")
    return session.executions.get(project, number)


def _tags(text: str) -> list[str]:
    return [tag for line in text.replace(",", "\n").splitlines() if (tag := line.strip())]


def _check_tags(text: str) -> None:
    for tag in _tags(text):
        checked_tag(tag)


def _edit(session: Session, execution: Execution, answers: Mapping[str, str]) -> Execution:
    _check_tags(answers.get("tags", ""))
    if "title" in answers:
        execution = session.executions.set_title(execution, answers["title"])
    if "tags" in answers:
        execution = session.executions.set_tags(execution, _tags(answers["tags"]))
    return execution


def _stop_consequence(session: Session, executions: Sequence[Execution]) -> Consequence | None:  # noqa: ARG001
    names = ", ".join(f"#{execution.counter}" for execution in executions[:8]) + ("…" if len(executions) > 8 else "")
    what = f"Stop {names}?" if len(executions) <= 8 else f"Stop {len(executions)} executions ({names})?"
    running = sum(execution.status == "started" for execution in executions)
    if not running:
        return Consequence(what, "It has not begun: nothing is lost." if len(executions) == 1 else _NONE_BEGAN)
    who = "It runs: it" if len(executions) == 1 else f"{running} of {len(executions)} run: each"
    return Consequence(what, f"{who} gets SIGTERM and its grace period, and keeps the outputs it has by then.")


_NONE_BEGAN = "None of them has begun: nothing is lost."


def _ended(session: Session, execution: Execution) -> str | None:  # noqa: ARG001
    return f"#{execution.counter} has ended already ({execution.status})" if execution.is_final else None


def _stop(session: Session, execution: Execution) -> str:
    stopped = session.executions.stop(execution)
    return f"#{stopped.counter} is {stopped.status}"


def _run_again(session: Session, execution: Execution) -> str:
    again = session.executions.copy(execution)
    return f"#{execution.counter} runs again as #{again.counter}"


def _summary(session: Session, query: Query) -> Sequence[tuple[str, Tone]]:
    counts = session.executions.counts(query.project)
    return [(f"{SHAPES[status]} {counts[status]:,} {status}", TONES[status]) for status in STATUSES if counts[status]]


def address(execution: Execution, pane: str = "") -> str:
    """Return the address of an execution in the console, of one of its panes where that is named."""
    return " ".join(filter(None, ("execution", f"id={execution.id}", pane)))


EXECUTIONS: Resource[Execution] = Resource(
    name="executions",
    singular="execution",
    aliases=("exec", "ps"),
    meaning="what runs, waits and ran",
    permission="execution.see",
    scoped=True,
    columns=COLUMNS,
    source=BrowsedExecutions(),
    key=lambda execution: execution.id,
    label=lambda execution: f"#{execution.counter} {execution.step}",
    reference=lambda execution: str(execution.counter),
    find=_find,
    opens=address,
    describe=_describe,
    fields=_fields,
    adds="new",
    add_permission="execution.create",
    summary=_summary,
    form=Form(
        fields=(
            Field(key="title", label="Title", meaning="shown beside the step"),
            Field(key="tags", label="Tags", meaning="one on a line", kind="lines", check=_check_tags),
        ),
        values=lambda execution: {"title": execution.title or "", "tags": "\n".join(execution.tags)},
        edit=_edit,
        edit_permission="execution.edit",
    ),
    empty=Empty(
        "No execution yet. An execution runs one step of a project's valohai.yaml.",
        "Start the first one{key:list.add}.",
    ),
    filters=(
        RowFilter("status", "where they stand, one or more after commas", STATUSES),
        RowFilter("user", "who created them"),
        RowFilter("step", "the step"),
        RowFilter("tag", "a tag"),
        RowFilter("environment", "where they run"),
    ),
    actions=(
        Action(
            id="logs",
            key="l",
            title="Logs",
            meaning="Read the log, following it while it grows.",
            permission="execution.see",
            changes=False,
            address=lambda execution: address(execution, "logs"),
        ),
        Action(
            id="metadata",
            key="P",
            title="Plot",
            meaning="Plot the metadata; marked executions are drawn together.",
            permission="execution.see",
            changes=False,
            address=lambda execution: address(execution, "metadata"),
            address_of_many=lambda executions: (
                f"{address(executions[0], 'metadata')} with={','.join(str(each.id) for each in executions[1:])}"
            ),
        ),
        Action(
            id="trace",
            key="t",
            title="Trace",
            meaning="Show what it came from and what came from it.",
            permission="file.see",
            changes=False,
            address=lambda execution: f"trace execution={execution.id}",
        ),
        Action(
            id="again",
            key="r",
            title="Run again",
            meaning="Run it again: same commit, image, parameters and inputs.",
            permission="execution.create",
            run=_run_again,
        ),
        Action(
            id="change",
            key="R",
            title="Change and run",
            meaning="Run it again, changed in a form: other code, parameters, inputs.",
            permission="execution.create",
            address=lambda execution: f"new copy={execution.id}",
        ),
        *steering(lambda execution: f"#{execution.counter}"),
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
