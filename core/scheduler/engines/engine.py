"""What an engine is: it places and supervises one attempt of an execution, and never decides to run one again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from core.errors import ShoalError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    Progress = Callable[[int, int], None]
    """Told how many bytes of how many came, as far as that is known; what it raises ends the transfer."""


class EngineDownError(UnavailableError):
    """The engine does not answer. It says nothing about what runs on it: wait and ask again."""

    code = "engine_down"


class RefusedError(ShoalError):
    """The engine answered and will not do it; the message is its own."""

    code = "refused"


class MissingError(RefusedError):
    """The engine answered that there is no such thing."""


class ImageMissingError(RefusedError):
    """The engine does not have the image: it has to be pulled first."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A directory or file of the engine's machine, or a volume of the engine, seen inside the container."""

    source: Path | str
    target: str
    read_only: bool
    is_volume: bool = False


@dataclass(frozen=True, slots=True)
class ContainerSpecification:
    """All that a container is made from. `user` is None for the image's own; `gpus` names devices."""

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
    gpus: tuple[str, ...] = ()


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
    """An image that the engine has. `digest` is the registry's where it came from one, else the image's own id.

    `layers` says when it was made and of what: the same in every engine, which ids are not.
    """

    id: str
    digest: str
    size: int
    layers: tuple[str, ...] = ()

    @property
    def is_of_registry(self) -> bool:
        """Whether a registry knows it by its digest."""
        return self.digest != self.id


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

    def pull(self, name: str, progress: Progress) -> Image:
        """Fetch an image from its registry, telling how far it is."""
        ...

    def save(self, name: str) -> Stream:
        """Open an image as an archive that `load` takes."""
        ...

    def load(self, archive: Iterable[bytes]) -> None:
        """Take an image in from another engine."""
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

    def follow(self, name: str, since: int, *, wait: bool) -> Stream:
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

    def create_volume(self, name: str, labels: dict[str, str]) -> None:
        """Make an empty volume unless there is one of that name."""
        ...

    def remove_volume(self, name: str) -> None:
        """Remove a volume and what it holds; nothing where there is none.

        Raises:
            RefusedError: a container uses it.
        """
        ...

    def volumes(self, label: str) -> list[str]:
        """Return the names of all volumes that carry `label` (`key=value`)."""
        ...

    def put_archive(self, name: str, path: str, archive: Iterable[bytes]) -> None:
        """Unpack a tar archive below `path` of a container, its volumes included."""
        ...

    def get_archive(self, name: str, path: str) -> Stream | None:
        """Open what lies at `path` of a container as a tar archive; None where there is no such thing."""
        ...

    def run_to_end(self, specification: ContainerSpecification, within: float) -> int:
        """Run a container that takes less than `within` seconds; return its exit code, leaving nothing behind."""
        ...

    def close(self) -> None:
        """Close the connection to the engine."""
        ...


class Stream(Protocol):
    """Bytes as the engine sends them: a container's log in frames, an archive."""

    def chunks(self) -> Iterator[bytes]:
        """Yield bytes as they come; blocks. Raises EngineDownError when the connection breaks."""
        ...

    def close(self) -> None:
        """End `chunks()` from another thread."""
        ...


class Engines(Protocol):
    """Where engines are opened: this machine's own, and those of hosts."""

    def open(self, host_id: int | None) -> Engine:
        """Open a connection for one thread; None is this machine's own engine.

        Raises:
            EngineDownError: there is no way to the host now.
        """
        ...
