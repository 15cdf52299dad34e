"""Environments: where executions run, within which limits, and what goes on there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.environments.environment import limit_text
from core.environments.loads import Load, Queue, load, loads, queues
from core.environments.settings import LIMITS
from core.machines.browsing import BrowsedMachines
from core.quantities import age, iso_time, money
from core.resources.address import address, execution_address
from core.resources.environment_consequence import waiting_text
from core.resources.environment_form import ENVIRONMENT_FORM
from core.resources.environment_gauge import bar
from core.resources.environment_limits import LABELS, shown_limit
from core.resources.environment_removal import DELETE, MAKE_DEFAULT
from core.resources.fields import environment_fields
from core.resources.listed import Listed
from core.resources.resource import Action, Column, Empty, Pair, Query, Resource, Section, Tone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from core.environments.environment import Environment
    from core.machines.service import Machine
    from core.session import Session

GAUGE = 10
"""Characters of the bar in the list."""
MOST_MACHINES = 50
"""Machines that a description tells of."""


def _number(
    key: str, title: str, meaning: str, value: Callable[[Load], int], tone: Tone, *, width: int, needs: int = 0
) -> Column[Load]:
    return Column(
        key=key,
        title=title,
        meaning=meaning,
        text=lambda row, _: str(value(row)),
        value=value,
        order=value,
        right=True,
        width=width,
        needs=needs,
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
    Column(key="name", title="NAME", text=lambda row, _: row.environment.name, width=16, flexible=True, needs=110),
    Column(
        key="state",
        title="STATE",
        meaning="on: it takes executions; off: they wait",
        text=lambda row, _: limit_text(row.environment, "enabled"),
        width=5,
        tone=lambda row: Tone.GOOD if row.environment.enabled else Tone.DIM,
    ),
    Column(
        key="kind",
        title="KIND",
        meaning="local: machines on this Docker Engine; hosts: on hosts of its own",
        text=lambda row, _: row.environment.kind,
        width=5,
        needs=100,
    ),
    Column(
        key="gauge",
        title="MACHINES",
        meaning="a sign for each machine, or in proportion: █ busy, ▄ idle, ▁ starting, x cordoned, · may come",
        text=lambda row, _: bar(row, GAUGE),
        value=lambda row: row.machines,
        order=lambda row: row.machines,
        width=GAUGE,
    ),
    _number("busy", "BUSY", "machines that run an execution", lambda row: row.busy, Tone.BUSY, width=4),
    _number("idle", "IDLE", "machines that are free", lambda row: row.idle, Tone.GOOD, width=4),
    _number("starting", "START", "machines that are starting", lambda row: row.starting, Tone.WAITING, width=5),
    _number(
        "cordoned", "CORD", "machines that take no new work", lambda row: row.cordoned, Tone.BAD, width=4, needs=120
    ),
    _number(
        "maximum", "MAX", "machines that there may be", lambda row: row.environment.maximum_scale, Tone.PLAIN, width=4
    ),
    _number("waiting", "WAITING", "executions that wait for it", lambda row: row.waiting, Tone.WAITING, width=7),
    Column(
        key="oldest",
        title="OLDEST",
        meaning="how long the execution has waited that came first",
        text=lambda row, now: "" if row.oldest is None else age(now - row.oldest),
        value=lambda row: None if row.oldest is None else iso_time(row.oldest),
        order=lambda row: row.oldest,
        right=True,
        width=6,
        time=True,
        tone=lambda _: Tone.WAITING,
    ),
    Column(
        key="cost_today",
        title="TODAY",
        meaning="what its machines have cost since midnight",
        text=lambda row, _: f"{row.cost_today / 1_000_000:,.2f}",
        value=lambda row: row.cost_today / 1_000_000,
        order=lambda row: row.cost_today,
        right=True,
        width=7,
        tone=lambda row: Tone.PLAIN if row.cost_today else Tone.DIM,
    ),
    Column(
        key="quota",
        title="QUOTA",
        meaning="machines that one user may use at once",
        text=lambda row, _: str(row.environment.per_user_quota or "none"),
        value=lambda row: row.environment.per_user_quota,
        order=lambda row: row.environment.per_user_quota or float("inf"),
        right=True,
        width=5,
        needs=120,
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
        needs=110,
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
    ids = next(BrowsedMachines().ids(session, Query(where={"environment": environment.slug})))
    machines = [_machine(each) for each in session.machines.by_ids(ids[:MOST_MACHINES]).values()]
    if current.machines > len(machines):
        machines.append(Pair("", f"{current.machines - len(machines):,} more", tone=Tone.DIM))
    waiting = [_queue(each) for each in queues(session, environment)]
    return [
        Section("Environment", _identity(session, environment)),
        Section(f"Queue: {current.waiting}", waiting or [Pair("", "nothing waits", tone=Tone.DIM)]),
        Section(
            f"Machines: {current.machines} of {environment.maximum_scale}",
            machines or [Pair("", "none is present: they come when something waits", tone=Tone.DIM)],
        ),
        limits_section(environment),
    ]


def limits_section(environment: Environment) -> Section:
    """Return the limits of an environment as people read them."""
    return Section("Limits", [Pair(LABELS.get(name, name), shown_limit(environment, name)) for name in LIMITS])


def _identity(session: Session, environment: Environment) -> Sequence[Pair]:
    is_default = session.environments.default_id() == environment.id
    return [
        Pair("slug", environment.slug, tone=Tone.STRONG),
        Pair("id", environment.uuid),
        Pair("kind", environment.kind),
        *([Pair("default", "what names no environment runs here")] if is_default else []),
    ]


def _machine(machine: Machine) -> Pair:
    since = f"{machine.state}{', cordoned' if machine.cordoned else ''} since {iso_time(machine.state_at)}"
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
        "busy": row.busy,
        "idle": row.idle,
        "starting": row.starting,
        "cordoned": row.cordoned,
        "running": row.running,
        "waiting": row.waiting,
        "cost_today": f"{row.cost_today / 1_000_000:.6f}",
        "oldest_waits_since": None if row.oldest is None else iso_time(row.oldest),
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
        MAKE_DEFAULT,
        DELETE,
    ),
)
