"""`shoal executions copy`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from cli.opened import project_of, session
from cli.options import execution_argument, json_option, pairs, project_option
from cli.started import announce, watch_option

if TYPE_CHECKING:
    from core.executions.execution import Execution
    from core.session import Session


@click.command(
    context_settings={"ignore_unknown_options": True},
    options_metavar="[OPTIONS] [--PARAMETER=VALUE]...",
)
@execution_argument
@click.argument("words", metavar="", nargs=-1, type=click.UNPROCESSED)
@project_option
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="Another value for a parameter.")
@click.option("--input", "inputs", multiple=True, metavar="NAME=URI", help="Other files for an input.")
@watch_option
@json_option
def copy(
    number: int | Literal["latest"],
    words: tuple[str, ...],
    project: str | None,
    parameters: tuple[str, ...],
    inputs: tuple[str, ...],
    *,
    watch: bool,
    as_json: bool,
) -> None:
    """Run an execution again: the same commit, image, values and files, but for what is given here.

    Parameters of the step are options, as for `shoal run`: --learning-rate=0.1.
    """
    from cli.inputs import collected, uploaded  # noqa: PLC0415
    from cli.parameters import gathered  # noqa: PLC0415

    here = session()
    of = project_of(here, project)
    original = here.executions.get(of, number)
    values = [*pairs(parameters, "param"), *_options(here, original, words)]
    others = uploaded(here, of, collected(pairs(inputs, "input")))
    execution = here.executions.copy(original, parameters=gathered(values), inputs=others)
    announce(here, execution, watch=watch, as_json=as_json)


def _options(here: Session, original: Execution, words: tuple[str, ...]) -> list[tuple[str, str]]:
    if not words:
        return []
    from cli.parameters import option_pairs  # noqa: PLC0415
    from core.projects.manifest import read_manifest  # noqa: PLC0415

    manifest = read_manifest(here.projects.commit_by_id(original.commit_id).yaml)
    return list(option_pairs(manifest.step(original.step), words))
