"""`shoal executions why`."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Literal

import click

from cli.opened import project_of, session
from cli.options import execution_argument, json_option, project_option
from cli.output import print_json, terminal_width
from cli.started import note_missing_scheduler
from core.text import plain

if TYPE_CHECKING:
    from core.executions.execution import Execution
    from core.executions.why import Why

WIDEST = 100


@click.command()
@execution_argument
@project_option
@json_option
def why(number: int | Literal["latest"], project: str | None, *, as_json: bool) -> None:
    """Say why an execution waits, its place, when it starts and what to do; or how it runs, or ended."""
    from core.executions.why import sentences  # noqa: PLC0415
    from core.executions.why import why as reason_of  # noqa: PLC0415

    here = session()
    execution = here.executions.get(project_of(here, project), number)
    found = reason_of(here, execution)
    if as_json:
        print_json(_fields(execution, found))
        return
    paragraph = plain(" ".join(sentences(execution, found)), limit=2000)
    width = terminal_width()
    click.echo(paragraph if width is None else textwrap.fill(paragraph, min(width, WIDEST)))
    if found.step is not None:
        click.echo(plain(f"Next: {found.step.text} (`{found.step.command}`)"))
    note_missing_scheduler(here, [execution])


def _fields(execution: Execution, found: Why) -> dict[str, Any]:
    from core.resources.fields import estimate_fields  # noqa: PLC0415

    return {
        "number": execution.counter,
        "status": found.status,
        "code": found.code,
        "reason": found.reason,
        "place": found.place,
        "ahead": found.ahead,
        "estimate": estimate_fields(found.estimate),
        "next": None if found.step is None else {"text": found.step.text, "command": found.step.command},
    }
