"""Images that the engine does not have are pulled, from a real registry."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.registry import Registry
from tests.workbench import manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.workbench import Workbench

pytestmark = pytest.mark.docker


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    if not Registry.is_installed():
        pytest.skip("docker-registry is not installed")
    registry = Registry(tmp_path)
    yield registry
    registry.stop()


def digests(image: str) -> str:
    command = ["docker", "image", "inspect", "--format", "{{.RepoDigests}}", image]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_an_image_is_pulled_and_the_registry_s_digest_is_recorded(
    workbench: Workbench, registry: Registry, busybox: str
) -> None:
    image, _ = registry.push(busybox, "tools/shell:1")
    execution = workbench.run(manifest(image, "echo pulled"))
    assert (execution.status, workbench.printed(execution)) == ("complete", ["pulled"])
    assert f"pulling image {image}" in workbench.printed(execution, "status")
    assert execution.image_digest is not None
    assert execution.image_digest in digests(image)
    subprocess.run(["docker", "rmi", image], check=True, capture_output=True)


def test_an_image_without_a_tag_is_the_latest_one(workbench: Workbench, registry: Registry, busybox: str) -> None:
    registry.push(busybox, "tools/other:old")
    image, _ = registry.push(busybox, "tools/other:latest")
    name = image.removesuffix(":latest")
    assert workbench.run(manifest(name, "true")).status == "complete"
    listed = subprocess.run(["docker", "image", "ls", "--quiet", name], check=True, capture_output=True, text=True)
    assert len(listed.stdout.split()) == 1
    subprocess.run(["docker", "rmi", image], check=True, capture_output=True)


def test_a_registry_that_does_not_have_it_or_does_not_answer_is_a_clear_error(
    workbench: Workbench, registry: Registry
) -> None:
    missing = workbench.run(manifest(f"127.0.0.1:{registry.port}/no/such:1", "true"))
    assert missing.status == "error"
    assert "no/such:1" in missing.reason
    registry.stop()
    silent = workbench.run(manifest(f"127.0.0.1:{registry.port}/tools/shell:9", "true"))
    assert silent.status == "error"
    assert "refused" in silent.reason
