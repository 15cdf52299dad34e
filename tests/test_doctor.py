"""What `shoal doctor` finds in homes that are well and homes that are not."""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from core.doctor import Check, examine
from core.projects.manifest import read_manifest
from core.projects.specification import specify
from core.scheduler.lease import Lease

if TYPE_CHECKING:
    from pathlib import Path

    from core.home import Home
    from core.session import Session
    from core.shoal import Shoal


@pytest.fixture(autouse=True)
def no_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers for Docker, whatever this machine has."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")


def found(home: Home) -> dict[str, Check]:
    return {check.name: check for check in examine(home)}


def test_a_fresh_home_is_well_but_for_docker(shoal: Shoal) -> None:
    checks = found(shoal.home)
    assert {name for name, check in checks.items() if check.state != "ok"} - {"disk", "git"} == {"docker"}
    assert {"home", "database", "schema", "files", "scheduler", "clock"} <= checks.keys()
    assert all(check.next_step for check in checks.values() if check.state != "ok")


def test_there_is_no_home(home: Home) -> None:
    check = found(home)["home"]
    assert (check.state, "shoal init" in check.next_step) == ("fail", True)
    home.root.mkdir(mode=0o700)
    assert found(home)["database"].state == "fail"


def test_others_may_look_in(shoal: Shoal) -> None:
    shoal.home.root.chmod(0o755)
    assert found(shoal.home)["home"].state == "warn"


def test_a_damaged_database(shoal: Shoal) -> None:
    shoal.database.close()
    with shoal.home.database.open("r+b") as database:
        database.seek(4096)
        database.write(os.urandom(40_000))
    checks = found(shoal.home)
    assert (checks["database"].state, "restore" in checks["database"].next_step) == ("fail", True)
    assert "schema" not in checks


def test_rows_that_refer_to_nothing(shoal: Shoal) -> None:
    # A program that does not ask for foreign keys is not held to them.
    with closing(sqlite3.connect(shoal.home.database)) as connection, connection:
        connection.execute("INSERT INTO memberships VALUES (1, 99, 'member', 0)")
    assert "memberships" in found(shoal.home)["database"].message


def test_a_newer_and_an_older_schema(shoal: Shoal) -> None:
    for version, state in ((999, "fail"), (0, "warn")):
        with shoal.database.transaction() as connection:
            connection.execute(f"PRAGMA user_version = {version}")
        assert found(shoal.home)["schema"].state == state


def test_a_file_that_is_missing_from_the_store(session: Session, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n")
    file = session.files.upload(session.projects.create("penguins"), tmp_path / "rows.csv")
    assert found(session.home)["files"].state == "ok"
    session.files.path(file).unlink()
    assert found(session.home)["files"].state == "fail"


def test_an_upload_that_was_killed_before_it_was_committed(session: Session, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n")
    file = session.files.upload(session.projects.create("penguins"), tmp_path / "rows.csv")
    orphan = session.files.path(file).parents[1] / "016b888a" / "deep" / "rows.csv"
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"x" * 500)
    assert "uploads" not in found(session.home), "it may be under way"
    os.utime(orphan.parents[1], (0, 0))
    check = found(session.home)["uploads"]
    assert (check.state, check.message.partition(": ")[2]) == ("warn", "1, 500 B")
    assert check.next_step.endswith(str(orphan.parents[1]))


def test_a_scheduler_that_gives_no_sign_of_life(shoal: Shoal) -> None:
    lease = Lease(shoal.home, shoal.database)
    lease.acquire()
    assert found(shoal.home)["scheduler"].state == "ok"
    with shoal.database.transaction() as connection:
        connection.execute("UPDATE leases SET renewed_at = renewed_at - 3600")
    assert found(shoal.home)["scheduler"].state == "fail"
    lease.release()


@pytest.mark.parametrize(
    ("status", "told"),
    [("queued", "3 executions wait"), ("started", "3 are under way"), ("stopping", "3 are under way")],
)
def test_executions_that_nobody_sees_to(shoal: Shoal, status: str, told: str) -> None:
    with shoal.database.transaction() as connection:
        connection.execute("INSERT INTO execution_counts VALUES (1, 1, 0, 1, ?, 3)", (status,))
        connection.execute("INSERT INTO execution_counts VALUES (1, 1, 0, 1, 'complete', 3)")
    check = found(shoal.home)["scheduler"]
    assert (check.state, told in check.message, "shoal up" in check.next_step) == ("warn", True, True)


def test_a_clock_that_went_back(session: Session) -> None:
    session.projects.create("penguins")
    with session.database.transaction() as connection:
        connection.execute("UPDATE changes SET at = ?", (time.time() + 7200,))
    assert found(session.home)["clock"].state == "warn"


def test_something_else_listens_where_docker_should(shoal: Shoal, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{tmp_path}/docker.sock")
        listener.listen()
        listener.settimeout(0.0)
        listener.close()
        assert found(shoal.home)["docker"].state == "fail"


@pytest.mark.docker
def test_docker_answers(shoal: Shoal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST")
    checks = found(shoal.home)
    assert checks["docker"].state == "ok"
    assert "network" in checks
    shoal.session().environments.set("local", network="none")
    assert "network" not in found(shoal.home)


@pytest.mark.docker
def test_an_image_that_has_to_be_pulled(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST")
    text = "- step:\n    name: a\n    image: example.invalid/nowhere:1\n    command: b\n"
    (tmp_path / "valohai.yaml").write_text(text)
    project = session.projects.create("penguins")
    commit = session.projects.commit_working_tree(project, tmp_path)
    session.executions.create(project, commit, specify(read_manifest(text), "a"))
    check = found(session.home)["images"]
    assert (check.state, "nowhere:1" in check.message) == ("warn", True)
