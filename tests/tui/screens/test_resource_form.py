"""A form that adds and changes environments."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from core.policy import Role
from core.session import Actor, Session
from tests.tui.story import story

if TYPE_CHECKING:
    import pytest

    from core.shoal import Shoal

PLACE = "edit environment local"


async def test_a_limit_is_changed_and_only_that(session: Session) -> None:
    before = session.environments.get("local")
    async with story(session) as person:
        await person.goes(PLACE).sees("Minimum scale", "f2 Save", "local  (fixed)")
        await person.presses("tab", "tab", "tab", "ctrl+u", "7").sees("1 changed", "was")
        await person.presses("f2").sees("environment local was changed: Maximum scale").does_not_see("f2 Save")
    after = session.environments.get("local")
    assert after.maximum_scale == 7
    assert after == replace(before, maximum_scale=7, version=before.version + 1)


async def test_an_environment_is_added(session: Session) -> None:
    async with story(session) as person:
        await (
            person.goes("add environment").types("gpu").presses("shift+tab", "enter").sees("environment gpu was added")
        )
    assert session.environments.get("gpu").name == "gpu"


async def test_what_this_box_has_no_room_for_is_asked_first(session: Session) -> None:
    async with story(session) as person:
        await person.goes("add environment").types("huge").presses(*["tab"] * 17, "ctrl+u").types("500t").presses("f2")
        await person.sees("Add this environment?", "of memory").presses("escape").sees("f2 Save")
        assert not session.environments.exists("huge")
        await person.presses("f2").sees("Add this environment?").presses("y").sees("environment huge was added")


async def test_a_team_is_made_of_people(session: Session) -> None:
    session.members.add("ann", system_user="nobody")
    async with story(session) as person:
        await person.goes("teams").sees("No team yet").presses("a").sees("Members")
        await person.types("vision").presses("tab").types("ann").presses("f2").sees("team vision was added", "vision")
        await person.goes("edit team vision").sees("ann").presses("tab", "end", "enter").types("bob").presses("f2")
        await person.sees("there is no member 'bob'", "f2 Save")
    assert session.teams.get("vision").members == ("ann",)


async def test_what_the_service_refuses_is_shown_at_its_field_and_nothing_is_lost(session: Session) -> None:
    async with story(session) as person:
        await person.goes(PLACE).presses("tab", "tab", "ctrl+u").types("99").presses("f2")
        await person.sees("minimum_scale would be above maximum_scale", "* 99", "f2 Save")
        await person.presses("backspace", "backspace", "0", "f2").does_not_see("would be above", "f2 Save")


async def test_a_wrong_answer_is_not_sent(session: Session) -> None:
    async with story(session) as person:
        await person.goes(PLACE).presses("tab", "tab", "x").sees("cannot be").presses("f2").sees("f2 Save", "cannot be")
    assert session.environments.get("local").minimum_scale == 0


async def test_leaving_asks_only_when_something_was_typed(session: Session) -> None:
    async with story(session) as person:
        await person.goes(PLACE).sees("f2 Save").presses("escape").does_not_see("f2 Save")
        await person.goes(PLACE).sees("f2 Save").types("x").presses("escape").sees("Leave without saving?")
        await person.presses("escape").sees("f2 Save", "This machinex")


async def test_the_consequence_is_asked_first(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.resources.environments import ENVIRONMENTS

    assert ENVIRONMENTS.form is not None
    given = ENVIRONMENTS.form
    object.__setattr__(ENVIRONMENTS, "form", _with_consequence(given))
    monkeypatch.context()
    try:
        async with story(session) as person:
            await (
                person.goes(PLACE).types("x").presses("f2").sees("the sky would fall").presses("enter").sees("f2 Save")
            )
            assert session.environments.get("local").name == "This machine"
            await person.presses("f2").sees("the sky would fall").presses("y").sees("was changed")
    finally:
        object.__setattr__(ENVIRONMENTS, "form", given)
    assert session.environments.get("local").name == "This machinex"


def _with_consequence(form: object) -> object:
    from dataclasses import replace

    return replace(form, consequence=lambda *_: "the sky would fall")  # type: ignore[type-var]


async def test_what_somebody_else_changes_meanwhile_is_said_and_does_not_replace_what_was_typed(
    session: Session,
) -> None:
    async with story(session) as person:
        await person.goes(PLACE).types("x")
        session.environments.set("local", name="Theirs", per_user_quota="500")
        await person.sees("500", "somebody else changed it meanwhile, to Theirs", "This machinex")
        await person.presses("f2").sees("was changed: Name")
    assert session.environments.get("local").name == "This machinex"
    assert session.environments.get("local").per_user_quota == 500


async def test_who_saves_without_having_seen_a_change_is_told_of_it_and_nothing_is_overwritten(
    session: Session, shoal: Shoal, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.members.add("bob", system_user="nobody", admin=True)
    bob = shoal.session("bob")
    async with story(session) as person:
        await person.goes(PLACE).presses("tab", "tab", "tab", "ctrl+u", "7").sees("1 changed")
        monkeypatch.setattr("tui.screens.resource_form.ResourceForm.on_changes", lambda *_: None)
        bob.environments.set("local", maximum_scale="3", per_user_quota="1")
        await person.presses("f2").sees("bob changed maximum_scale").sees("to 3", "* 7")
        assert session.environments.get("local").maximum_scale == 3
        await person.presses("f2").sees("was changed: Maximum scale")
    after = session.environments.get("local")
    assert (after.maximum_scale, after.per_user_quota) == (7, 1)


async def test_a_read_only_console_says_why_nothing_is_saved(session: Session) -> None:
    async with story(session, read_only=True) as person:
        await person.goes(PLACE).types("x").presses("f2").sees("this console is read-only", "f2 Save")
    assert session.environments.get("local").name == "This machine"


async def test_who_may_not_is_told_so(session: Session) -> None:
    actor = session.actor
    member = Session(session.database, session.home, Actor(actor.id, actor.name, Role.MEMBER, actor.organization_id))
    async with story(member) as person:
        await person.goes(PLACE).types("x").presses("f2").sees("is for admins of the organization")
