"""Machines: those that are present, and with state=gone those that were."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from core.machines.browsing import BrowsedMachines
from core.machines.service import STATES, Machine, Usage, lifetime
from core.quantities import age, duration, iso_time, money
from core.resources.address import address, execution_address
from core.resources.resource import Action, Column, Consequence, Empty, Pair, Resource, RowFilter, Section, Tone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.session import Session

_TONES = {"leased": Tone.BUSY, "starting": Tone.WAITING, "draining": Tone.WAITING}
_KINDS = {"startup": "started up", "execution": "worked", "grace": "was idle", "idle": "was kept idle"}


def _state(row: Machine) -> str:
    return f"{row.state}, cordoned" if row.cordoned and not row.is_gone and row.state != "draining" else row.state


def _tone(row: Machine) -> Tone:
    return Tone.WAITING if row.cordoned and not row.is_gone else _TONES.get(row.state, Tone.DIM)


def _runs(row: Machine) -> str:
    return "" if row.execution_id is None else f"#{row.counter} {row.step} of {row.project}"


def _used(row: Machine, now: float) -> str:
    utilization = row.utilization(now or time.time())
    return "" if utilization is None else f"{utilization:.0%}"


_COLUMNS: tuple[Column[Machine], ...] = (
    Column(key="name", title="MACHINE", text=lambda row, _: row.name, width=14, flexible=True),
    Column(
        key="state",
        title="STATE",
        meaning="starting, idle, leased to an execution, draining: leaving after it, or gone; cordoned takes no work",
        text=lambda row, _: _state(row),
        value=lambda row: row.state,
        width=16,
        tone=_tone,
    ),
    Column(
        key="since",
        title="SINCE",
        meaning="how long it has been in this state",
        text=lambda row, now: age(now - row.state_at),
        right=True,
        width=6,
        time=True,
    ),
    Column(
        key="execution",
        title="RUNS",
        meaning="what it runs",
        text=lambda row, _: _runs(row),
        sortable=False,
        width=16,
        flexible=True,
    ),
    Column(
        key="ran",
        title="RAN",
        meaning="executions that were given to it",
        text=lambda row, _: str(row.ran),
        value=lambda row: row.ran,
        right=True,
        width=4,
    ),
    Column(
        key="used",
        title="USED",
        meaning="which part of its life executions ran on it",
        text=_used,
        value=lambda row: row.utilization(time.time()),
        right=True,
        width=4,
        time=True,
    ),
    Column(
        key="cost",
        title="COST",
        meaning="what it has cost so far",
        text=lambda row, _: f"{row.cost / 1_000_000:,.2f}",
        value=lambda row: row.cost / 1_000_000,
        right=True,
        width=8,
        needs=90,
    ),
    Column(
        key="host",
        title="HOST",
        meaning="the host that it is a slot of; none is this box",
        text=lambda row, _: row.host or "",
        value=lambda row: row.host,
        width=10,
        flexible=True,
    ),
    Column(
        key="environment",
        title="ENVIRONMENT",
        text=lambda row, _: row.environment,
        width=12,
        flexible=True,
        needs=90,  # a machine is called as its environment
    ),
    Column(
        key="reason",
        title="REASON",
        meaning="why it is gone",
        text=lambda row, _: row.reason,
        width=20,
        flexible=True,
        needs=110,
        tone=lambda _: Tone.DIM,
    ),
    Column(
        key="gpus",
        title="GPUS",
        meaning="the GPUs that it has",
        text=lambda row, _: row.gpu_devices,
        sortable=False,
        width=10,
        wide=True,
    ),
)


def _describe(session: Session, row: Machine) -> Sequence[Section]:
    now = time.time()
    runs = _runs(row)
    end = "" if row.gone_at is None else f", gone {iso_time(row.gone_at)}"
    ready = "never" if row.ready_at is None else f"after {duration(max(row.ready_at - row.requested_at, 0))}"
    history = [_entry(usage, now) for usage in session.machines.usage(row)]
    return [
        Section(
            "Machine",
            [
                Pair("name", row.name, tone=Tone.STRONG),
                Pair("environment", row.environment, address("environment", row.environment)),
                Pair("host", row.host or "this box", "" if row.host is None else address("host", row.host)),
                Pair("state", _state(row), tone=_tone(row)),
                Pair("since", iso_time(row.state_at)),
                *([Pair("reason", row.reason)] if row.reason else []),
                *([Pair("GPUs", row.gpu_devices)] if row.gpu_devices else []),
                Pair("runs", runs or "nothing", execution_address(row.execution_id) if row.execution_id else ""),
                Pair("asked for", f"{iso_time(row.requested_at)}{end}"),
                Pair("ready", ready),
                Pair("ran", f"{_executions(row.ran)}, {duration(row.worked)} of {duration(lifetime(row))}"),
                Pair("used", _used(row, now) or "not known yet"),
                Pair("cost", f"{money(row.cost)} at {money(row.price_per_hour)} an hour"),
            ],
        ),
        Section("History, newest first", history or [Pair("", "nothing is written down of it", tone=Tone.DIM)]),
    ]


def _executions(number: int) -> str:
    return "1 execution" if number == 1 else f"{number:,} executions"


def _entry(usage: Usage, now: float) -> Pair:
    took = duration(max((now if usage.ended_at is None else usage.ended_at) - usage.began_at, 0))
    what = f"{_KINDS.get(usage.kind, usage.kind)} {took}{' so far' if usage.ended_at is None else ''}"
    runs = "" if usage.execution_id is None else f": #{usage.counter} {usage.step}"
    place = "" if usage.execution_id is None else execution_address(usage.execution_id)
    cost = f", {money(usage.cost)}" if usage.cost else ""
    return Pair(iso_time(usage.began_at), f"{what}{cost}{runs}", place, Tone.PLAIN if runs else Tone.DIM)


def _opens(row: Machine) -> str:
    return address("machine", row.name) if row.execution_id is None else execution_address(row.execution_id)


def _fields(row: Machine) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "environment": row.environment,
        "host": row.host,
        "state": row.state,
        "state_at": iso_time(row.state_at),
        "cordoned": row.cordoned,
        "requested_at": iso_time(row.requested_at),
        "ready_at": None if row.ready_at is None else iso_time(row.ready_at),
        "gone_at": None if row.gone_at is None else iso_time(row.gone_at),
        "reason": row.reason,
        "gpus": [device for device in row.gpu_devices.split(",") if device],
        "execution": row.counter,
        "execution_id": row.execution_id,
        "project": row.project,
        "ran": row.ran,
        "worked": row.worked,
        "utilization": row.utilization(time.time()),
        "cost": row.cost / 1_000_000,
    }


def _refuse_gone(_: Session, row: Machine) -> str | None:
    return f"machine {row.name} is gone" if row.is_gone else None


def _refuse_cordon(session: Session, row: Machine) -> str | None:
    return _refuse_gone(session, row) or (f"machine {row.name} takes no new work already" if row.cordoned else None)


def _refuse_uncordon(session: Session, row: Machine) -> str | None:
    return _refuse_gone(session, row) or (None if row.cordoned else f"machine {row.name} takes work already")


def _refuse_drain(session: Session, row: Machine) -> str | None:
    leaving = f"machine {row.name} leaves already" if row.state == "draining" else None
    return _refuse_gone(session, row) or leaving


def _cordon_consequence(_: Session, rows: Sequence[Machine]) -> Consequence | None:
    hosts = sorted({row.host for row in rows if row.host})
    if not hosts:
        return None
    told = ", ".join(hosts)
    return Consequence(
        f"Let {_host_word(len(hosts))} {told} take no new work?",
        "A host is cordoned as a whole, with all its machines. What runs there goes on.",
    )


def _drain_consequence(_: Session, rows: Sequence[Machine]) -> Consequence | None:
    busy = sum(row.execution_id is not None for row in rows)
    hosts = sorted({row.host for row in rows if row.host})
    of_hosts = f"{_host_word(len(hosts))} {', '.join(hosts)}"
    what = of_hosts if hosts else f"machine {rows[0].name}" if len(rows) == 1 else f"{len(rows)} machines"
    whole = " A host is drained as a whole, with all its machines, and stays cordoned." if hosts else ""
    return Consequence(f"Drain {what}?", f"{_leaving(len(rows), busy)}.{whole}")


def _leaving(number: int, busy: int) -> str:
    """Return when machines leave: at once where nothing runs on them."""
    if number == 1:
        return "It finishes what it runs, and then leaves" if busy else "It runs nothing, and leaves at once"
    if not busy:
        return "None of them runs anything: they leave at once"
    rest = "" if busy == number else "; the others leave at once"
    finish = "1 of them finishes what it runs, and then leaves"
    finish = finish if busy == 1 else f"{busy} of them finish what they run, and then leave"
    return finish + rest


def _host_word(number: int) -> str:
    return "host" if number == 1 else "hosts"


MACHINES: Resource[Machine] = Resource(
    name="machines",
    singular="machine",
    meaning="the machines that are present, what runs on them, and those that were",
    permission="machine.see",
    columns=_COLUMNS,
    source=BrowsedMachines(),
    key=lambda row: row.id,
    label=lambda row: f"machine {row.name}",
    reference=lambda row: row.name,
    find=lambda session, _, reference: session.machines.get(reference),
    empty=Empty(
        "No machine is present.",
        "They come when an execution waits, and leave when they were idle for long. state=gone shows past ones.",
    ),
    describe=_describe,
    told="reason",
    fields=_fields,
    opens=_opens,
    actions=(
        Action(
            id="cordon",
            key="n",
            title="Cordon",
            meaning="Give it no new work; what runs goes on. A host is cordoned as a whole.",
            permission="machine.edit",
            many=True,
            refuse=_refuse_cordon,
            consequence=_cordon_consequence,
            run=lambda session, row: session.machines.cordon(row),
        ),
        Action(
            id="uncordon",
            key="U",
            title="Uncordon",
            meaning="Let it take work again.",
            permission="machine.edit",
            many=True,
            refuse=_refuse_uncordon,
            run=lambda session, row: session.machines.uncordon(row),
        ),
        Action(
            id="drain",
            key="X",
            title="Drain",
            meaning="Let it go as soon as it is empty; nothing that runs is ended.",
            permission="machine.edit",
            many=True,
            refuse=_refuse_drain,
            consequence=_drain_consequence,
            run=lambda session, row: session.machines.drain(row),
        ),
    ),
    filters=(
        RowFilter("environment", "the slug of its environment"),
        RowFilter("host", "the name of its host"),
        RowFilter("state", "its state; without it, all that are present", STATES),
    ),
)
