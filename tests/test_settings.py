"""Settings: what each takes, and what is refused at the door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from core.errors import InvalidInputError
from core.settings import SETTINGS

if TYPE_CHECKING:
    from core.session import Session


def test_every_default_is_a_value_that_can_be_set(session: Session) -> None:
    for key, setting in SETTINGS.items():
        assert session.settings.get(key) == setting.default
        session.settings.set(key, setting.default)
        assert session.settings.get(key) == setting.default


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("file_roots", [1]),
        ("file_roots", ["data"]),
        ("file_roots", ["/data\x1b[31m"]),
        ("file_roots", "/data"),
        ("stop_grace_period", -5),
        ("stop_grace_period", True),
        ("stop_grace_period", 2.5),
        ("stop_grace_period", 10**9),
        ("no_output_timeout", -1),
        ("no_output_timeout", "8h"),
        ("input_cache_size", 2**70),
        ("colour", "red"),
    ],
)
def test_a_wrong_value_is_named_and_nothing_changes(session: Session, key: str, value: Any) -> None:
    with pytest.raises(InvalidInputError) as caught:
        session.settings.set(key, value)
    assert caught.value.field == (key if key in SETTINGS else "key")
    assert session.database.reader().execute("SELECT count(*) FROM settings").fetchone()[0] == 0
