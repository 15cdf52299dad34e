"""Hosts: Docker Engines that are reached over SSH, how they are, and what they give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.quantities import age, clock_time, duration, iso_time
from core.resources.address import address
from core.resources.host_actions import HOST_ACTIONS
from core.resources.host_form import HOST_FORM
from core.resources.listed import Listed
from core.resources.resource import Column, Empty, Pair, Resource, RowFilter, Section, Tone
from core.scheduler.host_choice import back_off, health_sentence
from core.scheduler.host_commands import ending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.machines.host import Host
    from core.machines.hosts import CommandRun
    from core.session import Session

_TONES = {"up": Tone.GOOD, "down": Tone.BAD, "refused": Tone.BAD, "unknown": Tone.DIM}
_SHOWN_OUTPUT = 6


def _state(row: Host) -> str:
    if row.command:
        return "starting" if row.command == "start" else "stopping"
    return f"{row.health}, cordoned" if row.cordoned else row.health


def _tone(row: Host) -> Tone:
    if row.command or (row.cordoned and row.health == "up"):
        return Tone.WAITING
    return _TONES[row.health]


_COLUMNS: tuple[Column[Host], ...] = (
    Column(key="name", title="HOST", text=lambda row, _: row.name, width=14, flexible=True, tone=lambda _: Tone.STRONG),
    Column(
        key="health",
        title="HEALTH",
        meaning="up: its Docker Engine answers; down: it does not; refused: its key or ours is not the right one",
        text=lambda row, _: _state(row),
        value=lambda row: row.health,
        width=13,
        tone=_tone,
    ),
    Column(
        key="since",
        title="SINCE",
        meaning="how long it has been so",
        text=lambda row, now: "" if row.health_at is None else age(now - row.health_at),
        order=lambda row: None if row.health_at is None else -row.health_at,
        right=True,
        width=6,
        time=True,
    ),
    Column(
        key="machines",
        title="MACHINES",
        meaning="machines that are present on it, and how many it gives",
        text=lambda row, _: f"{row.machines}/{row.slots}",
        value=lambda row: row.machines,
        order=lambda row: row.machines,
        right=True,
        width=8,
    ),
    Column(key="environment", title="ENVIRONMENT", text=lambda row, _: row.environment, width=12, flexible=True),
    Column(
        key="detail",
        title="DETAIL",
        meaning="what is wrong with it",
        text=lambda row, _: row.health_detail or row.failure,
        width=20,
        flexible=True,
        tone=lambda row: Tone.BAD if row.health_detail else Tone.DIM,
    ),
    Column(
        key="address",
        title="ADDRESS",
        meaning="where it is reached",
        text=lambda row, _: row.address,
        width=24,
        flexible=True,
        needs=110,
    ),
    Column(key="gpus", title="GPUS", text=lambda row, _: row.gpu_devices, width=10, wide=True),
)


def _describe(session: Session, row: Host) -> Sequence[Section]:
    runs = session.hosts.commands(row, 10)
    pinned = row.fingerprint or "none yet: fetch it and pin it"
    trust = [Pair("pinned host key", pinned, tone=Tone.PLAIN if row.host_key else Tone.BAD)]
    if row.offered_fingerprint:
        trust.append(Pair("it showed", f"{row.offered_fingerprint}: not trusted until it is pinned", tone=Tone.BAD))
    trust.append(Pair("public key", row.public_key))
    trust.append(Pair("", f"put it into ~/.ssh/authorized_keys of the user in {row.address}", tone=Tone.DIM))
    return [
        Section(
            "Host",
            [
                Pair("name", row.name, tone=Tone.STRONG),
                Pair("id", row.uuid),
                Pair("environment", row.environment, address("environment", row.environment)),
                Pair("health", _health(row), tone=_tone(row)),
                *_failure(row),
                Pair("takes work", "no: it is cordoned" if row.cordoned else "yes"),
                Pair("machines", f"{row.machines} of {row.slots}, {row.busy} work", address("machines", host=row.name)),
                Pair("GPUs", row.gpu_devices or "none"),
                Pair("address", row.address),
                Pair("Docker socket", row.docker_socket),
            ],
        ),
        Section("Keys", trust),
        Section(
            "Commands",
            [
                Pair("start", row.start_command or "none: it is always on"),
                Pair("stop", row.stop_command or "none"),
                Pair("time limit", duration(row.command_timeout)),
                *(pair for run in runs for pair in _run(row, run)),
            ],
        ),
    ]


def _health(row: Host) -> str:
    return health_sentence(row.name, row.health, row.health_at, row.health_detail).removeprefix(f"host {row.name} ")


def _failure(row: Host) -> Sequence[Pair]:
    if not row.failures or row.failed_at is None:
        return ()
    again = clock_time(row.failed_at + back_off(row.failures))
    times = "once" if row.failures == 1 else f"{row.failures} times in a row"
    return [Pair("launch failed", f"{times}, tried again at {again} at the earliest: {row.failure}", tone=Tone.BAD)]


def _run(row: Host, run: CommandRun) -> Sequence[Pair]:
    if run.ended_at is None:
        return [Pair(iso_time(run.began_at), f"{run.kind} command runs", tone=Tone.BUSY)]
    took = duration(max(run.ended_at - run.began_at, 0))
    tone = Tone.DIM if run.exit_code == 0 else Tone.BAD
    lines = run.output.splitlines()[-_SHOWN_OUTPUT:]
    return [
        Pair(iso_time(run.began_at), f"{ending(run.kind, row.name, run.exit_code)} after {took}", tone=tone),
        *(Pair("", line, tone=Tone.DIM) for line in lines),
    ]


def _fields(row: Host) -> dict[str, Any]:
    return {
        "id": row.id,
        "uuid": row.uuid,
        "name": row.name,
        "environment": row.environment,
        "address": row.address,
        "docker_socket": row.docker_socket,
        "health": row.health,
        "health_at": None if row.health_at is None else iso_time(row.health_at),
        "health_detail": row.health_detail,
        "cordoned": row.cordoned,
        "machines": row.machines,
        "busy": row.busy,
        "slots": row.slots,
        "gpus": [device for device in row.gpu_devices.split(",") if device],
        "host_key": row.fingerprint or None,
        "offered_host_key": row.offered_fingerprint or None,
        "public_key": row.public_key,
        "start_command": row.start_command,
        "stop_command": row.stop_command,
        "command_timeout": row.command_timeout,
        "failures": row.failures,
        "failure": row.failure,
        "created_at": iso_time(row.created_at),
    }


HOSTS: Resource[Host] = Resource(
    name="hosts",
    singular="host",
    meaning="Docker Engines that are reached over SSH, how they are, and the machines that they give",
    permission="host.see",
    columns=_COLUMNS,
    source=Listed(
        lambda session, _: session.hosts.list(),
        key=lambda row: row.id,
        columns=_COLUMNS,
        kinds=frozenset({"host", "machine", "environment"}),
        filters={"environment": lambda row: row.environment, "health": lambda row: row.health},
    ),
    key=lambda row: row.id,
    label=lambda row: f"host {row.name}",
    reference=lambda row: row.name,
    find=lambda session, _, reference: session.hosts.get(reference),
    empty=Empty(
        "No host: machines come from this box only.",
        "Add a Docker Engine that is reached over SSH{key:list.add}, for an environment of kind hosts.",
    ),
    describe=_describe,
    fields=_fields,
    form=HOST_FORM,
    told="detail",
    actions=HOST_ACTIONS,
    filters=(
        RowFilter("environment", "the slug of its environment", of="environments"),
        RowFilter("health", "how it is", ("up", "down", "refused", "unknown")),
    ),
)
