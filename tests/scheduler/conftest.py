"""Fixtures for tests over a real Docker Engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.images import busybox_image
from tests.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.shoal import Shoal


@pytest.fixture(scope="session")
def busybox() -> str:
    """A small image with a shell."""
    return busybox_image()


@pytest.fixture
def idle_workbench(shoal: Shoal, tmp_path: Path) -> Iterator[Workbench]:
    """A project whose scheduler the test starts itself. The environment has no network: it starts fastest."""
    bench = Workbench(shoal, tmp_path / "project")
    bench.session.environments.set("local", network="none", maximum_scale="4")
    yield bench
    bench.scheduler.kill()
    from core.scheduler.engines.docker import DockerEngine
    from core.scheduler.sweep import instance_of

    engine = DockerEngine()
    for name in engine.names(f"shoal.instance={instance_of(bench.session)}"):
        engine.forget(name)


@pytest.fixture
def workbench(idle_workbench: Workbench) -> Workbench:
    """A project whose scheduler runs."""
    idle_workbench.scheduler.start()
    return idle_workbench
