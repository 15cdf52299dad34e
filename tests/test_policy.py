"""Every action for every role, and every service that has a door."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.errors import NotAllowedError
from core.policy import TABLE, Role, refusal
from core.session import Session

if TYPE_CHECKING:
    from core.shoal import Shoal

CORE = Path(__file__).parent.parent / "core"


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", TABLE)
def test_each_answer_is_yes_or_a_sentence(action: str, role: Role) -> None:
    answer = refusal(role, action)
    assert (answer is None) == (role in TABLE[action])
    assert answer is None or len(answer) > 20


def test_nobody_may_do_what_the_table_does_not_name() -> None:
    assert all(refusal(role, "universe.end") for role in Role)


def test_a_stranger_may_do_nothing() -> None:
    assert all(refusal(Role.NOBODY, action) for action in TABLE)


def test_what_runs_executions_is_the_system_s_alone() -> None:
    assert [role for role in Role if refusal(role, "execution.run") is None] == [Role.SYSTEM]
    assert [role for role in Role if refusal(role, "environment.edit") is None] == [Role.SYSTEM, Role.ADMIN]


def test_every_action_that_the_code_asks_for_is_in_the_table_and_every_one_there_is_asked_for() -> None:
    asked = set()
    for path in CORE.rglob("*.py"):
        asked |= set(re.findall(r"\.(?:read|write|require|can)\(\s*\"([a-z]+\.[a-z]+)\"", path.read_text()))
    assert asked == set(TABLE)


def session_of(shoal: Shoal, role: Role) -> Session:
    actor = dataclasses.replace(shoal.session().actor, role=role)
    return Session(shoal.database, shoal.home, actor)


def test_a_member_cannot_change_an_environment_or_a_setting(shoal: Shoal) -> None:
    member = session_of(shoal, Role.MEMBER)
    with pytest.raises(NotAllowedError, match="for admins"):
        member.environments.set("local", maximum_scale="1")
    with pytest.raises(NotAllowedError, match="for admins"):
        member.settings.set("stop_grace_period", 1)
    assert member.environments.get("local").maximum_scale >= 1


def test_a_disabled_user_and_a_stranger_get_no_session(shoal: Shoal) -> None:
    with shoal.database.transaction() as connection:
        connection.execute("UPDATE users SET disabled_at = 1")
    with pytest.raises(NotAllowedError, match="not a user"):
        shoal.session()
    with pytest.raises(NotAllowedError, match="nobody-of-that-name"):
        shoal.session("nobody-of-that-name")


def test_what_was_opened_before_changes_nothing_for_who_was_shut_out_or_is_no_admin_any_more(shoal: Shoal) -> None:
    admin = shoal.session()
    bob = admin.members.add("bob", system_user="daemon", admin=True)
    opened = shoal.session("bob")
    assert opened.environments.set("local", maximum_scale="3").maximum_scale == 3
    admin.members.set_admin(bob, admin=False)
    with pytest.raises(NotAllowedError, match="for admins"):
        opened.environments.set("local", maximum_scale="4")
    opened.projects.create("of a member")
    admin.members.disable(bob)
    with pytest.raises(NotAllowedError, match=r"bob was shut out .* meanwhile"):
        opened.projects.create("of nobody")
    assert admin.environments.get("local").maximum_scale == 3
    assert [project.name for project in admin.projects.list()] == ["of a member"]
