"""A second person, and projects with a step to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from core.projects.manifest import read_manifest
from core.projects.specification import specify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from core.executions.execution import Execution
    from core.projects.service import Project
    from core.session import Session
    from core.shoal import Shoal

MANIFEST = """\
- step: {name: train, image: busybox, command: train}
- step: {name: elsewhere, image: busybox, command: train, environment: aws-eu-west-1-t3}
- step:
    name: mounting
    image: busybox
    command: train
    mounts:
      - /srv/data/penguins:/data
      - {source: /srv/models, destination: /models, readonly: true}
- step: {name: climbing, image: busybox, command: train, mounts: ["/srv/data/../secret:/data"]}
- step: {name: beside, image: busybox, command: train, mounts: ["/srv/database:/data"]}
- step: {name: covering, image: busybox, command: train, mounts: ["/srv/data:/valohai/inputs"]}
- step:
    name: remote
    image: busybox
    command: train
    mounts: [{source: "server:/export", destination: /data, type: nfs}]
"""


@pytest.fixture
def ann(session: Session, shoal: Shoal) -> Session:
    """The session of a member who is no admin."""
    session.members.add("ann", system_user="nobody")
    return shoal.session("ann")


@pytest.fixture
def project(session: Session) -> Project:
    return session.projects.create("penguins")


@pytest.fixture
def create(project: Project, tmp_path: Path) -> Callable[..., Execution]:
    """Have somebody create an execution of a step."""

    def create(who: Session, step: str = "train", **given: Any) -> Execution:
        directory = tmp_path / "code"
        directory.mkdir(exist_ok=True)
        (directory / "valohai.yaml").write_text(MANIFEST)
        current = who.projects.by_id(given.pop("project", project).id)
        commit = who.projects.commit_working_tree(current, directory)
        named = {"environment": given.pop("environment")} if "environment" in given else {}
        return who.executions.create(current, commit, specify(read_manifest(commit.yaml), step, **named), **given)

    return create


def counted(session: Session) -> dict[tuple[int, int, int, str], int]:
    """Return the kept counts that are not zero, having compared them to the executions themselves."""
    connection = session.database.reader()
    kept = connection.execute("SELECT * FROM execution_counts WHERE number != 0").fetchall()
    true = connection.execute(
        "SELECT environment_id, user_id, team_id, project_id, status, count(*) FROM executions GROUP BY 1, 2, 3, 4, 5"
    ).fetchall()
    assert sorted(map(tuple, kept)) == sorted(map(tuple, true))
    return {(row[0], row[1], row[2], row[4]): row[5] for row in kept}
