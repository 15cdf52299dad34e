"""The few things that making an image asks of the Docker Engine."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from core.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import docker

RECIPE_LABEL = "shoal.recipe"
_ANSWER_LIMIT = 15
_WORK_LIMIT = 300


@contextmanager
def docker_engine() -> Iterator[docker.APIClient]:
    """Connect to the Docker Engine named by `DOCKER_HOST`, or to this machine's.

    Raises:
        UnavailableError: it does not answer, or ends what was asked of it.
    """
    import docker  # noqa: PLC0415

    try:
        client = docker.from_env(timeout=_WORK_LIMIT)
    except docker.errors.DockerException as error:
        where = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        message = f"Docker does not answer at {where} ({_reason(error)}): start it, and see that you may use it"
        raise UnavailableError(message) from error
    try:
        yield client.api
    except (docker.errors.DockerException, OSError) as error:
        message = f"the image cannot be made: {_reason(error)}"
        raise UnavailableError(message) from error
    finally:
        client.close()


def recipe_of(client: docker.APIClient, image: str) -> str | None:
    """Return the recipe that a local image was made by, "" where it has none, None where there is no such image."""
    import docker  # noqa: PLC0415

    try:
        labels = client.inspect_image(image)["Config"].get("Labels") or {}  # type: ignore[no-untyped-call]
    except docker.errors.ImageNotFound:
        return None
    return str(labels.get(RECIPE_LABEL, ""))


def pull(image: str, report: Callable[[str], None]) -> bool:
    """Try to bring a public image here; return whether it is. A registry that is out of reach costs 15 seconds."""
    import docker  # noqa: PLC0415

    with docker_engine() as engine:
        if recipe_of(engine, image) is not None:
            return True
        report(f"pulling {image}")
        engine.timeout = _ANSWER_LIMIT
        repository, _, tag = image.partition(":")
        try:
            for line in engine.pull(repository, tag=tag, stream=True, decode=True):
                if "error" in line:
                    report(f"{image} cannot be pulled: {line['error']}")
                    return False
        except (docker.errors.APIError, OSError) as error:
            report(f"{image} cannot be pulled: {_reason(error)}")
            return False
        finally:
            engine.timeout = _WORK_LIMIT
        return recipe_of(engine, image) is not None


def import_root(client: docker.APIClient, root: IO[bytes], image: str, command: str, recipe: str) -> None:
    """Make an image of one layer from a root file system's archive."""
    repository, _, tag = image.rpartition(":")
    changes = [
        "ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "ENV LANG=C.UTF-8",
        f"LABEL {RECIPE_LABEL}={recipe}",
        f'CMD ["{command}"]',
    ]
    client.import_image(root, repository=repository, tag=tag, changes=changes)


def extend(
    client: docker.APIClient, base: str, image: str, layer: IO[bytes], command: Sequence[str], recipe: str
) -> None:
    """Make an image from `base`, an archive laid over its root, and what `command` leaves, run without network.

    Raises:
        UnavailableError: the command failed; the message ends with its last lines.
    """
    container = client.create_container(
        base, command=list(command), host_config=client.create_host_config(network_mode="none")
    )["Id"]
    try:
        client.put_archive(container, "/", layer)
        client.start(container)
        if client.wait(container)["StatusCode"] != 0:
            last = client.logs(container, tail=5).decode(errors="replace").strip()
            message = f"the image {image} was made but does not work: {last}"
            raise UnavailableError(message)
        repository, _, tag = image.rpartition(":")
        changes = [f"LABEL {RECIPE_LABEL}={recipe}", 'CMD ["python3"]']
        client.commit(container, repository=repository, tag=tag, changes=changes)
    finally:
        client.remove_container(container, force=True)


def _reason(error: BaseException) -> str:
    """Return what the engine said, or the system's own word below the layers that wrapped it."""
    if explanation := getattr(error, "explanation", None):
        return str(explanation)
    while error.__context__ is not None:
        error = error.__context__
    return str(error)
