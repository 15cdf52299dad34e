"""`shoal environments` and `shoal settings`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.executions.execution import Execution
    from core.session import Session
    from tests.cli.conftest import Ran


def test_the_list_counts_what_waits(run: Callable[[str], Ran], execution: Callable[..., Execution]) -> None:
    execution()
    header, local = run("environments ls").out.splitlines()
    assert dict(zip(header.split(), local.replace("This machine", "-").split(), strict=False))["WAITING"] == "1"
    (listed,) = run("environments ls --json").json
    assert (listed["slug"], listed["waiting"], listed["machines"]) == ("local", 1, [])


def test_a_change_is_told_as_before_and_after(run: Callable[[str], Ran], linked: Session) -> None:
    linked.environments.set("local", maximum_scale="2")
    ran = run("environments set local --maximum-scale 4 --grace 10m --memory 512m --priority-allowed off")
    assert ran.out.splitlines() == [
        "maximum_scale: 2 → 4",
        "scale_down_grace_period: 15 min → 10 min",
        "priority_allowed: on → off",
        "memory: all → 512m",
    ]
    assert linked.environments.get("local").memory == 512 * 1024**2
    again = run("environments set local --maximum-scale 4")
    assert (again.out, "nothing changed" in again.err) == ("", True)


def test_turning_it_off_says_what_waits(run: Callable[[str], Ran], execution: Callable[..., Execution]) -> None:
    execution()
    assert "1 execution waits and will not start" in run("environments set local --enabled off").err
    assert run("environments set local --enabled on").err == ""


def test_a_wrong_limit_changes_nothing(run: Callable[[str], Ran], linked: Session) -> None:
    before = linked.environments.get("local")
    ran = run("environments set local --cpus 1 --maximum-scale many")
    assert (ran.code, "maximum_scale cannot be 'many'" in ran.err) == (2, True)
    assert linked.environments.get("local") == before


def test_an_environment_can_be_added(run: Callable[[str], Ran], linked: Session) -> None:  # noqa: ARG001
    assert run("environments create big --memory 8g --json").json["memory"] == 8 * 1024**3
    assert run("environments create big").code == 5
    assert run("environments create 'No slug'").code == 2


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
