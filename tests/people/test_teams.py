"""Teams and members, and what they may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from data.changes import since
from tests.people.conftest import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.executions.execution import Execution
    from core.projects.service import Project
    from core.session import Session
    from core.shoal import Shoal


def test_a_team_has_members_and_is_known_by_its_name(session: Session, ann: Session) -> None:
    team = session.teams.create(" vision ", ["ann"])
    assert (team.name, team.members, team.projects) == ("vision", ("ann",), ())
    assert session.members.get("ann").teams == ("vision",)
    me = session.actor.name
    changed = session.teams.set(team, name="sight", members=[me, "ann"])
    assert (changed.name, set(changed.members), changed.id) == ("sight", {me, "ann"}, team.id)
    assert since(session.database.reader(), 0)[-1].what.startswith("name: vision → sight; members: ann → ")
    assert ann.teams.get(team.uuid).name == "sight"
    with pytest.raises(NotAllowedError, match="for admins"):
        ann.teams.create("mine")


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\nb", "\x1b[31m", "team 7", "team -1"])
def test_a_name_that_cannot_be_a_team_s_is_refused(session: Session, name: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        session.teams.create(name)
    assert caught.value.field == "name"
    assert not session.teams.list()


def test_a_team_of_strangers_or_of_a_taken_name_is_not_made(session: Session) -> None:
    session.teams.create("vision")
    with pytest.raises(ConflictError, match="'vision' already"):
        session.teams.create("vision")
    with pytest.raises(InvalidInputError, match="no member 'bob'"):
        session.teams.create("audio", ["bob"])
    with pytest.raises(InvalidInputError, match="twice"):
        session.teams.create("audio", [session.actor.name] * 2)
    with pytest.raises(NotFoundError, match="teams: vision"):
        session.teams.get("audio")


def test_a_team_that_is_needed_stays(session: Session, project: Project) -> None:
    team = session.teams.create("vision")
    session.projects.set(project, team="vision")
    session.environments.set("local", teams="vision 2")
    with pytest.raises(ConflictError, match=r"projects belong to it .penguins.; environments name it .local."):
        session.teams.delete(team)
    session.projects.set(project, team=None)
    session.environments.set("local", teams="")
    session.teams.delete(team)
    assert not session.teams.list()


def test_a_member_is_a_system_user(session: Session, shoal: Shoal) -> None:
    with pytest.raises(NotAllowedError):
        shoal.session("ann")
    member = session.members.add("ann", system_user="nobody")
    assert (member.role, member.system_user, member.is_enabled) == ("member", "nobody", True)
    assert shoal.session("ann").can("environment.edit")
    assert session.members.set_admin(member, admin=True).role == "admin"
    assert shoal.session("ann").can("environment.edit") is None
    with pytest.raises(ConflictError, match="'nobody', as 'ann', is a member"):
        session.members.add("other", system_user="nobody")
    with pytest.raises(ConflictError, match="'ann' is a member"):
        session.members.add("ann", system_user="daemon")
    with pytest.raises(InvalidInputError, match="has no user 'no-such-login'"):
        session.members.add("other", system_user="no-such-login")
    with pytest.raises(InvalidInputError, match="cannot be a member's name"):
        session.members.add("shoal", system_user="daemon")


def test_who_is_disabled_cannot_get_in_and_the_last_admin_stays(session: Session, ann: Session, shoal: Shoal) -> None:
    session.members.disable(session.members.get("ann"))
    with pytest.raises(NotAllowedError):
        shoal.session("ann")
    me = session.members.get(session.actor.name)
    with pytest.raises(ConflictError, match="the last admin"):
        session.members.disable(me)
    with pytest.raises(ConflictError, match="the last admin"):
        session.members.set_admin(me, admin=False)
    session.members.enable(session.members.get("ann"))
    assert shoal.session("ann").actor.id == ann.actor.id
    session.members.set_admin(session.members.get("ann"), admin=True)
    assert not session.members.disable(me).is_enabled


def test_an_execution_counts_for_the_team_of_its_project(
    session: Session, ann: Session, project: Project, create: Callable[..., Execution]
) -> None:
    vision = session.teams.create("vision", ["ann"])
    audio = session.teams.create("audio", ["ann"])
    session.environments.set("local", teams="audio 0")
    create(ann)
    session.projects.set(project, team="vision")
    create(session)
    assert counted(session) == {
        (1, ann.actor.id, vision.id, "created"): 1,
        (1, session.actor.id, vision.id, "created"): 1,
    }
    session.projects.set(project, team="audio")
    with pytest.raises(NotAllowedError, match="'penguins' belongs to the team 'audio', which may not use") as caught:
        create(ann)
    assert caught.value.field == "environment"
    session.environments.set("local", teams="")
    create(ann)
    assert counted(session)[1, ann.actor.id, audio.id, "created"] == 1


def test_an_environment_for_teams_takes_nobody_else(
    session: Session, ann: Session, create: Callable[..., Execution]
) -> None:
    session.teams.create("vision", [])
    with pytest.raises(InvalidInputError, match="no team may use a machine"):
        session.environments.set("local", access="teams")
    session.environments.set("local", access="teams", teams="vision")
    with pytest.raises(NotAllowedError, match=r"you are in no team, and only teams may use .*: it is for 'vision'"):
        create(ann)
    session.teams.create("audio", ["ann"])
    with pytest.raises(NotAllowedError, match="your team 'audio' may not use"):
        create(ann)
    vision = session.teams.set(session.teams.get("vision"), members=["ann"])
    made = create(ann)
    assert counted(session) == {(1, ann.actor.id, vision.id, "created"): 1}
    session.environments.set("local", teams="vision 0\naudio 1")
    copy = ann.executions.copy(made)
    assert counted(session)[1, ann.actor.id, session.teams.get("audio").id, "created"] == 1
    session.environments.set("local", teams="vision 1\naudio 0")
    session.teams.set(vision, members=[])
    with pytest.raises(NotAllowedError):
        ann.executions.copy(copy)


def test_a_personal_project_is_refused_where_none_may_be(
    session: Session, ann: Session, create: Callable[..., Execution]
) -> None:
    own = ann.projects.create("own", personal=True)
    assert (own.personal, own.creator_id) == (True, ann.actor.id)
    create(ann, project=own)
    session.environments.set("local", personal_projects="off")
    with pytest.raises(NotAllowedError, match="'local' is not for personal projects, and 'own' is one"):
        create(ann, project=own)
    create(ann)
    session.teams.create("vision")
    with pytest.raises(InvalidInputError, match="personal and a team's"):
        session.projects.set(own, team="vision")
    session.projects.set(own, team="vision", personal="off")
    assert session.projects.by_id(own.id).team_id == session.teams.get("vision").id


def test_a_project_cannot_have_an_unknown_team(session: Session, project: Project) -> None:
    session.teams.create("vision")
    with pytest.raises(NotFoundError, match="did you mean 'vision'"):
        session.projects.set(project, team="vison")
    with pytest.raises(InvalidInputError, match="cannot be personal"):
        session.projects.set(project, personal="maybe")
