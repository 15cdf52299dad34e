"""Every released schema, with data in it, comes up to date."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from importlib import resources
from typing import TYPE_CHECKING

import pytest

from core.errors import NewerDatabaseError, UnavailableError
from core.shoal import Shoal
from data.migrations import SCHEMA_VERSION, NewerSchemaError, migrate, schema_version

if TYPE_CHECKING:
    from pathlib import Path

    from core.home import Home


def test_a_new_file_has_the_newest_schema_and_wal(tmp_path: Path) -> None:
    path = tmp_path / "shoal.db"
    migrate(path)
    assert schema_version(path) == SCHEMA_VERSION
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_an_up_to_date_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "shoal.db"
    migrate(path)
    path.chmod(0o400)
    before = path.stat().st_mtime_ns
    migrate(path)
    assert path.stat().st_mtime_ns == before


def test_a_newer_file_is_refused_and_left_alone(home: Home) -> None:
    Shoal.create(home).close()
    connection = sqlite3.connect(home.database)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(NewerSchemaError):
        migrate(home.database)
    with pytest.raises(NewerDatabaseError, match="newer Shoal"):
        Shoal.open(home)
    assert schema_version(home.database) == SCHEMA_VERSION + 1


def test_a_file_that_is_no_database_is_a_clear_error(home: Home) -> None:
    home.create()
    home.database.write_bytes(b"this is not a database" * 100)
    with pytest.raises(UnavailableError, match="cannot be read"):
        Shoal.open(home)


def test_processes_that_set_up_at_the_same_time_make_one_installation(home: Home) -> None:
    code = "import sys; from pathlib import Path; from core.home import Home; from core.shoal import Shoal; "
    command = [sys.executable, "-c", code + "Shoal.create(Home(Path(sys.argv[1])))", str(home.root)]
    assert [process.wait() for process in [subprocess.Popen(command) for _ in range(4)]] == [0] * 4
    reader = Shoal.open(home).database.reader()
    counts = reader.execute("SELECT (SELECT count(*) FROM organizations), (SELECT count(*) FROM users)").fetchone()
    assert tuple(counts) == (1, 1)


def test_what_ran_and_waits_of_before_teams_and_hosts_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "shoal.db"
    connection = sqlite3.connect(path, isolation_level=None)
    schema = resources.files("data") / "schema"
    connection.execute("PRAGMA journal_mode = WAL")
    for number in (1, 2):
        connection.executescript((schema / f"{number:04}.sql").read_text())
    connection.executescript(
        """
        CREATE TABLE _sqlite_migrations (migration_set TEXT, name TEXT, applied_at TEXT,
            PRIMARY KEY (migration_set, name));
        INSERT INTO _sqlite_migrations VALUES ('shoal', '0001', ''), ('shoal', '0002', '');
        INSERT INTO organizations (id, uuid, name, created_at) VALUES (1, 'o', 'o', 0);
        INSERT INTO users (id, uuid, name, created_at) VALUES (1, 'u', 'ada', 0), (2, 'v', 'bob', 0);
        INSERT INTO stores (id, uuid, name, kind, created_at) VALUES (1, 's', 'shoal', 'managed', 0);
        INSERT INTO environments (id, uuid, slug, name, price_per_hour, created_at)
            VALUES (1, 'e', 'local', 'x', 3600, 0);
        INSERT INTO projects (id, uuid, organization_id, name, created_by, created_at) VALUES (1, 'p', 1, 'p', 1, 0);
        INSERT INTO commits (id, uuid, project_id, identifier, adhoc, archive, yaml, created_by, created_at)
            VALUES (1, 'c', 1, 'c', 0, 'c', '', 1, 0);
        INSERT INTO machines (id, uuid, environment_id, name, state, state_at, requested_at, price_per_hour)
            VALUES (1, 'm', 1, 'local-1', 'leased', 0, 0, 3600);
        INSERT INTO executions (id, uuid, project_id, counter, commit_id, environment_id, user_id, step, status, image,
            command, store_id, created_at, started_at, ended_at, machine_id, cost)
            VALUES (1, 'x1', 1, 1, 1, 1, 1, 'train', 'complete', 'i', '[]', 1, 0, 10, 20, 1, 10),
                   (2, 'x2', 1, 2, 1, 1, 1, 'train', 'queued', 'i', '[]', 1, 0, NULL, NULL, NULL, NULL),
                   (3, 'x3', 1, 3, 1, 1, 2, 'train', 'complete', 'i', '[]', 1, 0, 5, 6, NULL, 0);
        INSERT INTO execution_counts VALUES (1, 1, 1, 'complete', 1), (1, 1, 1, 'queued', 1), (2, 1, 1, 'complete', 1);
        INSERT INTO waiting_reasons VALUES (1, 1, 'queued', '1 of 1 machines are busy');
        PRAGMA user_version = 2;
        """
    )
    connection.close()
    migrate(path)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    counts = connection.execute("SELECT team_id, status, number FROM execution_counts ORDER BY status").fetchall()
    assert counts == [(0, "complete", 1), (0, "complete", 1), (0, "queued", 1)]
    usage = connection.execute("SELECT kind, began_at, ended_at, execution_id, cost FROM machine_usage").fetchall()
    assert usage == [("execution", 10, 20, 1, 10)]
    assert connection.execute("SELECT * FROM last_served ORDER BY user_id").fetchall() == [(1, 1, 2), (1, 2, 1)]
    assert connection.execute("SELECT slug, kind, access FROM environments").fetchall() == [
        ("local", "local", "everyone")
    ]
    assert connection.execute("SELECT team_id FROM executions").fetchall() == [(0,), (0,), (0,)]
