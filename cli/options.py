"""Options that several commands share."""

from __future__ import annotations

from typing import Any, Literal

import click

from cli.completing import complete_executions, complete_projects
from core.errors import InvalidInputError
from core.quantities import read_number


def _one_form(context: click.Context, parameter: click.Parameter, value: bool) -> bool:  # noqa: FBT001 - as click calls it
    if value and context.params.get({"as_json": "as_plain"}.get(parameter.name or "", "as_json")):
        message = "--json and --plain are two forms: give one of them"
        raise InvalidInputError(message, field="plain")
    return value


json_option = click.option("--json", "as_json", is_flag=True, callback=_one_form, help="Print JSON, for scripts.")
plain_option = click.option(
    "--plain",
    "as_plain",
    is_flag=True,
    callback=_one_form,
    help="Print whole values with a tab between them and without colour, for cut, grep and screen readers.",
)
project_option = click.option(
    "--project",
    metavar="NAME",
    shell_complete=complete_projects,
    help="The project (default: the one that this directory is linked to).",
)
limit_option = click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many to list at most."
)
after_option = click.option(
    "--after",
    type=click.IntRange(0, 2**63 - 1),
    metavar="ID",
    help="List what comes after the one with this id: the next page.",
)


class ExecutionNumber(click.ParamType[Any]):
    """The number of an execution in its project, with or without `#`, or `latest`."""

    name = "execution"

    def convert(
        self,
        value: str | int,
        param: click.Parameter | None,  # noqa: ARG002
        ctx: click.Context | None,  # noqa: ARG002
    ) -> int | Literal["latest"]:
        """Return the number, or `latest`."""
        if value == "latest":
            return "latest"
        if (number := read_number(str(value))) is not None:
            return number
        message = f"{value!r:.120} is no execution: give its number, such as 12, or latest"
        raise InvalidInputError(message, field="execution")


execution_argument = click.argument(
    "number", metavar="NUMBER", type=ExecutionNumber(), shell_complete=complete_executions
)


def pairs(given: tuple[str, ...], option: str) -> list[tuple[str, str]]:
    """Split `name=value` options.

    Raises:
        InvalidInputError: one has no `=`, or no name.
    """
    split = []
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            message = f"--{option} takes NAME=VALUE, not {text!r:.120}"
            raise InvalidInputError(message, field=option)
        split.append((name, value))
    return split
