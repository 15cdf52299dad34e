"""Everything about one execution, in the order in which somebody asks: how it stands, what ran, on what, with what."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from core import quantities
from core.executions.why import why
from core.json_text import value_text
from core.projects.web_address import commit_page
from core.resources.address import address
from core.resources.resource import Pair, Section, Tone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core.executions.execution import Execution, ExecutionInput
    from core.executions.why import Why
    from core.session import Session

FAILED = (
    "read its log{key:execution.log}, then run it again changed{key:execution.change}:"
    " with other code, values or inputs"
)
NEVER_BEGAN = (
    "mend what the status says, then run it again: changed{key:execution.change}, or as it was{key:execution.again}"
)
CRASHED = "see what happened{key:execution.events}, then run it again{key:execution.again}"
NO_TITLE = "none{key:execution.edit gives it one}"
NO_TAGS = "none{key:execution.tags gives it some}"


def details(session: Session, execution: Execution) -> Sequence[Section]:
    """Return the sections of an execution's description."""
    sections = [
        Section("", [*_standing(session, execution)]),
        Section("Code", [*_code(session, execution)]),
        Section("Machine", [*_machine(session, execution)]),
        Section("Command", [Pair("", line) for item in execution.command for line in item.splitlines()]),
        Section("Parameters", [Pair(name, value_text(value)) for name, value in execution.parameters.items()]),
        Section("Inputs", [*_inputs(session.executions.inputs(execution))]),
        Section("Environment variables", [Pair(name, "(set)") for name in sorted(execution.environment_variables)]),
        Section("Who and when", [*_times(session, execution)]),
    ]
    return [section for section in sections if section.pairs]


def _standing(session: Session, execution: Execution) -> Iterator[Pair]:
    from core.resources.executions import status_text, tone  # noqa: PLC0415 - it declares what this describes

    found = None if execution.is_final else why(session, execution)
    told = execution.reason if found is None else found.reason
    reason = f" — {told}" if told and execution.status != "complete" else ""
    yield Pair("status", status_text(execution.status) + reason, tone=tone(execution))
    if found is not None:
        yield from _in_queue(execution, found)
    if step := _next_step(execution):
        yield Pair("next", step, tone=Tone.STRONG, names_keys=True)
    yield _label("title", execution.title or "", NO_TITLE)
    yield _label("tags", ", ".join(execution.tags), NO_TAGS)


def _in_queue(execution: Execution, found: Why) -> Iterator[Pair]:
    if found.ahead:
        yield Pair("queue", found.ahead, address("queue", environment=execution.environment))
    if found.when:
        yield Pair("when", found.when)
    if found.step is not None and found.step.key:
        yield Pair("next", f"{found.step.text}{{key:{found.step.key}}}", tone=Tone.STRONG, names_keys=True)


def _label(name: str, text: str, without: str) -> Pair:
    return Pair(name, text) if text else Pair(name, without, tone=Tone.DIM, names_keys=True)


def _next_step(execution: Execution) -> str:
    if execution.status == "crashed":
        return CRASHED
    if execution.status != "error":
        return ""
    return NEVER_BEGAN if execution.exit_code is None else FAILED


def _code(session: Session, execution: Execution) -> Iterator[Pair]:
    commit = session.projects.commit_by_id(execution.commit_id)
    yield Pair("step", execution.step)
    kind = "ad-hoc code" if commit.adhoc else "commit"
    yield Pair(kind, commit.identifier, address("code", execution=str(execution.id)))
    if page := commit_page(session, commit):
        yield Pair("on the web", page)
    if commit.ref:
        yield Pair("ref", commit.ref)
    if commit.description:
        yield Pair("about", commit.description)
    yield Pair("image", execution.image)
    yield Pair("digest", execution.image_digest or "not known yet")


def _machine(session: Session, execution: Execution) -> Iterator[Pair]:
    environment = session.environments.get(execution.environment)
    yield Pair("environment", execution.environment, address("environment", execution.environment))
    yield Pair("machine", execution.machine or "none yet")
    memory = "all" if environment.memory is None else quantities.binary_size(environment.memory)
    yield Pair("hardware", f"{environment.cpus or 'all'} CPUs, {memory} memory, {environment.network} network")
    if execution.exit_code is not None:
        killed = " (out of memory)" if execution.out_of_memory else ""
        yield Pair("exit code", f"{execution.exit_code}{killed}")


def _inputs(inputs: Sequence[ExecutionInput]) -> Iterator[Pair]:
    for file in inputs:
        size = "" if file.size is None else f"{quantities.size(file.size)} · "
        checksum = "" if file.sha256 is None else f" · sha256 {file.sha256}"
        where = "" if file.file_id is None else address("trace", file=str(file.file_id))
        yield Pair(f"{file.name}/{file.path}", f"{size}{file.uri}{checksum}", where)


def _times(session: Session, execution: Execution) -> Iterator[Pair]:
    now = time.time()
    yield Pair("created", f"{_moment(execution.created_at, now)} by {execution.user}")
    if execution.queued_at is not None:
        yield Pair("queued", _moment(execution.queued_at, now))
    if execution.started_at is not None:
        yield Pair("started", _moment(execution.started_at, now))
    if execution.ended_at is not None:
        yield Pair("ended", _moment(execution.ended_at, now))
    ran = execution.duration(now)
    if ran is not None and execution.is_final:
        yield Pair("ran", quantities.duration(ran))
    if execution.cost:
        yield Pair("cost", quantities.money(execution.cost))
    yield Pair("priority", "high" if execution.priority else "normal")
    if execution.time_limit is not None:
        yield Pair("time limit", quantities.duration(execution.time_limit))
    if execution.copied_from is not None:
        source = session.executions.by_id(execution.copied_from)
        yield Pair("runs again", f"#{source.counter}", address("execution", id=str(source.id)))
    yield Pair("id", execution.uuid)


def _moment(at: float, now: float) -> str:
    return f"{quantities.iso_time(at)}, {quantities.age(max(0.0, now - at))} ago"
