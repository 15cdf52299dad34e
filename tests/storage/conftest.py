from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from data.identifiers import new_identifier
from tests.storage.web_server import WebServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from core.projects.service import Project
    from core.session import Session
    from core.shoal import Shoal


@pytest.fixture
def project(session: Session) -> Project:
    return session.projects.create("penguins")


@pytest.fixture
def new_execution(shoal: Shoal, session: Session, project: Project) -> Callable[[], int]:
    """Makes an execution's row, without the code that it would run; returns its id."""

    def create() -> int:
        with shoal.database.transaction() as connection:
            connection.execute(
                """
                INSERT OR IGNORE INTO commits
                    (uuid, project_id, identifier, adhoc, archive, yaml, created_by, created_at)
                VALUES (?, ?, '~1', 1, '1.tar.gz', '', ?, ?)
                """,
                (new_identifier(), project.id, session.actor.id, time.time()),
            )
            counter = connection.execute("SELECT count(*) + 1 FROM executions").fetchone()[0]
            row = connection.execute(
                """
                INSERT INTO executions (uuid, project_id, counter, commit_id, environment_id, user_id, step, image,
                    command, store_id, created_at)
                VALUES (?, ?, ?, 1, 1, ?, 'train', 'busybox', '[]', 1, ?) RETURNING id
                """,
                (new_identifier(), project.id, counter, session.actor.id, time.time()),
            ).fetchone()
            return int(row[0])

    return create


@pytest.fixture
def data(tmp_path: Path, session: Session) -> Path:
    """A directory from which file:// inputs are allowed."""
    root = tmp_path / "data"
    root.mkdir()
    session.settings.set("file_roots", [str(root)])
    return root


@pytest.fixture
def web() -> Iterator[WebServer]:
    server = WebServer()
    server.start()
    yield server
    server.stop()
