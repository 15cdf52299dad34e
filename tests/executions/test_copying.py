"""A copy of an execution gets the very contents that the original had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.errors import ConflictError
from core.projects.manifest import read_manifest
from core.projects.specification import specify
from core.scheduler.staging import stage_inputs
from core.scheduler.workplace import Workplace
from tests.storage.web_server import WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.executions.execution import Execution
    from core.session import Session

YAML = "- step: {name: train, image: busybox, command: train, inputs: [{name: data}]}\n"


@pytest.fixture
def web() -> Iterator[WebServer]:
    server = WebServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def original(session: Session, web: WebServer, tmp_path: Path) -> Execution:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "valohai.yaml").write_text(YAML)
    project = session.projects.create("p")
    commit = session.projects.commit_working_tree(project, tmp_path / "code")
    specification = specify(read_manifest(commit.yaml), "train", inputs={"data": [web.url("/rows.csv")]})
    return session.executions.create(project, commit, specification)


def staged(system: Session, execution: Execution, directory: Path) -> bytes:
    place = Workplace(directory / execution.uuid, {})
    stage_inputs(system, execution, place, print, lambda: False)
    return (place.inputs / "data" / "rows.csv").read_bytes()


def test_a_copy_refuses_an_address_that_holds_something_else_now(
    session: Session, system: Session, web: WebServer, original: Execution, tmp_path: Path
) -> None:
    web.answers["/rows.csv"] = lambda request: request.reply(200, b"old", ETag='"1"')
    staged(system, original, tmp_path)
    recorded = session.executions.inputs(original)[0]
    copy = session.executions.copy(original)
    assert session.executions.inputs(copy)[0] == recorded
    assert staged(system, copy, tmp_path) == b"old"

    web.answers["/rows.csv"] = lambda request: request.reply(200, b"new", ETag='"2"')
    for content in (system.home.cache / "inputs").glob("??/*"):
        content.unlink()
    with pytest.raises(ConflictError, match="has changed"):
        staged(system, session.executions.copy(original), tmp_path)
    fresh = session.executions.copy(original, inputs={"data": [recorded.uri]})
    assert staged(system, fresh, tmp_path) == b"new"


def test_a_copy_of_what_never_fetched_its_inputs_takes_what_it_finds(
    session: Session, system: Session, web: WebServer, original: Execution, tmp_path: Path
) -> None:
    copy = session.executions.copy(original)
    assert session.executions.inputs(copy)[0].sha256 is None
    web.answers["/rows.csv"] = lambda request: request.reply(200, b"rows")
    assert staged(system, copy, tmp_path) == b"rows"
