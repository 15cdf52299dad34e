"""Environments: their limits, and what is refused at the door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.environments.environment import limit_text
from core.errors import ConflictError, InvalidInputError, NotFoundError
from data.changes import since

if TYPE_CHECKING:
    from core.session import Session
    from core.shoal import Shoal


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
    assert "→ 7; scale_down_grace_period: 15m → 2m" in since(session.database.reader(), 0)[-1].what


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


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("launch_timeout", "0"),
        ("launch_timeout", "2d"),
        ("host_timeout", "30d"),
        ("scale_down_grace_period", "1e9"),
        ("minimum_scale", "nan"),
        ("price_per_hour", "inf"),
        ("price_per_hour", "-1"),
        ("cpus", "nan"),
        ("cpus", "1e9"),
        ("pids", "9"),
        ("gpu_devices", "0,0"),
        ("gpu_devices", "first"),
        ("gpu_devices", "../../dev/sda"),
        ("gpus_per_machine", "3.5"),
        ("access", "nobody"),
        ("teams", "vision -1"),
        ("teams", "vision 2\nvision 3"),
        ("teams", "vision 1.5"),
        ("mount_roots", "/"),
        ("mount_roots", "//"),
        ("mount_roots", "/srv/.."),
        ("mount_roots", "srv/data"),
        ("mount_roots", "/srv/../etc"),
        ("mount_roots", "/proc"),
        ("mount_roots", "/srv\n/srv/"),
        ("aliases", "with space"),
        ("aliases", "x" * 81),
        ("description", "two\nlines"),
        ("description", "x" * 501),
    ],
)
def test_bad_input_is_refused_and_names_its_field(session: Session, name: str, text: str) -> None:
    before = session.environments.get("local")
    with pytest.raises(InvalidInputError) as caught:
        session.environments.set("local", **{name: text})
    assert caught.value.field == name
    assert session.environments.get("local") == before


def test_everything_that_can_be_set_is_read_back_as_it_is_written(session: Session) -> None:
    session.teams.create("vision")
    session.teams.create("the audio people")
    given = {
        "description": "for large models",
        "launch_timeout": "2h",
        "host_timeout": "0",
        "restart_lost": "on",
        "access": "teams",
        "teams": "the audio people 0\nvision",
        "personal_projects": "off",
        "gpu_devices": "0,GPU-5e3a12",
        "gpus_per_machine": "2",
        "mount_roots": "/mnt/models\n/srv/data",
        "aliases": "0167f1f4-5d8c-4d9e-9c2e-0f6f0e9f8a11\naws-eu-west-1-t3-large",
    }
    changed = session.environments.set("local", **given)
    assert {name: limit_text(changed, name) for name in given} == given
    assert changed.version == 2
    assert (changed.quota_of("the audio people"), changed.quota_of("vision"), changed.quota_of(None)) == (0, None, 0)
    assert session.environments.set("local", **given).version == 2


def test_gpus_have_to_be_given_out_evenly(session: Session) -> None:
    for limits in (
        {"gpu_devices": "0,1,2", "gpus_per_machine": "2"},
        {"gpu_devices": "", "gpus_per_machine": "1"},
        {"gpu_devices": "0,1"},
    ):
        with pytest.raises(InvalidInputError, match="GPUs") as caught:
            session.environments.set("local", **limits)
        assert caught.value.field == "gpus_per_machine"
    lab = session.environments.create("lab", kind="hosts", gpus_per_machine="2", cpus="64")
    assert (lab.kind, lab.gpus_per_machine, lab.cpus) == ("hosts", 2, 64)
    with pytest.raises(InvalidInputError, match="at the host"):
        session.environments.set("lab", gpu_devices="0")
    with pytest.raises(InvalidInputError, match="this box has"):
        session.environments.set("local", cpus="1000")


def test_a_team_that_is_not_there_is_named(session: Session) -> None:
    session.teams.create("vision")
    with pytest.raises(InvalidInputError, match="no team 'audio'; teams: vision") as caught:
        session.environments.set("local", teams="audio 2")
    assert caught.value.field == "teams"


def test_an_alias_stands_for_one_environment(session: Session) -> None:
    local = session.environments.get("local")
    big = session.environments.create("big", aliases="aws-big")
    for taken, told in (("local", "called 'local' itself"), (local.uuid, "means the environment 'local' already")):
        with pytest.raises(InvalidInputError, match=told) as caught:
            session.environments.set("big", aliases=taken)
        assert caught.value.field == "aliases"
    with pytest.raises(InvalidInputError, match="means the environment 'big' already"):
        session.environments.set("local", aliases="aws-big")
    with pytest.raises(InvalidInputError, match="is what it is called already"):
        session.environments.set("big", aliases="big")
    with pytest.raises(ConflictError, match="'aws-big' means 'big' already"):
        session.environments.create("aws-big")
    for name in ("big", big.uuid, "aws-big"):
        assert session.environments.exists(name)
        assert session.environments.get(name) == session.environments.choose(name, None) == big
    assert session.environments.set("aws-big", maximum_scale="3").slug == "big"
    session.environments.set("big", aliases="")
    assert not session.environments.exists("aws-big")


def test_who_saw_an_older_version_is_told_who_changed_what_and_nothing_is_overwritten(
    session: Session, shoal: Shoal
) -> None:
    session.members.add("bob", system_user="nobody", admin=True)
    seen = session.environments.get("local").version
    shoal.session("bob").environments.set("local", maximum_scale="7", memory="8g")
    with pytest.raises(ConflictError, match="bob changed maximum_scale, memory 0 s ago: look at it again"):
        session.environments.edit("local", {"maximum_scale": "3"}, seen=seen)
    assert session.environments.get("local").maximum_scale == 7
    again = session.environments.get("local")
    assert session.environments.edit("local", {"maximum_scale": "3"}, seen=again.version).version == again.version + 1
    assert session.environments.set("local", per_user_quota="2").maximum_scale == 3


def test_a_default_environment_is_kept_until_another_is(session: Session) -> None:
    session.environments.create("big")
    project = session.projects.set(session.projects.create("penguins"), default_environment="big")
    with pytest.raises(ConflictError, match=r"it is the default environment: .*first"):
        session.environments.delete("local")
    session.environments.make_default("big")
    assert session.environments.choose(None, None).slug == "big"
    session.environments.make_default("local")
    with pytest.raises(ConflictError, match="it is the default of projects: penguins"):
        session.environments.delete("big")
    session.projects.set(project, default_environment=None)
    session.environments.delete("big")
    with pytest.raises(NotFoundError, match="one of local"):
        session.environments.get("big")
    session.environments.set("local", enabled="off")
    with pytest.raises(InvalidInputError, match="disabled"):
        session.environments.make_default("local")


def test_what_was_deleted_leaves_its_names_to_others(session: Session) -> None:
    old = session.environments.create("big", aliases="aws-big")
    session.environments.delete("big")
    assert [each.slug for each in session.environments.list()] == ["local"]
    assert not any(session.environments.exists(name) for name in ("big", "aws-big", old.uuid))
    new = session.environments.create("big", aliases=f"aws-big\n{old.uuid}")
    assert new.id != old.id
    assert session.environments.get(old.uuid) == new
