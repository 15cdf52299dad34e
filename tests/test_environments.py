"""Environments: their limits, and what is refused at the door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.errors import ConflictError, InvalidInputError, NotFoundError
from data.changes import since

if TYPE_CHECKING:
    from core.session import Session


def test_there_is_one_from_the_start(session: Session) -> None:
    (environment,) = session.environments.list()
    assert (environment.slug, environment.minimum_scale, environment.scale_down_grace_period) == ("local", 0, 900)
    assert session.environments.choose(None, None) == environment


def test_limits_are_read_from_text(session: Session) -> None:
    changed = session.environments.set(
        "local",
        maximum_scale="7",
        scale_down_grace_period="2m",
        price_per_hour="1.25",
        memory="512m",
        cpus="1.5",
        enabled="off",
        isolation="strict",
    )
    assert (changed.maximum_scale, changed.scale_down_grace_period, changed.price_per_hour) == (7, 120, 1_250_000)
    assert (changed.memory, changed.cpus, changed.enabled, changed.isolation) == (512 * 1024**2, 1.5, False, "strict")
    assert "maximum_scale = 7" in since(session.database.reader(), 0)[-1].what


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("maximum_scale", "-1"),
        ("maximum_scale", "many"),
        ("maximum_scale", "999999999"),
        ("scale_down_grace_period", "-1"),
        ("scale_down_grace_period", "1 fortnight"),
        ("per_user_quota", "1.5"),
        ("price_per_hour", "nan"),
        ("price_per_hour", "1e99"),
        ("memory", "1k"),
        ("memory", "9" * 40),
        ("cpus", "0"),
        ("cpus", "inf"),
        ("enabled", "maybe"),
        ("network", "overlay"),
        ("name", "\x1b[31m"),
        ("colour", "red"),
    ],
)
def test_a_wrong_limit_is_named_and_nothing_changes(session: Session, name: str, text: str) -> None:
    before = session.environments.get("local")
    with pytest.raises(InvalidInputError) as caught:
        session.environments.set("local", minimum_scale="1", **{name: text})
    assert caught.value.field == name
    assert session.environments.get("local") == before


def test_a_minimum_above_the_maximum_is_refused(session: Session) -> None:
    with pytest.raises(InvalidInputError, match="above maximum_scale"):
        session.environments.set("local", minimum_scale="9", maximum_scale="3")


def test_a_grace_period_of_nothing_is_allowed(session: Session) -> None:
    assert session.environments.set("local", scale_down_grace_period="0").scale_down_grace_period == 0


def test_more_can_be_made_once_each(session: Session) -> None:
    assert session.environments.create("gpu-a", maximum_scale="1").maximum_scale == 1
    with pytest.raises(ConflictError, match="gpu-a"):
        session.environments.create("gpu-a")
    with pytest.raises(InvalidInputError, match="slug"):
        session.environments.create("GPU A")
    with pytest.raises(InvalidInputError):
        session.environments.create("gpu-b", minimum_scale="9")
    with pytest.raises(InvalidInputError, match="name cannot be"):
        session.environments.create("gpu-b", name="\x1b[31m")
    assert session.environments.create("gpu-c", name="Large one").name == "Large one"
    with pytest.raises(NotFoundError, match="gpu-a, gpu-c, local"):
        session.environments.get("gpu-b")
