"""Inputs from the command line: addresses as they are, files of this machine uploaded first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cli.output import note
from cli.progress import progress_bar
from core.errors import InvalidInputError
from core.quantities import size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from core.projects.service import Project
    from core.session import Session


def collected(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Gather `name=value` pairs by name; an empty value gives an input no file.

    Raises:
        InvalidInputError: a value is neither an address nor a file of this machine.
    """
    inputs: dict[str, list[str]] = {}
    for name, value in pairs:
        listed = inputs.setdefault(name, [])
        if value:
            _check(name, value)
            listed.append(value)
    return inputs


def uploaded(session: Session, project: Project, inputs: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return the inputs with each local file uploaded and named by its address in Shoal."""
    return {name: [_address(session, project, value) for value in values] for name, values in inputs.items()}


def _is_address(value: str) -> bool:
    return "://" in value


def _check(name: str, value: str) -> None:
    if not _is_address(value) and not Path(value).exists():
        message = (
            f"input {name!r}: {value!r} is neither a file here nor an address"
            " (datum://<id or alias>, https://…, file://…)"
        )
        raise InvalidInputError(message, field=name)


def _address(session: Session, project: Project, value: str) -> str:
    if _is_address(value):
        return value
    with progress_bar(f"uploading {value}") as progress:
        file = session.files.upload(project, Path(value), progress=progress)
    note(f"{value}: uploaded, {size(file.size)}, {file.uri}")
    return file.uri
