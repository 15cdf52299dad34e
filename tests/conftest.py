"""Fixtures that every test may use."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from core.home import Home
from core.shoal import Shoal
from tests.enacted import Enacted, penguins

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.session import Session


settings.register_profile("nightly", max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
if "SHOAL_HYPOTHESIS" in os.environ:
    settings.load_profile(os.environ["SHOAL_HYPOTHESIS"])


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home that nothing was set up in yet."""
    return Home(tmp_path / "home")


@pytest.fixture
def shoal(home: Home) -> Iterator[Shoal]:
    """A fresh installation."""
    shoal = Shoal.create(home)
    yield shoal
    shoal.close()


@pytest.fixture
def session(shoal: Shoal) -> Session:
    """The session of the admin who set it up."""
    return shoal.session()


@pytest.fixture
def system(shoal: Shoal) -> Session:
    """The session in which Shoal itself acts."""
    return shoal.system_session()


@pytest.fixture
def enacted(shoal: Shoal, tmp_path: Path) -> Enacted:
    """A project of the demo's steps, in which nothing was run."""
    return Enacted(shoal, tmp_path / "project")


@pytest.fixture
def finished(shoal: Shoal, tmp_path: Path) -> Enacted:
    """A project in which raw data became a model, and the model was looked at."""
    return penguins(shoal, tmp_path / "project")
