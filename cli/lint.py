"""`shoal lint`."""

from __future__ import annotations

from pathlib import Path

import click

from cli.findings import finding_lines
from cli.options import json_option
from cli.output import note, print_json
from core.errors import InvalidInputError, NotFoundError


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default="valohai.yaml")
@json_option
def lint(file: Path, *, as_json: bool) -> None:
    """Check a valohai.yaml.

    FILE is the one here by default. Exits with 2 where it has errors; warnings are no errors.
    """
    from core.projects.manifest import lint as check  # noqa: PLC0415

    findings = check(_content(file))
    if as_json:
        print_json([{"severity": found.severity, "line": found.line, "message": found.message} for found in findings])
    else:
        for line in finding_lines(str(file), findings):
            click.echo(line)
    errors = sum(found.severity == "error" for found in findings)
    warnings = len(findings) - errors
    if not as_json:
        note(f"{file}: {_count(errors, 'error')}, {_count(warnings, 'warning')}")
    if errors:
        click.get_current_context().exit(InvalidInputError.exit_code)


def _content(file: Path) -> bytes:
    from core.projects.yaml_document import MAXIMUM_BYTES  # noqa: PLC0415

    try:
        if not file.is_file():
            message = f"there is no file {str(file)!r}: give a valohai.yaml, or write one with `shoal init`"
            raise NotFoundError(message, field="file")
        with file.open("rb") as stream:
            return stream.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        message = f"{str(file)!r} cannot be read: {error.strerror}"
        raise InvalidInputError(message, field="file") from error


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
