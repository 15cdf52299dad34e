"""What an engine is: it places and supervises one attempt of an execution, and never decides to run one again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from core.errors import ShoalError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class EngineDownError(UnavailableError):
    """The engine does not answer. It says nothing about what runs on it: wait and ask again."""

    code = "engine_down"


class RefusedError(ShoalError):
    """The engine answered and will not do it; the message is its own."""

    code = "refused"


class ImageMissingError(RefusedError):
    """The engine does not have the image: it has to be pulled first."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A directory or file of the host, seen inside the container."""

    source: Path
    target: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class ContainerSpecification:
    """All that a container is made from. `user` is None for the image's own."""

    name: str
    labels: dict[str, str]
    image: str
    command: list[str]
    environment: dict[str, str]
    mounts: list[Mount]
    working_directory: str
    network: Literal["bridge", "host", "none"]
    strict: bool
    user: str | None = None
    cpus: float | None = None
    memory: int | None = None
    pids: int = 4096


@dataclass(frozen=True, slots=True)
class ContainerState:
    """What the engine says of a container; times are seconds since 1970."""

    id: str
    status: Literal["created", "running", "exited"]
    exit_code: int | None = None
    out_of_memory: bool = False
    error: str = ""
    started_at: float | None = None
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """An image that the engine has. `digest` is the registry's where it came from one, else the image's own id."""

    id: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class EngineInformation:
    """What the engine says of itself."""

    version: str
    cpus: int
    memory: int
    warnings: list[str] = field(default_factory=list)


class Engine(Protocol):
    """Raises EngineDownError when it cannot be asked, RefusedError when it says no."""

    def ping(self) -> None:
        """Return when the engine answers."""
        ...

    def information(self) -> EngineInformation:
        """Return version and size of the engine; the way to see that it answers."""
        ...

    def image(self, name: str) -> Image | None:
        """Return the image, None where it has to be pulled first."""
        ...

    def pull(self, name: str, progress: Callable[[str], None]) -> Image:
        """Fetch an image from its registry, telling how far it is."""
        ...

    def submit(self, specification: ContainerSpecification) -> str:
        """Create the container unless one of that name exists; return its id. Does not start it.

        Raises:
            ImageMissingError: the image has to be pulled first.
        """
        ...

    def start(self, name: str) -> None:
        """Start a container that is known to be `created`; calling it for one that has ended would run it again."""
        ...

    def observe(self, name: str) -> ContainerState | None:
        """Return the state of one container, None where there is no such container."""
        ...

    def names(self, label: str) -> list[str]:
        """Return the names of all containers that carry `label` (`key=value`)."""
        ...

    def follow(self, name: str, since: int, *, wait: bool) -> LogStream:
        """Open the container's log from second `since` on.

        With `wait` the stream goes on until the container has ended, and may then lack its very last lines; without, it
        holds all that is there.
        """
        ...

    def signal(self, name: str, signal: str) -> None:
        """Send a signal to the container's processes; nothing where it has ended."""
        ...

    def forget(self, name: str) -> None:
        """Remove an ended container; nothing where there is none."""
        ...

    def run_to_end(self, specification: ContainerSpecification, within: float) -> int:
        """Run a container that takes less than `within` seconds; return its exit code, leaving nothing behind."""
        ...

    def close(self) -> None:
        """Close the connection to the engine."""
        ...


class LogStream(Protocol):
    """The bytes of a container's log as the engine frames them."""

    def chunks(self) -> Iterator[bytes]:
        """Yield bytes as they come; blocks. Raises EngineDownError when the connection breaks."""
        ...

    def close(self) -> None:
        """End `chunks()` from another thread."""
        ...
