"""A project with files, and what reads a source whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from core.projects.manifest import read_manifest
from core.projects.specification import specify
from core.resources.resource import Query
from core.storage.checksums import checksum

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from core.projects.service import Project
    from core.resources.resource import Resource
    from core.session import Session
    from core.storage.files import File


@pytest.fixture
def project(session: Session) -> Project:
    return session.projects.create("penguins")


@pytest.fixture
def upload(session: Session, project: Project, tmp_path: Path) -> Callable[..., File]:
    """Bring a file of this name and size into the project."""

    def upload(name: str, size: int = 1, *, to: Project | None = None, tags: tuple[str, ...] = ()) -> File:
        source = tmp_path / "source"
        source.write_bytes(b"x" * size)
        return session.files.upload(to or project, source, name=name, tags=tags)

    return upload


def listed(session: Session, resource: Resource[Any], **query: Any) -> list[Any]:
    """Return the rows that a query lists, in order; what the source says of them otherwise has to agree."""
    asked = Query(**query)
    ids = [id_ for part in resource.source.ids(session, asked) for id_ in part]
    assert len(ids) == len(set(ids))
    assert list(resource.source.matching(session, asked, ids[::-1])) == ids
    if not asked.text:
        assert resource.source.total(session, asked) == len(ids)
    rows = resource.source.rows(session, ids)
    assert [resource.key(rows[id_]) for id_ in ids] == ids
    return [rows[id_] for id_ in ids]


@pytest.fixture
def output(session: Session, system: Session, project: Project, tmp_path: Path) -> Callable[[str], File]:
    """Make an execution that nothing runs, with one output of this name."""

    def output(name: str) -> File:
        (tmp_path / "code").mkdir(exist_ok=True)
        (tmp_path / "code" / "valohai.yaml").write_text("- step: {name: train, image: busybox, command: train}\n")
        commit = session.projects.commit_working_tree(project, tmp_path / "code")
        execution = session.executions.create(project, commit, specify(read_manifest(commit.yaml), "train"))
        source = tmp_path / "output"
        source.write_bytes(b"model")
        return system.files.add_output(execution.id, source, name, checksum(source), properties=None)

    return output
