"""Transactions, readers, the change feed and the bell."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from data.changes import Bell, newest, record, since
from data.database import Database
from data.migrations import migrate

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def database(tmp_path: Path) -> Database:
    migrate(tmp_path / "shoal.db")
    return Database(tmp_path / "shoal.db")


def put(database: Database, key: str) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO settings VALUES (?, '1')", (key,))


def keys(database: Database) -> list[str]:
    return [row[0] for row in database.reader().execute("SELECT key FROM settings ORDER BY key")]


def test_a_block_that_raises_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.transaction() as connection:
        connection.execute("INSERT INTO settings VALUES ('a', '1')")
        raise RuntimeError
    assert keys(database) == []


def test_a_nested_transaction_is_part_of_the_outer_one(database: Database) -> None:
    with pytest.raises(RuntimeError), database.transaction():
        put(database, "inner")
        raise RuntimeError
    assert keys(database) == []


def test_a_reader_cannot_write_and_sees_what_is_committed(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO settings VALUES ('a', '1')")
        assert keys(database) == []
    assert keys(database) == ["a"]
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        database.reader().execute("DELETE FROM settings")


def test_many_threads_write_without_a_lock_error(database: Database) -> None:
    def put_twenty(number: int) -> None:
        for j in range(20):
            put(database, f"{number}-{j}")

    threads = [threading.Thread(target=put_twenty, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys(database)) == 160


def test_two_processes_write_without_a_lock_error(database: Database) -> None:
    code = (
        "import sys; from pathlib import Path; from data.database import Database\n"
        "database = Database(Path(sys.argv[1]))\n"
        "for i in range(100):\n"
        "    with database.transaction() as connection:\n"
        "        connection.execute('INSERT INTO settings VALUES (?, 1)', (f'{sys.argv[2]}-{i}',))\n"
    )
    command = [sys.executable, "-c", code, str(database.path)]
    processes = [subprocess.Popen([*command, str(number)]) for number in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert len(keys(database)) == 300


def test_data_version_moves_when_another_connection_commits(database: Database) -> None:
    before = database.data_version()
    assert database.data_version() == before
    put(database, "a")
    assert database.data_version() != before


def test_the_feed_has_every_change_in_order_and_none_of_a_block_that_raised(database: Database) -> None:
    with database.transaction() as connection:
        record(connection, 1, "execution", 7, "created", project_id=3)
        record(connection, 0, "execution", 7, "queued")
    with pytest.raises(RuntimeError), database.transaction() as connection:
        record(connection, 1, "execution", 8, "created")
        raise RuntimeError
    changes = since(database.reader(), 0)
    assert [(c.seq, c.actor, c.kind, c.subject, c.what, c.project_id) for c in changes] == [
        (1, 1, "execution", 7, "created", 3),
        (2, 0, "execution", 7, "queued", None),
    ]
    assert since(database.reader(), 1) == changes[1:]
    assert newest(database.reader()) == 2


def test_who_waits_is_told_of_commits_that_move_the_feed_only(database: Database) -> None:
    rung: list[int] = []
    database.after_commit(lambda: rung.append(1))
    put(database, "a")
    assert rung == []
    with database.transaction() as connection:
        record(connection, 1, "setting", 0, "a")
    assert rung == [1]


def test_the_bell_wakes_a_waiter_once_for_many_rings_and_survives_a_dead_one(tmp_path: Path) -> None:
    waiter = Bell(tmp_path / "bell")
    ringer = Bell(tmp_path / "bell")
    ringer.ring()
    waiter.listen()
    for _ in range(5):
        ringer.ring()
    assert waiter.wait(5)
    assert not waiter.wait(0.01)
    waiter.close()
    ringer.ring()
    (tmp_path / "bell").touch()
    second = Bell(tmp_path / "bell")
    second.listen()
    ringer.ring()
    assert second.wait(5)
    second.close()


def test_a_bell_in_a_very_deep_directory_rings_too(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    bell = Bell(deep / "bell")
    bell.listen()
    bell.ring()
    assert bell.wait(5)
    bell.close()
