"""The images of a Docker Engine: looked up, pulled from a registry, copied from another engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from core.scheduler.engines.docker_connection import DockerConnection, DockerStream, message_of, send
from core.scheduler.engines.engine import EngineDownError, Image, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.scheduler.engines.engine import Progress


class DockerImages:
    """The part of an engine that has to do with images."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._docker = DockerConnection(host)

    def image(self, name: str) -> Image | None:
        """Return the image, None where the engine does not have it."""
        answer = self._docker.ask(f"/images/{_quoted(name)}/json")
        if answer is None:
            return None
        digests = answer.get("RepoDigests") or []
        digest = digests[0].rpartition("@")[2] if digests else answer["Id"]
        layers = (str(answer.get("Created", "")), *(answer.get("RootFS", {}).get("Layers") or ()))
        return Image(answer["Id"], digest, answer["Size"], layers)

    def pull(self, name: str, progress: Progress) -> Image:
        """Fetch an image from its registry."""
        import docker  # noqa: PLC0415 - slow to import, and a pull is slower

        client = docker.APIClient(base_url=self._host.replace("tcp://", "http://"), timeout=600)
        layers = _Layers()
        try:
            for item in client.pull(name, tag=_tag(name), stream=True, decode=True, auth_config={}):
                if "error" in item:
                    raise RefusedError(str(item["error"]))
                progress(*layers.saw(item))
        except docker.errors.APIError as error:
            raise RefusedError(str(error.explanation or error)) from error
        except (docker.errors.DockerException, OSError) as error:
            message = f"the Docker Engine went away while it pulled {name!r} ({error})"
            raise EngineDownError(message) from error
        finally:
            client.close()
        image = self.image(name)
        if image is None:
            message = f"{name!r} was pulled but is not there: is something removing images?"
            raise RefusedError(message)
        return image

    def save(self, name: str) -> DockerStream:
        """Open an image as an archive that `load` takes."""
        return DockerStream(self._host, f"/images/{_quoted(name)}/get")

    def load(self, archive: Iterable[bytes]) -> None:
        """Take an image in from another engine."""
        status, answer = send(self._host, "POST", "/images/load", {"quiet": 1}, archive)
        if status >= 400:
            raise RefusedError(message_of(answer))
        for line in answer.splitlines():
            if line.strip() and "error" in (item := orjson.loads(line)):
                raise RefusedError(str(item["error"]))


class _Layers:
    """Adds up what Docker tells of each layer: of one that it has already it tells no size."""

    def __init__(self) -> None:
        self._layers: dict[str, tuple[int, int]] = {}

    def saw(self, item: dict[str, Any]) -> tuple[int, int]:
        """Return how many bytes of how many were downloaded."""
        layer, status, detail = str(item.get("id", "")), item.get("status"), item.get("progressDetail") or {}
        if status == "Downloading" and detail.get("total"):
            self._layers[layer] = (detail.get("current", 0), detail["total"])
        elif status in ("Download complete", "Pull complete") and layer in self._layers:
            self._layers[layer] = (self._layers[layer][1],) * 2
        return sum(done for done, _ in self._layers.values()), sum(total for _, total in self._layers.values())


def _quoted(name: str) -> str:
    return quote(name, safe="/:@")


def _tag(name: str) -> str | None:
    """Docker pulls every tag of a name without one."""
    last = name.rpartition("/")[2]
    return None if ":" in last or "@" in last else "latest"
