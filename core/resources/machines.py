"""The machines that are present, and what runs on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.environment_loads import PresentMachine, present_machines
from core.errors import NotFoundError
from core.quantities import age, iso_time
from core.resources.address import address, execution_address
from core.resources.listed import Listed
from core.resources.resource import Column, Empty, Pair, Resource, RowFilter, Section, Tone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.projects.service import Project
    from core.session import Session

_TONES = {"leased": Tone.BUSY, "starting": Tone.WAITING, "draining": Tone.WAITING}


def _runs(row: PresentMachine) -> str:
    return "" if row.execution_id is None else f"#{row.counter} {row.step} of {row.project}"


_COLUMNS: tuple[Column[PresentMachine], ...] = (
    Column(key="name", title="MACHINE", text=lambda row, _: row.name, width=18, flexible=True),
    Column(
        key="state",
        title="STATE",
        meaning="starting, idle, leased to an execution, or draining: leaving after it",
        text=lambda row, _: row.state,
        width=8,
        tone=lambda row: _TONES.get(row.state, Tone.DIM),
    ),
    Column(
        key="since",
        title="SINCE",
        meaning="how long it has been in this state",
        text=lambda row, now: age(now - row.state_at),
        order=lambda row: -row.state_at,
        right=True,
        width=6,
        time=True,
    ),
    Column(
        key="execution",
        title="EXECUTION",
        meaning="what it runs",
        text=lambda row, _: _runs(row),
        order=lambda row: row.counter,
        width=24,
        flexible=True,
    ),
    Column(key="environment", title="ENVIRONMENT", text=lambda row, _: row.environment, width=12, flexible=True),
)


def _find(session: Session, _: Project | None, reference: str) -> PresentMachine:
    for machine in present_machines(session):
        if machine.name == reference:
            return machine
    message = f"no machine {reference!r} is present: `shoal machines ls` lists those that are"
    raise NotFoundError(message, field="machine")


def _describe(_: Session, row: PresentMachine) -> Sequence[Section]:
    runs = _runs(row)
    return [
        Section(
            "Machine",
            [
                Pair("name", row.name, tone=Tone.STRONG),
                Pair("environment", row.environment, address("environment", row.environment)),
                Pair("state", row.state, tone=_TONES.get(row.state, Tone.PLAIN)),
                Pair("since", iso_time(row.state_at)),
                Pair("runs", runs or "nothing", _opens(row) if runs else ""),
            ],
        )
    ]


def _opens(row: PresentMachine) -> str:
    return address("machine", row.name) if row.execution_id is None else execution_address(row.execution_id)


def _fields(row: PresentMachine) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "environment": row.environment,
        "state": row.state,
        "state_at": iso_time(row.state_at),
        "execution": row.counter,
        "execution_id": row.execution_id,
        "project": row.project,
    }


MACHINES: Resource[PresentMachine] = Resource(
    name="machines",
    singular="machine",
    meaning="the machines that are present, and what runs on them",
    permission="machine.see",
    columns=_COLUMNS,
    source=Listed(
        lambda session, _: present_machines(session),
        key=lambda row: row.id,
        columns=_COLUMNS,
        kinds=frozenset({"machine", "execution", "environment"}),
        filters={"environment": lambda row: row.environment, "state": lambda row: row.state},
    ),
    key=lambda row: row.id,
    label=lambda row: f"machine {row.name}",
    reference=lambda row: row.name,
    find=_find,
    empty=Empty("No machine is present.", "They come when an execution waits, and leave when they were idle for long."),
    describe=_describe,
    fields=_fields,
    opens=_opens,
    filters=(
        RowFilter("environment", "the slug of its environment"),
        RowFilter("state", "its state", ("starting", "idle", "leased", "draining")),
    ),
)
