"""A Docker Engine as an engine: this machine's own, or that of a host.

A container's name is its idempotency key: creating it twice is refused by Docker. Containers are never removed
automatically: their exit code is the only record until it is written down.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from core.scheduler.engines.docker_connection import DockerStream, docker_host, message_of
from core.scheduler.engines.docker_images import DockerImages
from core.scheduler.engines.docker_volumes import DockerVolumes
from core.scheduler.engines.engine import (
    ContainerState,
    EngineDownError,
    EngineInformation,
    ImageMissingError,
    RefusedError,
)

if TYPE_CHECKING:
    from core.scheduler.engines.engine import ContainerSpecification, Mount

NEVER = "0001-01-01T00:00:00Z"
SHARED_MEMORY = 1024**3
"""Bytes of /dev/shm: Docker's 64 MiB break data loaders that pass batches through it; the memory limit covers it."""


class DockerEngine(DockerImages, DockerVolumes):
    """One engine, used by one thread at a time: it holds one kept-alive connection."""

    def __init__(self, host: str | None = None) -> None:
        super().__init__(host or docker_host())

    def ping(self) -> None:
        """Return when the engine answers."""
        self._docker.ask("/_ping")

    def information(self) -> EngineInformation:
        """Return version and size of the engine."""
        answer = self._docker.ask("/info")
        return EngineInformation(
            answer["ServerVersion"], answer["NCPU"], answer["MemTotal"], list(answer.get("Warnings") or [])
        )

    def submit(self, specification: ContainerSpecification) -> str:
        """Create the container unless one of that name exists; return its id."""
        status, answer = self._docker.call(
            "POST", "/containers/create", {"name": specification.name}, _container(specification)
        )
        if status == 409:
            existing = self.observe(specification.name)
            if existing is not None:
                return existing.id
            # The name is taken before there is a container: one is being made for a scheduler that died, or removed.
            message = f"the Docker Engine is not done yet with a container named {specification.name}"
            raise EngineDownError(message)
        if status == 404:
            raise ImageMissingError(message_of(answer))
        if status >= 400:
            raise RefusedError(message_of(answer))
        return str(answer["Id"])

    def start(self, name: str) -> None:
        """Start a container that is known to be `created`; the request is sent once at most."""
        status, answer = self._docker.call("POST", f"/containers/{name}/start", repeat=False)
        if status >= 400:
            raise RefusedError(message_of(answer))

    def observe(self, name: str) -> ContainerState | None:
        """Return the state of one container, None where there is none."""
        answer = self._docker.ask(f"/containers/{name}/json")
        return None if answer is None else _state(answer)

    def names(self, label: str) -> list[str]:
        """Return the names of all containers that carry `label`."""
        filters = orjson.dumps({"label": [label]}).decode()
        answer = self._docker.ask("/containers/json", {"all": "1", "filters": filters})
        return [item["Names"][0].lstrip("/") for item in answer]

    def follow(self, name: str, since: int, *, wait: bool) -> DockerStream:
        """Open the container's log from second `since` on, each frame with its time."""
        query = {"follow": int(wait), "stdout": 1, "stderr": 1, "timestamps": 1, "since": since}
        return DockerStream(self._host, f"/containers/{name}/logs", query)

    def signal(self, name: str, signal: str) -> None:
        """Send a signal to the container's processes."""
        status, answer = self._docker.call("POST", f"/containers/{name}/kill", {"signal": signal})
        if status >= 400 and status not in (404, 409):
            raise RefusedError(message_of(answer))

    def forget(self, name: str) -> None:
        """Remove a container and its anonymous volumes; nothing where there is none."""
        status, answer = self._docker.call("DELETE", f"/containers/{name}", {"v": 1, "force": 1})
        if status >= 400 and status not in (404, 409):
            raise RefusedError(message_of(answer))

    def run_to_end(self, specification: ContainerSpecification, within: float) -> int:
        """Run a short container and return its exit code, leaving nothing behind."""
        self.forget(specification.name)
        self.submit(specification)
        try:
            self.start(specification.name)
            deadline = time.monotonic() + within
            while time.monotonic() < deadline:
                state = self.observe(specification.name)
                if state is None or state.status == "exited":
                    return -1 if state is None or state.exit_code is None else state.exit_code
                time.sleep(0.1)
            message = f"{specification.name} was not done within {within:g} s"
            raise RefusedError(message)
        finally:
            self.forget(specification.name)

    def close(self) -> None:
        """Close the connection."""
        self._docker.close()


def _container(specification: ContainerSpecification) -> dict[str, Any]:
    host: dict[str, Any] = {
        "Init": True,
        "Mounts": [_mount(mount) for mount in specification.mounts],
        "NetworkMode": specification.network,
        "LogConfig": {"Type": "json-file", "Config": {}},
        "PidsLimit": specification.pids,
        "SecurityOpt": ["no-new-privileges"],
        "ShmSize": SHARED_MEMORY,
    }
    if specification.cpus:
        host["NanoCpus"] = int(specification.cpus * 1e9)
    if specification.memory:
        host["Memory"] = host["MemorySwap"] = specification.memory
    if specification.gpus:
        host["DeviceRequests"] = [{"DeviceIDs": list(specification.gpus), "Capabilities": [["gpu"]]}]
    if specification.strict:
        host |= {"CapDrop": ["ALL"], "ReadonlyRootfs": True, "Tmpfs": {"/tmp": "rw,nosuid,nodev"}}  # noqa: S108
    return {
        "Image": specification.image,
        "Entrypoint": [],
        "Cmd": specification.command,
        "Env": [f"{name}={value}" for name, value in specification.environment.items()],
        "WorkingDir": specification.working_directory,
        "Labels": specification.labels,
        "User": specification.user or "",
        "HostConfig": host,
    }


def _mount(mount: Mount) -> dict[str, Any]:
    kind = "volume" if mount.is_volume else "bind"
    made: dict[str, Any] = {
        "Type": kind,
        "Source": str(mount.source),
        "Target": mount.target,
        "ReadOnly": mount.read_only,
    }
    if mount.is_volume:
        # What the image has at that place stays out of it, as with a directory of the machine.
        made["VolumeOptions"] = {"NoCopy": True}
    return made


def _state(answer: dict[str, Any]) -> ContainerState:
    state = answer["State"]
    started = state["StartedAt"]
    if state["Running"] or state["Paused"] or state["Restarting"]:
        return ContainerState(answer["Id"], "running", started_at=_seconds(started))
    if started.startswith(NEVER[:19]) and not state["FinishedAt"].startswith(NEVER[:19]):
        return ContainerState(answer["Id"], "exited", state["ExitCode"], error=state["Error"])
    if started.startswith(NEVER[:19]):
        return ContainerState(answer["Id"], "created", error=state["Error"])
    return ContainerState(
        answer["Id"],
        "exited",
        exit_code=state["ExitCode"],
        out_of_memory=bool(state["OOMKilled"]),
        error=state["Error"],
        started_at=_seconds(started),
        ended_at=_seconds(state["FinishedAt"]),
    )


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
