"""`shoal executions show`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

import click

from cli.opened import project_of, session
from cli.options import execution_argument, json_option, plain_option, project_option
from cli.output import print_json, print_pairs, print_plain
from cli.started import note_missing_scheduler
from core.executions.why import why
from core.json_text import json_text, value_text
from core.quantities import age, duration, iso_time, money, size
from core.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from core.executions.execution import Event, Execution, ExecutionInput
    from core.session import Session
    from core.storage.files import File


@click.command()
@execution_argument
@project_option
@plain_option
@json_option
def show(number: int | Literal["latest"], project: str | None, *, as_json: bool, as_plain: bool) -> None:
    """Show all about one execution: what runs, why it waits or how it ended, inputs, outputs, metadata."""
    here = session()
    of = project_of(here, project)
    execution = here.executions.get(of, number)
    outputs = here.files.list(of, execution=execution.id, limit=1000).rows[::-1]
    if as_json:
        print_json(_document(here, execution, outputs))
        return
    sections = _sections(here, execution, outputs)
    if as_plain:
        lines = "\n".join(execution.command).splitlines()
        parts = {"execution": _facts(here, execution), "command": (("", line) for line in lines), **sections}
        facts = ((title, name, value) for title, pairs in parts.items() for name, value in pairs if value)
        print_plain(("SECTION", "NAME", "VALUE"), facts)
        return
    print_pairs(_facts(here, execution))
    _print_command(execution.command)
    for title, pairs in sections.items():
        _section(title, pairs)
    note_missing_scheduler(here, [execution])


def _sections(here: Session, execution: Execution, outputs: Sequence[File]) -> dict[str, Iterator[tuple[str, str]]]:
    return {
        "parameters": ((name, json_text(value, indent=False)) for name, value in execution.parameters.items()),
        "inputs": (_input(file) for file in here.executions.inputs(execution)),
        "outputs": ((file.name, f"{size(file.size)}  {file.uri}") for file in outputs),
        "metadata": _metadata(here.executions.metadata_latest(execution)),
        "events": _events(here.executions.events(execution)),
    }


def _facts(here: Session, execution: Execution) -> Iterator[tuple[str, str]]:
    now = time.time()
    stands = why(here, execution)
    ran = execution.duration(now)
    yield "execution", f"#{execution.counter}"
    yield "id", execution.uuid
    yield "title", execution.title or ""
    yield "step", execution.step
    reason = execution.reason if execution.is_final else stands.reason
    yield "status", ": ".join(filter(None, (execution.status, reason)))
    yield "queue", stands.ahead
    yield "when", stands.when
    yield "created", f"{iso_time(execution.created_at)} by {execution.user}, {age(now - execution.created_at)} ago"
    yield "ran", "" if ran is None else duration(ran)
    yield "exit code", "" if execution.exit_code is None else str(execution.exit_code)
    yield "environment", " on ".join(filter(None, (execution.environment, execution.machine)))
    yield "commit", execution.commit
    yield "image", " ".join(filter(None, (execution.image, execution.image_digest)))
    yield "priority", "high" if execution.priority else ""
    yield "time limit", "" if execution.time_limit is None else duration(execution.time_limit)
    yield "stop when", execution.stop_condition or ""
    yield "cost", "" if not execution.cost else money(execution.cost)
    yield "tags", ", ".join(execution.tags)


def _print_command(command: Sequence[str]) -> None:
    click.echo("\ncommand")
    for line in "\n".join(command).splitlines():
        click.echo(f"  {plain(line)}")


def _section(title: str, pairs: Iterator[tuple[str, str]]) -> None:
    if listed := [(f"  {plain(name, limit=60)}", value) for name, value in pairs]:
        click.echo(f"\n{title}")
        print_pairs(listed)


def _input(file: ExecutionInput) -> tuple[str, str]:
    known = "" if file.size is None else f"  {size(file.size)}"
    return f"{file.name}/{file.path}", f"{file.uri}{known}"


def _metadata(latest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in latest.items():
        yield key, value_text(value)


def _events(events: Sequence[Event]) -> Iterator[tuple[str, str]]:
    for event in events:
        yield iso_time(event.at), ": ".join(filter(None, (event.kind, event.message)))


def _document(here: Session, execution: Execution, outputs: Sequence[File]) -> dict[str, Any]:
    from core.resources.fields import estimate_fields, event_fields, execution_fields, file_fields, input_fields  # noqa: PLC0415

    stands = why(here, execution)
    return {
        **execution_fields(execution),
        "place": stands.place,
        "estimate": estimate_fields(stands.estimate),
        "command": execution.command,
        "environment_variables": sorted(execution.environment_variables),
        "inputs": [input_fields(file) for file in here.executions.inputs(execution)],
        "outputs": [file_fields(file) for file in outputs],
        "metadata": here.executions.metadata_latest(execution),
        "events": [event_fields(event) for event in here.executions.events(execution)],
    }
