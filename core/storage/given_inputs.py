"""What a person names as an input's file: an address, a file of this machine, or a file of the project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from core.projects.service import Project
    from core.session import Session


def is_address(text: str) -> bool:
    """Tell whether what was named is an address, such as datum://…, not a file."""
    return "://" in text


def addresses(
    session: Session,
    project: Project,
    inputs: Mapping[str, Sequence[str]],
    directory: Path | None,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, list[str]]:
    """Return inputs by their addresses: a file of this machine is uploaded, a name or alias is that of a file here.

    Files are looked for from `directory`, None to look for none. `progress` gets what is uploaded, its bytes done and
    its bytes in all.

    Raises:
        InvalidInputError: names the input for which something is neither an address nor a file; nothing was uploaded.
    """
    found = {
        name: [_found(session, project, name, text, directory) for text in texts] for name, texts in inputs.items()
    }
    return {name: [_address(session, project, each, progress) for each in each_of] for name, each_of in found.items()}


def _found(session: Session, project: Project, name: str, text: str, directory: Path | None) -> str | Path:
    if is_address(text):
        return text
    if directory is not None and (path := directory / Path(text).expanduser()).is_file():
        return path
    try:
        return session.files.get(project, text).uri
    except NotFoundError as error:
        message = (
            f"input {name!r}: {text[:200]!r} is no file here, and no file, alias or id of project {project.name!r}"
        )
        raise InvalidInputError(message, field=name) from error


def _address(
    session: Session, project: Project, found: str | Path, progress: Callable[[str, int, int], None] | None
) -> str:
    if isinstance(found, str):
        return found
    path = found

    def uploading(done: int, total: int) -> None:
        if progress is not None:
            progress(f"uploading {path.name}", done, total)

    return session.files.upload(project, path, progress=uploading).uri
