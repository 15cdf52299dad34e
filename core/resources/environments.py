"""Environments: where executions run, within which limits, and what goes on there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.environment_loads import Load, PresentMachine, Queue, load, loads, present_machines, queues
from core.environments import LIMITS
from core.quantities import iso_time, money
from core.resources.address import address, execution_address
from core.resources.environment_form import ENVIRONMENT_FORM, waiting_text
from core.resources.environment_limits import LABELS, limit_text, shown_limit
from core.resources.fields import environment_fields
from core.resources.listed import Listed
from core.resources.resource import Action, Column, Empty, Pair, Resource, Section, Tone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from core.session import Session


def _number(key: str, title: str, meaning: str, value: Callable[[Load], int], tone: Tone) -> Column[Load]:
    return Column(
        key=key,
        title=title,
        meaning=meaning,
        text=lambda row, _: str(value(row)),
        value=value,
        order=value,
        right=True,
        width=7,
        tone=lambda row: tone if value(row) else Tone.DIM,
    )


_COLUMNS: tuple[Column[Load], ...] = (
    Column(
        key="slug",
        title="ENVIRONMENT",
        text=lambda row, _: row.environment.slug,
        width=14,
        flexible=True,
        tone=lambda _: Tone.STRONG,
    ),
    Column(key="name", title="NAME", text=lambda row, _: row.environment.name, width=16, flexible=True),
    Column(
        key="state",
        title="STATE",
        meaning="on: it takes executions; off: they wait",
        text=lambda row, _: limit_text(row.environment, "enabled"),
        width=5,
        tone=lambda row: Tone.GOOD if row.environment.enabled else Tone.DIM,
    ),
    Column(
        key="machines",
        title="MACHINES",
        meaning="machines that are present, and how many there may be",
        text=lambda row, _: f"{row.machines}/{row.environment.maximum_scale}",
        value=lambda row: row.machines,
        order=lambda row: row.machines,
        right=True,
        width=8,
    ),
    _number("running", "RUNNING", "executions that run there", lambda row: row.running, Tone.BUSY),
    _number("waiting", "WAITING", "executions that wait for it", lambda row: row.waiting, Tone.WAITING),
    Column(
        key="quota",
        title="QUOTA",
        meaning="machines that one user may use at once",
        text=lambda row, _: str(row.environment.per_user_quota or "none"),
        value=lambda row: row.environment.per_user_quota,
        order=lambda row: row.environment.per_user_quota or float("inf"),
        right=True,
        width=5,
    ),
    Column(
        key="price",
        title="PRICE/H",
        meaning="price of one machine hour",
        text=lambda row, _: money(row.environment.price_per_hour),
        value=lambda row: row.environment.price_per_hour / 1_000_000,
        order=lambda row: row.environment.price_per_hour,
        right=True,
        width=7,
        needs=90,
    ),
    *(
        Column(
            key=key,
            title=title,
            meaning=LIMITS[name].meaning,
            text=lambda row, _, name=name: limit_text(row.environment, name),  # type: ignore[misc]
            width=9,
            wide=True,
        )
        for key, title, name in (
            ("cpus", "CPUS", "cpus"),
            ("memory", "MEMORY", "memory"),
            ("grace", "GRACE", "scale_down_grace_period"),
            ("network", "NETWORK", "network"),
            ("isolation", "ISOLATION", "isolation"),
        )
    ),
)


def _describe(session: Session, row: Load) -> Sequence[Section]:
    current = load(session, row.environment)
    environment = current.environment
    limits = [Pair(LABELS.get(name, name), shown_limit(environment, name)) for name in LIMITS]
    machines = [_machine(each) for each in present_machines(session, environment)]
    waiting = [_queue(each) for each in queues(session, environment)]
    return [
        Section("Environment", [Pair("slug", environment.slug, tone=Tone.STRONG), Pair("id", environment.uuid)]),
        Section(f"Queue: {current.waiting}", waiting or [Pair("", "nothing waits", tone=Tone.DIM)]),
        Section(
            f"Machines: {current.machines} of {environment.maximum_scale}",
            machines or [Pair("", "none is present: they come when something waits", tone=Tone.DIM)],
        ),
        Section("Limits", limits),
    ]


def _machine(machine: PresentMachine) -> Pair:
    since = f"{machine.state} since {iso_time(machine.state_at)}"
    if machine.execution_id is None:
        return Pair(machine.name, since, tone=Tone.DIM)
    what = f"{since}: #{machine.counter} {machine.step} of {machine.project}"
    return Pair(machine.name, what, execution_address(machine.execution_id), Tone.BUSY)


def _queue(queue: Queue) -> Pair:
    return Pair(queue.user, f"{waiting_text(queue.number)}: {queue.reason}", tone=Tone.WAITING)


def _fields(row: Load) -> dict[str, Any]:
    return {
        **environment_fields(row.environment),
        "machines": row.machines,
        "running": row.running,
        "waiting": row.waiting,
    }


ENVIRONMENTS: Resource[Load] = Resource(
    name="environments",
    singular="environment",
    aliases=("env",),
    meaning="where executions run, and within which limits",
    permission="environment.see",
    columns=_COLUMNS,
    source=Listed(
        lambda session, _: loads(session),
        key=lambda row: row.environment.id,
        columns=_COLUMNS,
        kinds=frozenset({"environment", "machine", "execution"}),
    ),
    key=lambda row: row.environment.id,
    label=lambda row: f"environment {row.environment.slug}",
    reference=lambda row: row.environment.slug,
    find=lambda session, _, reference: load(session, session.environments.get(reference)),
    empty=Empty(
        "No environment: executions have nowhere to run.", "Add one of machines on this Docker Engine{key:list.add}."
    ),
    describe=_describe,
    fields=_fields,
    form=ENVIRONMENT_FORM,
    actions=(
        Action(
            id="machines",
            key="o",
            title="Machines",
            meaning="List its machines and what runs on them.",
            permission="machine.see",
            changes=False,
            address=lambda row: address("machines", environment=row.environment.slug),
        ),
    ),
)
