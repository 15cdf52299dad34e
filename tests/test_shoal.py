"""Setting up and opening an installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.errors import NotFoundError, UnavailableError
from core.shoal import Shoal

if TYPE_CHECKING:
    from core.home import Home


def test_who_sets_it_up_is_its_admin(home: Home) -> None:
    with pytest.raises(NotFoundError, match="not set up"):
        Shoal.open(home)
    Shoal.create(home).close()
    shoal = Shoal.open(home)
    assert shoal.session().actor.role == "admin"
    assert shoal.session(shoal.session().actor.name).actor == shoal.session().actor
    shoal.close()


@pytest.mark.parametrize("is_empty", [True, False])
def test_a_home_that_lost_its_database_is_not_set_up_anew(home: Home, *, is_empty: bool) -> None:
    Shoal.create(home).close()
    (home.store / "data").mkdir()
    for path in home.root.glob("shoal.db*"):
        path.unlink()
    if is_empty:
        home.database.touch()
    with pytest.raises(UnavailableError, match="shoal restore"):
        Shoal.create(home)
