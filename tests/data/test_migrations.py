"""Every released schema, with data in it, comes up to date."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
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
