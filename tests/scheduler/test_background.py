"""Starting a scheduler beside a face that needs one, without Docker: it starts, waits and leaves all the same."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from core.errors import UnavailableError
from core.scheduler.background import LARGEST_LOG, ensure_scheduler
from core.scheduler.lease import Lease, holder, is_held
from tests.workbench import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.shoal import Shoal


@pytest.fixture
def started(shoal: Shoal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shoal]:
    """An installation whose background scheduler ends with the test."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    yield shoal
    last = holder(shoal.database.reader())
    if last is not None and is_held(shoal.home):
        subprocess.run(["kill", last.name.rpartition(":")[2]], check=True)
        until(lambda: not is_held(shoal.home), "the scheduler's end")


def test_it_is_ready_when_the_call_is_back_and_started_once(started: Shoal) -> None:
    assert ensure_scheduler(started.home) is True
    assert is_held(started.home)
    assert ensure_scheduler(started.home) is False


def test_many_at_once_start_one(started: Shoal) -> None:
    failed: list[BaseException] = []

    def ensure() -> None:
        try:
            ensure_scheduler(started.home)
        except UnavailableError as error:
            failed.append(error)

    threads = [threading.Thread(target=ensure) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert is_held(started.home)


def test_it_leaves_when_idle(started: Shoal) -> None:
    ensure_scheduler(started.home, exit_when_idle=0.1)
    until(lambda: not is_held(started.home), "its leaving")


def test_it_is_no_child_of_the_terminal(started: Shoal) -> None:
    ensure_scheduler(started.home)
    last = holder(started.database.reader())
    assert last is not None
    assert os.getsid(int(last.name.rpartition(":")[2])) != os.getsid(0)


def test_a_directory_of_the_same_name_is_not_run(
    started: Shoal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "__init__.py").write_text("raise SystemExit('hijacked')")
    monkeypatch.chdir(tmp_path)
    assert ensure_scheduler(started.home) is True


def test_why_it_could_not_start_is_told(shoal: Shoal) -> None:
    with closing(sqlite3.connect(shoal.home.database)) as connection, connection:
        connection.execute("PRAGMA user_version = 999")
    with pytest.raises(UnavailableError, match="newer Shoal"):
        ensure_scheduler(shoal.home)
    assert not is_held(shoal.home)


def test_its_log_does_not_grow_for_ever(started: Shoal) -> None:
    started.home.scheduler_log.write_bytes(b"x" * (LARGEST_LOG + 1))
    ensure_scheduler(started.home)
    assert started.home.scheduler_log.stat().st_size < LARGEST_LOG


def test_a_scheduler_in_a_terminal_serves_too(shoal: Shoal) -> None:
    lease = Lease(shoal.home, shoal.database)
    lease.acquire()
    try:
        assert ensure_scheduler(shoal.home) is False
    finally:
        lease.release()
