"""`shoal environments` and `shoal settings`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from core.executions.execution import Execution
    from core.session import Session
    from tests.cli.conftest import Ran


def test_the_list_counts_what_waits(run: Callable[[str], Ran], execution: Callable[..., Execution]) -> None:
    execution()
    header, local = run("environments ls --plain").out.splitlines()
    assert dict(zip(header.split("\t"), local.split("\t"), strict=True))["WAITING"] == "1"
    (listed,) = run("environments ls --json").json
    assert (listed["slug"], listed["waiting"], listed["machines"]) == ("local", 1, 0)


def test_a_change_is_told_as_before_and_after(run: Callable[[str], Ran], linked: Session) -> None:
    linked.environments.set("local", maximum_scale="2")
    ran = run("environments set local --maximum-scale 4 --grace 10m --memory 512m --priority-allowed off")
    assert sorted(ran.out.splitlines()) == [
        "maximum_scale: 2 → 4",
        "memory: all → 512m",
        "priority_allowed: on → off",
        "scale_down_grace_period: 15m → 10m",
    ]
    assert linked.environments.get("local").memory == 512 * 1024**2
    again = run("environments edit local --max 4")
    assert (again.out, "nothing changed" in again.err) == ("", True)


def test_a_command_changes_what_it_names_whoever_changed_the_rest(run: Callable[[str], Ran], linked: Session) -> None:
    linked.environments.set("local", maximum_scale="3")
    assert run("environments set local --quota 2").code == 0
    environment = linked.environments.get("local")
    assert (environment.maximum_scale, environment.per_user_quota) == (3, 2)


def test_turning_it_off_says_what_waits_and_wants_to_be_told_so(
    run: Callable[[str], Ran], execution: Callable[..., Execution], linked: Session
) -> None:
    execution()
    ran = run("environments set local --enabled off")
    assert (ran.code, "1 execution waits and will not start" in ran.err, "--yes" in ran.err) == (2, True, True)
    assert linked.environments.get("local").enabled
    assert run("environments set local --enabled off --yes").out == "enabled: on → off\n"
    assert run("environments set local --enabled on").err == ""


def test_a_wrong_limit_changes_nothing(run: Callable[[str], Ran], linked: Session) -> None:
    before = linked.environments.get("local")
    ran = run("environments set local --cpus 1 --maximum-scale many")
    assert (ran.code, "maximum_scale cannot be 'many'" in ran.err) == (2, True)
    assert linked.environments.get("local") == before


def test_an_environment_can_be_added(run: Callable[[str], Ran], linked: Session) -> None:
    assert run("environments create big --memory 8g --json").json["memory"] == 8 * 1024**3
    assert run("environments add --slug lab --kind hosts --aliases gpu-of-old").code == 0
    assert linked.environments.get("gpu-of-old").kind == "hosts"
    assert run("environments create big").code == 5
    assert run("environments create 'No slug'").code == 2
    assert "--slug: Slug is needed" in run("environments create").err


def test_adding_more_than_this_box_has_is_said(run: Callable[[str], Ran], linked: Session) -> None:
    ran = run("environments create huge --memory 500t")
    assert (ran.code, ran.out) == (0, "environment huge was added\n")
    assert "machines of this box may take 2560000.0 GiB of memory in all (huge 5 × 500t), and it has" in ran.err
    assert linked.environments.exists("huge")
    assert run("environments create lab --kind hosts --memory 500t").err == ""


def test_lists_are_given_line_by_line_and_emptied(run: Callable[[str], Ran], linked: Session) -> None:
    linked.teams.create("vision")
    linked.teams.create("audio")
    ran = run("environments set local --teams 'vision 2' --teams 'audio 0' --mount-roots /srv/data --access teams")
    assert "teams: none → audio 0 vision 2" in ran.out
    assert run("environments show local --json").json["teams"] == [
        {"team": "audio", "quota": 0},
        {"team": "vision", "quota": 2},
    ]
    assert run("environments set local --mount-roots ''").out == "mount_roots: /srv/data → none\n"


def test_deleting_moves_what_waits(
    run: Callable[[str], Ran], execution: Callable[..., Execution], linked: Session
) -> None:
    linked.environments.create("big")
    linked.environments.make_default("big")
    waiting = execution()
    linked.environments.make_default("local")
    refused = run("environments delete big --yes")
    assert (refused.code, "1 execution waits there (--move-to OTHER" in refused.err) == (5, True)
    asked = run("environments delete big --move-to local")
    assert (asked.code, "1 execution waits there and will be moved to local" in asked.err) == (2, True)
    told = run("environments delete big --move-to local --yes").out
    assert told == "environment big was deleted, and 1 that waited there was moved to local\n"
    assert linked.executions.by_id(waiting.id).environment == "local"
    assert run("environments delete local --yes").code == 5
    assert run("environments delete big --yes").code == 3


def test_another_environment_becomes_the_default(run: Callable[[str], Ran], linked: Session) -> None:
    linked.environments.create("big")
    assert "big is the default" in run("environments make-default big").out
    assert linked.environments.choose(None, None).slug == "big"


def test_settings(run: Callable[[str], Ran], linked: Session) -> None:
    assert run("settings set stop_grace_period 5").code == 0
    assert run("""settings set file_roots '["/data"]'""").code == 0
    assert linked.settings.get("file_roots") == ["/data"]
    values = {listed["key"]: listed["value"] for listed in run("settings ls --json").json}
    assert values["stop_grace_period"] == 5
    assert "stop_grace_period  5" in run("settings ls").out
    assert run("settings set stop_grace_period soon").code == 2
    assert run("settings set nothing 1").code == 2
    assert run("settings set stop_grace_period -- -5").code == 2
    assert run("settings set file_roots '[\"relative\"]'").code == 2


def test_whoever_is_asked_for_long_overwrites_nothing(
    run: Callable[[str], Ran], execution: Callable[..., Execution], linked: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution()

    def meanwhile(**limits: str) -> None:
        def decide(_: str, *, yes: bool) -> None:
            assert not yes
            linked.environments.set("local", **limits)

        monkeypatch.setattr("cli.resource_commands.decide", decide)

    meanwhile(maximum_scale="7")
    ran = run("environments set local --maximum-scale 0")
    assert (ran.code, "changed maximum_scale" in ran.err) == (5, True)
    assert linked.environments.get("local").maximum_scale == 7
    meanwhile(per_user_quota="3")
    assert run("environments set local --maximum-scale 0").out == "maximum_scale: 7 → 0\n"
    environment = linked.environments.get("local")
    assert (environment.maximum_scale, environment.per_user_quota) == (0, 3)
