"""What drivers take and give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from core.projects.service import Project
    from core.session import Session
    from core.storage.checksums import Checksums
    from core.storage.incoming import IncomingFile


@dataclass(frozen=True, slots=True)
class Found:
    """One file that a URI names: `full` is its path from the root of its place, `suffix` from the first wildcard."""

    uri: str
    full: str
    suffix: str
    file_id: int | None = None
    checksums: Checksums | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A content that was brought; `validator` tells later whether the place still holds it (None: nothing can)."""

    checksums: Checksums
    validator: str | None


@dataclass(frozen=True, slots=True)
class Fetching:
    """One bringing of a content into `incoming`; `advance` gets the bytes done and the bytes in all (0: unknown)."""

    session: Session
    incoming: IncomingFile
    advance: Callable[[int, int], None]
    client: Callable[[], httpx.AsyncClient]


class Resolver(Protocol):
    """A driver that knows which files a URI names."""

    def resolve(self, session: Session, project: Project, uri: str) -> list[Found]:
        """Return the files that `uri` names when an execution is created."""


class Source(Resolver, Protocol):
    """A driver that can bring contents, too."""

    async def fetch(self, uri: str, validator: str | None, fetching: Fetching) -> Fetched | None:
        """Bring the content of `uri`, or return None where it is still the one that `validator` was made for."""
