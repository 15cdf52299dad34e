"""Projects, links and commits, kept in the database."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from core.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from core.policy import Role
from core.projects.manifest import ManifestError, read_manifest
from core.projects.specification import specify
from core.session import Actor, Session
from data.changes import since
from tests.projects.conftest import MANIFEST, Repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from core.projects.service import Project
    from core.shoal import Shoal


@pytest.fixture
def project(session: Session) -> Project:
    return session.projects.create("penguins")


def changes(session: Session) -> list[tuple[str, int, str, int | None]]:
    feed = since(session.database.reader(), 0)
    return [(change.kind, change.subject, change.what, change.project_id) for change in feed][1:]


def test_a_project_is_created_and_found(session: Session) -> None:
    project = session.projects.create("  Penguins of the south ")
    assert project.name == "Penguins of the south"
    assert (project.yaml_path, project.command_joiner) == ("valohai.yaml", "newline")
    assert session.projects.get("Penguins of the south") == project
    assert session.projects.get(project.uuid) == project
    assert session.projects.by_id(project.id) == project
    assert changes(session) == [("project", project.id, "created", project.id)]


def test_projects_are_listed_by_name(session: Session) -> None:
    for name in ("seals", "albatrosses", "krill"):
        session.projects.create(name)
    assert [project.name for project in session.projects.list()] == ["albatrosses", "krill", "seals"]


def test_a_name_is_taken_once(session: Session, project: Project) -> None:
    with pytest.raises(ConflictError, match="a project called 'penguins' already") as caught:
        session.projects.create(" penguins")
    assert caught.value.field == "name"
    assert session.projects.list() == [project]


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\nb", "\x1b[31mred", "a\x00b", "\udcff", "a\u200bb"])
def test_a_name_is_printable_and_short(name: str, session: Session) -> None:
    with pytest.raises(InvalidInputError, match="cannot be a project's name") as caught:
        session.projects.create(name)
    assert caught.value.field == "name"


def test_an_unknown_project_offers_the_nearest(session: Session, project: Project) -> None:
    with pytest.raises(NotFoundError, match=r"no project 'pengiuns' \(did you mean 'penguins'\?\)"):
        session.projects.get("pengiuns")
    with pytest.raises(NotFoundError, match="no project with the id 99"):
        session.projects.by_id(project.id + 98)
    with pytest.raises(NotFoundError):
        session.projects.get("\udcff")


def test_a_name_like_another_uuid_is_found_by_name(session: Session, project: Project) -> None:
    session.projects.create(project.uuid)
    assert session.projects.get(project.uuid).name == project.uuid


def test_no_projects_say_how_to_make_one(session: Session) -> None:
    with pytest.raises(NotFoundError, match="none yet: `shoal init` makes one"):
        session.projects.get("any")


def test_a_directory_and_all_below_it_belong_to_a_project(session: Session, project: Project, tmp_path: Path) -> None:
    outer, inner = tmp_path / "outer", tmp_path / "outer" / "in ner"
    (inner / "deep").mkdir(parents=True)
    other = session.projects.create("other")
    session.projects.link(outer, project)
    session.projects.link(inner, other)
    assert session.projects.linked(outer) == project
    assert session.projects.linked(outer / "not" / "there") == project
    assert session.projects.linked(inner / "deep") == other
    assert session.projects.linked_directory(inner / "deep") == inner.resolve()
    (tmp_path / "way").symlink_to(inner)
    assert session.projects.linked(tmp_path / "way") == other
    session.projects.link(inner, project)
    assert session.projects.linked(inner) == project


def test_a_directory_without_a_project_says_how_to_link_it(session: Session, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="is not linked to a project: run `shoal init`") as caught:
        session.projects.linked(tmp_path)
    assert caught.value.field == "directory"
    with pytest.raises(NotFoundError):
        session.projects.linked_directory(tmp_path / os.fsdecode(b"\xff"))


def test_only_a_directory_whose_name_is_text_is_linked(session: Session, project: Project, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    bytes_only = tmp_path / os.fsdecode(b"\xff")
    bytes_only.mkdir()
    for path in (tmp_path / "file", tmp_path / "missing", bytes_only):
        with pytest.raises(InvalidInputError, match="cannot be linked"):
            session.projects.link(path, project)


def test_settings_are_changed_one_by_one(session: Session, project: Project) -> None:
    changed = session.projects.set(project, yaml_path="ml//./valohai.yaml", command_joiner="and")
    assert (changed.yaml_path, changed.command_joiner) == ("ml/valohai.yaml", "and")
    changed = session.projects.set(project, default_environment="local")
    assert (changed.yaml_path, changed.command_joiner) == ("ml/valohai.yaml", "and")
    assert changed.default_environment_id is not None
    assert session.projects.set(project, default_environment=None).default_environment_id is None
    assert changes(session)[-1] == ("project", project.id, "default_environment = None", project.id)


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("yaml_path", "", InvalidInputError),
        ("yaml_path", "../valohai.yaml", InvalidInputError),
        ("yaml_path", "/etc/passwd", InvalidInputError),
        ("yaml_path", "a\nb", InvalidInputError),
        ("yaml_path", "directory/", InvalidInputError),
        ("yaml_path", None, InvalidInputError),
        ("command_joiner", "or", InvalidInputError),
        ("default_environment", "locla", NotFoundError),
        ("name", "x", InvalidInputError),
    ],
)
def test_a_setting_that_cannot_be_changes_nothing(
    key: str, value: str | None, kind: type[Exception], session: Session, project: Project
) -> None:
    before = changes(session)
    with pytest.raises(kind) as caught:
        session.projects.set(project, **{key: value})
    assert getattr(caught.value, "field", None) == key
    assert session.projects.by_id(project.id) == project
    assert changes(session) == before


def test_a_commit_is_kept_once(session: Session, project: Project, repository: Repository) -> None:
    identifier = repository.commit("First")
    commit = session.projects.commit(project, repository.directory)
    assert (commit.identifier, commit.adhoc, commit.ref, commit.description) == (identifier, False, "main", "First")
    assert commit.project_id == project.id
    assert commit.archive.parent == session.home.code
    assert commit.archive.is_file()
    assert commit.yaml == MANIFEST
    assert session.projects.commit_by_id(commit.id) == commit
    assert session.projects.commit(project, repository.directory, identifier) == commit
    assert [change[0] for change in changes(session)] == ["project", "commit"]


def test_a_working_tree_is_kept_once(session: Session, project: Project, plain: Path) -> None:
    seen: list[tuple[int, int]] = []
    commit = session.projects.commit_working_tree(project, plain, lambda *step: seen.append(step))
    assert commit.adhoc
    assert commit.identifier.startswith("~")
    assert commit.archive.name == f"{commit.identifier[1:]}.tar.gz"
    assert seen
    assert session.projects.commit_working_tree(project, plain) == commit
    (plain / "new.py").touch()
    assert session.projects.commit_working_tree(project, plain).id != commit.id


def test_an_archive_that_was_lost_is_made_again(session: Session, project: Project, plain: Path) -> None:
    commit = session.projects.commit_working_tree(project, plain)
    commit.archive.unlink()
    assert session.projects.commit_working_tree(project, plain) == commit
    assert commit.archive.is_file()


def test_two_projects_share_the_code_and_have_commits_of_their_own(session: Session, plain: Path) -> None:
    one = session.projects.commit_working_tree(session.projects.create("one"), plain)
    two = session.projects.commit_working_tree(session.projects.create("two"), plain)
    assert one.archive == two.archive
    assert one.id != two.id


def test_another_yaml_path_of_the_same_commit_is_another_commit(
    session: Session, project: Project, repository: Repository
) -> None:
    repository.write("ml/valohai.yaml", MANIFEST.replace("train", "other"))
    repository.commit()
    first = session.projects.commit(project, repository.directory)
    moved = session.projects.set(project, yaml_path="ml/valohai.yaml")
    second = session.projects.commit(moved, repository.directory)
    assert second.identifier == first.identifier
    assert read_manifest(second.yaml).step_names() == ["other"]
    assert session.projects.commit_by_id(first.id) == first
    assert session.projects.commit(moved, repository.directory) == second


def test_two_directories_of_one_repository_leave_each_other_s_commits_alone(
    session: Session, project: Project, repository: Repository
) -> None:
    repository.write("ml/valohai.yaml", MANIFEST)
    repository.write("ml/train.py", "print(1)")
    repository.commit()
    whole = session.projects.commit(project, repository.directory)
    part = session.projects.commit(project, repository.directory / "ml")
    assert (part.identifier, part.yaml) == (whole.identifier, whole.yaml)
    assert part.archive != whole.archive
    assert session.projects.commit_by_id(whole.id) == whole
    assert session.projects.commit(project, repository.directory) == whole


def test_a_broken_manifest_creates_nothing(session: Session, project: Project, repository: Repository) -> None:
    repository.write("valohai.yaml", "- step: {name: a}\n")
    repository.commit()
    before = changes(session)
    for keep in (session.projects.commit, session.projects.commit_working_tree):
        with pytest.raises(ManifestError):
            keep(project, repository.directory)
    assert changes(session) == before
    assert list(session.home.code.iterdir()) == []


def test_an_unknown_commit_is_not_found(session: Session) -> None:
    with pytest.raises(NotFoundError, match="no commit with the id 7"):
        session.projects.commit_by_id(7)


def test_a_commit_leads_to_a_specification(session: Session, project: Project, plain: Path) -> None:
    commit = session.projects.commit_working_tree(project, plain)
    assert specify(read_manifest(commit.yaml), "train").command == ["echo"]


def test_nobody_sees_nothing_and_members_do_not_edit(
    shoal: Shoal, session: Session, project: Project, plain: Path
) -> None:
    def acting(role: Role, organization_id: int) -> Session:
        return Session(shoal.database, shoal.home, Actor(session.actor.id, "someone", role, organization_id))

    here = session.actor.organization_id
    nobody, member = acting(Role.NOBODY, here).projects, acting(Role.MEMBER, here).projects
    calls: list[Callable[[], object]] = [
        nobody.list,
        lambda: nobody.get("penguins"),
        lambda: nobody.by_id(project.id),
        lambda: nobody.create("x"),
        lambda: nobody.link(plain, project),
        lambda: nobody.linked(plain),
        lambda: nobody.commit(project, plain),
        lambda: nobody.commit_working_tree(project, plain),
        lambda: nobody.commit_by_id(1),
        lambda: member.set(project, command_joiner="and"),
    ]
    for call in calls:
        with pytest.raises(NotAllowedError):
            call()
    assert list(shoal.home.code.iterdir()) == []
    commit = member.commit_working_tree(project, plain)
    stranger = acting(Role.ADMIN, here + 1).projects
    assert stranger.list() == []
    with pytest.raises(NotFoundError):
        stranger.by_id(project.id)
    with pytest.raises(NotFoundError):
        stranger.commit_by_id(commit.id)
    with pytest.raises(NotFoundError):
        stranger.set(project, command_joiner="and")
    with pytest.raises(NotFoundError):
        stranger.link(plain, project)
    with pytest.raises(NotFoundError):
        stranger.commit_working_tree(project, plain)
    assert session.projects.by_id(project.id) == project
