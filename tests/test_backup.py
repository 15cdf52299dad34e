"""Backups: taken while the home is in use, whole or not there, and restored only when they are what was taken."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest

from core.backup import back_up, described, restore
from core.errors import (
    ConflictError,
    InvalidInputError,
    NewerDatabaseError,
    NotAllowedError,
    UnavailableError,
)
from core.home import Home
from core.policy import Role
from core.scheduler.lease import Lease
from core.session import Actor, Session
from core.shoal import Shoal
from data.migrations import SCHEMA_VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from core.storage.files import File


@pytest.fixture
def file(session: Session, tmp_path: Path) -> File:
    """A file of a project `penguins`, the log of no execution beside it and a piece of code."""
    (tmp_path / "rows.csv").write_text("a,b\n")
    file = session.files.upload(session.projects.create("penguins"), tmp_path / "rows.csv")
    (session.home.code / "c0de.tar.gz").write_bytes(b"code")
    (session.home.logs / "ab").mkdir()
    (session.home.logs / "ab" / "x.log").write_bytes(b"log")
    return file


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


@pytest.mark.parametrize("with_files", [False, True])
@pytest.mark.parametrize("name", ["backup", "50%41 b?#"])
def test_a_backup_becomes_a_home(session: Session, file: File, tmp_path: Path, name: str, *, with_files: bool) -> None:
    made = back_up(session, tmp_path / name, with_files=with_files)
    assert made.schema_version == SCHEMA_VERSION
    other = Home(tmp_path / f"{name}-other")
    assert restore(tmp_path / name, other) is None
    shoal = Shoal.open(other)
    restored = shoal.session()
    assert restored.files.by_id(file.id) == file
    assert (other.code / "c0de.tar.gz").read_bytes() == b"code"
    assert (other.logs / "ab" / "x.log").read_bytes() == b"log"
    assert other.root.stat().st_mode & 0o077 == 0
    if with_files:
        assert restored.files.path(file).read_text() == "a,b\n"
    else:
        with pytest.raises(UnavailableError, match="missing"):
            restored.files.path(file)
    restored.projects.create("written after")
    shoal.close()


def test_a_backup_is_one_moment_while_others_write(session: Session, tmp_path: Path) -> None:
    stop, begun = threading.Event(), threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            with session.database.transaction() as connection:
                for key in ("left", "right"):
                    connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, str(number)))
            number += 1
            begun.set()
        session.database.close_reader()

    writer = threading.Thread(target=write)
    writer.start()
    begun.wait()
    try:
        for number in range(5):
            back_up(session, tmp_path / f"backup-{number}")
    finally:
        stop.set()
        writer.join()
    for number in range(5):
        connection = sqlite3.connect(tmp_path / f"backup-{number}" / "shoal.db")
        left, right = (row[0] for row in connection.execute("SELECT value FROM settings ORDER BY key"))
        connection.close()
        assert left == right


def test_logs_are_copied_since_they_grow_and_files_linked_since_they_never_change(
    session: Session, file: File, tmp_path: Path
) -> None:
    back_up(session, tmp_path / "backup", with_files=True)
    with (session.home.logs / "ab" / "x.log").open("ab") as log:
        log.write(b" grows")
    assert (tmp_path / "backup" / "logs" / "ab" / "x.log").read_bytes() == b"log"
    assert session.files.path(file).stat().st_nlink == 2


def test_nothing_is_overwritten_and_nothing_left_half_done(session: Session, tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    with pytest.raises(ConflictError, match="exists already"):
        back_up(session, tmp_path / "backup")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConflictError, match="exists already"):
        back_up(session, tmp_path / "dangling")
    (tmp_path / "file").touch()
    with pytest.raises(UnavailableError):
        back_up(session, tmp_path / "file" / "below")
    assert not [name for name in names(tmp_path) if name.endswith(".part")]


def test_only_an_admin_backs_up(shoal: Shoal, session: Session, tmp_path: Path) -> None:
    actor = session.actor
    member = Session(shoal.database, shoal.home, Actor(actor.id, actor.name, Role.MEMBER, actor.organization_id))
    with pytest.raises(NotAllowedError):
        back_up(member, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


def test_a_home_in_use_is_moved_aside_only_when_asked(session: Session, file: File, tmp_path: Path) -> None:
    back_up(session, tmp_path / "backup")
    session.projects.create("later")
    home = session.home
    with pytest.raises(ConflictError, match="--replace"):
        restore(tmp_path / "backup", home)
    aside = restore(tmp_path / "backup", home, replace=True)
    assert aside is not None
    before, after = Shoal.open(Home(aside)), Shoal.open(home)
    assert [project.name for project in before.session().projects.list()] == ["later", "penguins"]
    assert [project.name for project in after.session().projects.list()] == ["penguins"]
    # The backup has no files: the store's stay.
    assert after.session().files.path(file).read_text() == "a,b\n"
    before.close()
    after.close()


def test_nothing_is_restored_under_a_running_scheduler(shoal: Shoal, session: Session, tmp_path: Path) -> None:
    back_up(session, tmp_path / "backup")
    lease = Lease(shoal.home, shoal.database)
    lease.acquire()
    with pytest.raises(ConflictError, match="a scheduler runs"):
        restore(tmp_path / "backup", shoal.home, replace=True)
    lease.release()
    restore(tmp_path / "backup", shoal.home, replace=True)


def test_what_was_changed_since_is_refused(session: Session, tmp_path: Path) -> None:
    back_up(session, tmp_path / "backup")
    with (tmp_path / "backup" / "shoal.db").open("r+b") as database:
        database.seek(2000)
        database.write(b"changed")
    with pytest.raises(InvalidInputError, match="SHA-256"):
        restore(tmp_path / "backup", Home(tmp_path / "other"))
    assert not (tmp_path / "other").exists()
    assert not [name for name in names(tmp_path) if name.endswith(".part")]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"{" * 70_000, b'{"format": 1}'])
def test_what_is_no_backup_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "manifest.json").write_bytes(content)
    with pytest.raises(InvalidInputError, match="no backup"):
        restore(tmp_path / "backup", Home(tmp_path / "other"))
    with pytest.raises(InvalidInputError, match="no backup"):
        restore(tmp_path / "missing", Home(tmp_path / "other"))


def test_a_newer_backup_is_refused(session: Session, tmp_path: Path) -> None:
    back_up(session, tmp_path / "backup")
    manifest = tmp_path / "backup" / "manifest.json"
    values = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(values | {"schema_version": SCHEMA_VERSION + 1}))
    with pytest.raises(NewerDatabaseError):
        restore(tmp_path / "backup", Home(tmp_path / "other"))


@pytest.mark.parametrize("place", ["logs/stolen.log", "code/elsewhere", "store/data/deep"])
def test_a_link_in_a_backup_is_refused_by_its_name(session: Session, file: File, tmp_path: Path, place: str) -> None:
    back_up(session, tmp_path / "backup", with_files=True)
    (tmp_path / "backup" / place).symlink_to(tmp_path)
    with pytest.raises(InvalidInputError, match=place):
        restore(tmp_path / "backup", Home(tmp_path / "other"))
    assert not (tmp_path / "other").exists()
    assert session.files.by_id(file.id) == file


@pytest.mark.parametrize("directory", ["code", "store"])
def test_a_directory_that_is_a_link_is_refused(session: Session, file: File, tmp_path: Path, directory: str) -> None:
    back_up(session, tmp_path / "backup", with_files=True)
    (tmp_path / "backup" / directory).rename(tmp_path / "moved")
    (tmp_path / "backup" / directory).symlink_to(tmp_path / "moved")
    with pytest.raises(InvalidInputError, match=f"{directory}' is a link"):
        restore(tmp_path / "backup", Home(tmp_path / "other"))
    assert session.files.by_id(file.id) == file


def test_a_pipe_and_a_database_that_is_a_link_are_refused(session: Session, tmp_path: Path) -> None:
    back_up(session, tmp_path / "backup")
    os.mkfifo(tmp_path / "backup" / "logs" / "pipe")
    with pytest.raises(InvalidInputError, match="pipe"):
        restore(tmp_path / "backup", Home(tmp_path / "other"))
    (tmp_path / "backup" / "shoal.db").rename(tmp_path / "shoal.db")
    (tmp_path / "backup" / "shoal.db").symlink_to(tmp_path / "shoal.db")
    with pytest.raises(UnavailableError):
        restore(tmp_path / "backup", Home(tmp_path / "another"))


@pytest.mark.parametrize("change", ["missing", "damaged"])
@pytest.mark.parametrize("place", ["code/c0de.tar.gz", "logs/ab/x.log", "store"])
def test_what_is_missing_or_damaged_is_told(
    session: Session, file: File, tmp_path: Path, place: str, change: str
) -> None:
    back_up(session, tmp_path / "backup", with_files=True)
    place = f"store/{file.key}" if place == "store" else place
    victim = tmp_path / "backup" / place
    content = victim.read_bytes()
    victim.unlink()
    if change == "damaged":
        victim.write_bytes(content[:-1] + b"?")
    with pytest.raises(InvalidInputError, match=f"{place} is {change}"):
        restore(tmp_path / "backup", Home(tmp_path / "other"))
    assert not (tmp_path / "other").exists()


def test_an_archive_that_a_commit_needs_must_be_there(session: Session, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "valohai.yaml").write_text("- step:\n    name: a\n    image: b\n    command: c\n")
    session.projects.commit_working_tree(session.projects.create("penguins"), tmp_path / "code")
    (archive,) = session.home.code.iterdir()
    back_up(session, tmp_path / "backup")
    (tmp_path / "backup" / "code" / archive.name).unlink()
    with pytest.raises(InvalidInputError, match=archive.name):
        restore(tmp_path / "backup", Home(tmp_path / "other"))


def test_what_the_home_had_lost_before_is_told_and_not_asked_for(session: Session, file: File, tmp_path: Path) -> None:
    session.files.path(file).unlink()
    made = back_up(session, tmp_path / "backup", with_files=True)
    assert made.missing == [f"store/{file.key}"]
    assert described(tmp_path / "backup") == made
    restore(tmp_path / "backup", Home(tmp_path / "other"))


def test_a_backup_never_lies_in_the_home(session: Session, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(session.home.root)
    for inside in (session.home.root / "backup", tmp_path / "link" / "deep" / "backup"):
        with pytest.raises(InvalidInputError, match="outside"):
            back_up(session, inside)


def test_a_home_behind_a_link_is_replaced_where_it_is(session: Session, file: File, tmp_path: Path) -> None:
    back_up(session, tmp_path / "backup", with_files=True)
    link = tmp_path / "link"
    link.symlink_to(session.home.root)
    aside = restore(tmp_path / "backup", Home(link), replace=True)
    assert aside is not None
    assert link.is_symlink()
    shoal = Shoal.open(Home(link))
    assert shoal.session().files.path(file).read_text() == "a,b\n"
    shoal.close()


def test_a_store_on_another_disk_is_backed_up(session: Session, file: File, tmp_path: Path) -> None:
    session.home.store.rename(tmp_path / "disk")
    session.home.store.symlink_to(tmp_path / "disk")
    assert back_up(session, tmp_path / "backup", with_files=True).missing == []
    assert (tmp_path / "backup" / "store" / file.key).read_text() == "a,b\n"
