"""The image that the demo's steps run in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.images import docker_images, recipes

if TYPE_CHECKING:
    from collections.abc import Callable

DEMO_IMAGE = "shoal-demo:1"


def ensure_demo_image(report: Callable[[str], None]) -> str:
    """Return the demo's image, made now where it is not here yet; `report` is told what is being done.

    It stands on the public Python image where a registry answers, else on one made from Debian's packages.

    Raises:
        UnavailableError: Docker does not answer, or nothing that the image is made of can be downloaded.
    """
    if recipes.is_current(DEMO_IMAGE):
        return DEMO_IMAGE
    if docker_images.pull(recipes.PUBLIC_PYTHON, report):
        return recipes.public_python_image(DEMO_IMAGE, report)
    made = recipes.python_image(report)
    with docker_images.docker_engine() as engine:
        repository, _, tag = DEMO_IMAGE.partition(":")
        engine.tag(made, repository, tag)
    return DEMO_IMAGE
