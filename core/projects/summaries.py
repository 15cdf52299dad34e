"""All projects at a glance: how many executions each has, and which directories are linked to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.projects.service import Project
    from core.session import Session


@dataclass(frozen=True, slots=True)
class ProjectSummary:
    """A project, its executions by status, its directories, and what its default environment and team are called."""

    project: Project
    counts: Mapping[str, int]
    directories: Sequence[str]
    environment: str
    team: str = ""
    creator: str = ""

    def number(self, *statuses: str) -> int:
        """Return how many executions are in one of these statuses; without any, all of them."""
        return sum(number for status, number in self.counts.items() if not statuses or status in statuses)


def summaries(session: Session) -> Sequence[ProjectSummary]:
    """Return every project of the organization, by name."""
    connection = session.read("project.see")
    counts: dict[int, dict[str, int]] = {}
    for project, status, number in connection.execute(
        "SELECT project_id, status, sum(number) FROM execution_counts GROUP BY project_id, status"
    ):
        counts.setdefault(project, {})[status] = number
    directories: dict[int, list[str]] = {}
    for directory, project in connection.execute("SELECT * FROM project_directories ORDER BY directory"):
        directories.setdefault(project, []).append(directory)
    slugs = {row["id"]: row["slug"] for row in connection.execute("SELECT id, slug FROM environments")}
    teams = dict(map(tuple, connection.execute("SELECT id, name FROM teams")))
    people = dict(map(tuple, connection.execute("SELECT id, name FROM users")))
    return [
        ProjectSummary(
            project,
            counts.get(project.id, {}),
            directories.get(project.id, ()),
            slugs.get(project.default_environment_id, ""),
            teams.get(project.team_id, ""),
            people.get(project.creator_id, ""),
        )
        for project in session.projects.list()
    ]


def summary(session: Session, project: Project) -> ProjectSummary:
    """Return one project."""
    return next(each for each in summaries(session) if each.project.id == project.id)
