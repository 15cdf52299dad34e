"""`shoal executions copy`."""

from __future__ import annotations

from typing import Literal

import click

from cli.opened import project_of, session
from cli.options import execution_argument, json_option, pairs, project_option
from cli.started import announce, watch_option


@click.command()
@execution_argument
@project_option
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="Another value for a parameter.")
@click.option("--input", "inputs", multiple=True, metavar="NAME=URI", help="Other files for an input.")
@watch_option
@json_option
def copy(
    number: int | Literal["latest"],
    project: str | None,
    parameters: tuple[str, ...],
    inputs: tuple[str, ...],
    *,
    watch: bool,
    as_json: bool,
) -> None:
    """Run an execution again: the same commit, image, values and files, but for what is given here."""
    from cli.inputs import collected, uploaded  # noqa: PLC0415
    from cli.parameters import gathered  # noqa: PLC0415

    here = session()
    of = project_of(here, project)
    original = here.executions.get(of, number)
    others = uploaded(here, of, collected(pairs(inputs, "input")))
    execution = here.executions.copy(original, parameters=gathered(pairs(parameters, "param")), inputs=others)
    announce(here, execution, watch=watch, as_json=as_json)
