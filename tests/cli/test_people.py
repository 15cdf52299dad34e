"""`shoal members` and `shoal teams`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.session import Session
    from tests.cli.conftest import Ran


def test_a_member_is_added_shut_out_and_let_in_again(run: Callable[[str], Ran], linked: Session) -> None:
    assert run("members add ann --system-user nobody").out == "member ann was added\n"
    assert run("members add bob --system-user daemon --admin").code == 0
    listed = {row["name"]: (row["role"], row["enabled"]) for row in run("members ls --json").json}
    assert listed == {linked.actor.name: ("admin", True), "ann": ("member", True), "bob": ("admin", True)}
    refused = run("members disable ann")
    assert (refused.code, "Disable ann?" in refused.err) == (2, True)
    assert run("members disable ann --yes").out == "ann is disabled\n"
    assert run("members disable ann --yes").code == 5
    assert run("members enable ann").out == "ann may get in again\n"
    assert run("members edit bob --admin off").out == "admin: on → off\n"
    refused = run(f"members disable {linked.actor.name} --yes")
    assert (refused.code, "the last admin" in refused.err) == (5, True)
    refused = run("members add carl --system-user no-such-login")
    assert (refused.code, "has no user 'no-such-login'" in refused.err) == (2, True)


def test_a_team_is_made_changed_and_deleted(run: Callable[[str], Ran], linked: Session) -> None:
    me = linked.actor.name
    assert run(f"teams add vision --members {me}").out == "team vision was added\n"
    assert run("projects edit penguins --team vision").code == 0
    (team,) = run("teams ls --json").json
    assert (team["members"], team["projects"]) == ([me], ["penguins"])
    refused = run("teams delete vision --yes")
    assert (refused.code, "projects belong to vision: penguins" in refused.err) == (5, True)
    assert run("projects edit penguins --team ''").code == 0
    assert run("teams edit vision --members ''").out == f"members: {me} → none\n"
    assert run("teams delete vision --yes").out == "team vision was deleted\n"
    assert run("teams add 'vision 2'").code == 2


def test_a_personal_project_says_whose_it_is(run: Callable[[str], Ran], linked: Session) -> None:
    assert run("projects add mine --personal on").code == 0
    assert f"{linked.actor.name}'s own" in run("projects show mine").out
    shown = run("projects show mine --json").json
    assert (shown["personal"], shown["team"], shown["creator"]) == (True, None, linked.actor.name)


def test_admin_is_on_or_off_and_nothing_else_takes_it_away(run: Callable[[str], Ran], linked: Session) -> None:
    name = linked.actor.name
    ran = run(f"members edit {name} --admin maybe")
    assert (ran.code, "--admin: 'maybe' is neither on nor off" in ran.err) == (2, True)
    ran = run("members add bob --system-user daemon --admin yes")
    assert (ran.code, "--admin: 'yes' is neither on nor off" in ran.err) == (2, True)
    assert [each.name for each in linked.members.list()] == [name]
