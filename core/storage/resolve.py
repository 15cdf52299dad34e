"""What the inputs of an execution stand for, found once: when it is created."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from core.errors import InvalidInputError
from core.storage.drivers import resolver_of
from core.storage.names import base_name, printable_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from core.projects.service import Project
    from core.session import Session
    from core.storage.checksums import Checksums
    from core.storage.drivers.source import Found


class InputRequest(Protocol):
    """What a person asked of one input."""

    @property
    def uris(self) -> Sequence[str]:
        """Where the files come from."""

    @property
    def keep_directories(self) -> str:
        """What is kept of the files' directories: `none`, `suffix` or `full`."""

    @property
    def filename(self) -> str | None:
        """The name that the only file gets."""


@dataclass(frozen=True, slots=True)
class ResolvedInput:
    """One file of an input: `requested` is what the person wrote, `uri` what it stands for, `path` its place below the
    input's directory. `file_id` and `checksums` are known for files that Shoal keeps.
    """

    requested: str
    uri: str
    path: str
    file_id: int | None
    checksums: Checksums | None


def resolve(session: Session, project: Project, request: InputRequest) -> list[ResolvedInput]:
    """Return the files of one input, in the order asked for; the same file asked for twice comes once.

    Raises:
        InvalidInputError: a URI is of no kind that works here, names nothing that may be read, or two files would get
            the same path.
        NotFoundError: a datum:// URI names no file of the project.
    """
    session.require("file.see")
    wanted: dict[str, tuple[str, Found]] = {}
    for uri in filter(None, (uri.strip() for uri in request.uris)):
        for found in resolver_of(uri).resolve(session, project, uri):
            wanted.setdefault(found.uri, (uri, found))
    inputs = [
        ResolvedInput(requested, found.uri, _path(found, request), found.file_id, found.checksums)
        for requested, found in wanted.values()
    ]
    if request.filename is not None and len(inputs) > 1:
        message = f"filename {request.filename!r} can name one file only, and there are {len(inputs)}"
        raise InvalidInputError(message, field="filename")
    _refuse_collisions(inputs)
    return inputs


def _path(found: Found, request: InputRequest) -> str:
    if request.filename is not None:
        if request.filename != base_name(printable_name(request.filename)):
            message = f"filename {request.filename!r} must be a plain printable name without directories"
            raise InvalidInputError(message, field="filename")
        return request.filename
    return {"full": found.full, "suffix": found.suffix}.get(request.keep_directories) or base_name(found.full)


def _refuse_collisions(inputs: Iterable[ResolvedInput]) -> None:
    taken: dict[str, ResolvedInput] = {}
    for each in inputs:
        if (first := taken.setdefault(each.path, each)) is not each:
            raise _collision(first, each)
    for each in taken.values():
        directory = each.path.rpartition("/")[0]
        while directory:
            if (other := taken.get(directory)) is not None:
                raise _collision(other, each)
            directory = directory.rpartition("/")[0]


def _collision(one: ResolvedInput, other: ResolvedInput) -> InvalidInputError:
    message = (
        f"{one.uri} and {other.uri} would both be {one.path!r}: keep their directories (`keep-directories: suffix`),"
        " or put them into inputs of their own"
    )
    return InvalidInputError(message, field="inputs")
