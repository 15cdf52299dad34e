"""What a Docker Engine keeps for containers without this machine's file system: volumes, and archives into and out."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import orjson

from core.scheduler.engines.docker_connection import DockerConnection, DockerStream, message_of, send
from core.scheduler.engines.engine import MissingError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable


class DockerVolumes:
    """The part of an engine that has to do with volumes; `_docker` and `_host` are the engine's."""

    _host: str
    _docker: DockerConnection

    def create_volume(self, name: str, labels: dict[str, str]) -> None:
        """Make an empty volume unless there is one of that name."""
        status, answer = self._docker.call("POST", "/volumes/create", body={"Name": name, "Labels": labels})
        if status >= 400:
            raise RefusedError(message_of(answer))

    def remove_volume(self, name: str) -> None:
        """Remove a volume and what it holds; nothing where there is none."""
        status, answer = self._docker.call("DELETE", f"/volumes/{quote(name)}")
        if status >= 400 and status != 404:
            raise RefusedError(message_of(answer))

    def volumes(self, label: str) -> list[str]:
        """Return the names of all volumes that carry `label`."""
        filters = orjson.dumps({"label": [label]}).decode()
        answer = self._docker.ask("/volumes", {"filters": filters})
        return [item["Name"] for item in answer["Volumes"] or ()]

    def put_archive(self, name: str, path: str, archive: Iterable[bytes]) -> None:
        """Unpack a tar archive below `path` of a container, its volumes included."""
        status, answer = send(self._host, "PUT", f"/containers/{name}/archive", {"path": path}, archive)
        if status >= 400:
            raise RefusedError(message_of(answer))

    def get_archive(self, name: str, path: str) -> DockerStream | None:
        """Open what lies at `path` of a container as a tar archive; None where there is no such thing."""
        try:
            return DockerStream(self._host, f"/containers/{name}/archive?{urlencode({'path': path})}")
        except MissingError:
            return None
