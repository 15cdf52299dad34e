"""Where everything lies, and that nobody else can look in."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from core.errors import InvalidInputError
from core.home import Home
from core.shoal import Shoal

if TYPE_CHECKING:
    from pathlib import Path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def _open_umask() -> object:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_a_new_home_is_closed_to_others(home: Home) -> None:
    Shoal.create(home).close()
    assert (mode(home.root), mode(home.database)) == (0o700, 0o600)
    assert {mode(path) for path in (home.store, home.code, home.cache, home.logs, home.attempts)} == {0o700}


def test_a_home_that_was_open_to_others_is_closed(home: Home) -> None:
    Shoal.create(home).close()
    home.root.chmod(0o755)
    home.database.chmod(0o644)
    Shoal.create(home).close()
    assert (mode(home.root), mode(home.database)) == (0o700, 0o600)


def test_a_directory_that_others_share_is_no_home(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    with pytest.raises(InvalidInputError, match="shared with others"):
        Shoal.create(Home(shared))
    assert mode(shared) == 0o1777
    assert list(shared.iterdir()) == []


@pytest.mark.parametrize("name", ["a%41b", "what?", "c#", "ü b"])
def test_a_home_may_have_any_name(tmp_path: Path, name: str) -> None:
    for _ in range(2):
        shoal = Shoal.create(Home(tmp_path / name))
        assert shoal.session().projects.list() == []
        shoal.close()
    assert [path.name for path in tmp_path.iterdir()] == [name]
