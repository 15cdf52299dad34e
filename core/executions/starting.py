"""Which code can run, and the start of an execution of it, from what a person chose."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from core.errors import NotFoundError, ShoalError
from core.projects.commits import Commit, latest_commits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from core.executions.execution import Execution
    from core.projects.findings import Finding
    from core.projects.manifest import Manifest
    from core.projects.service import Project
    from core.session import Session

OFFERED_COMMITS = 20


@dataclass(frozen=True, slots=True)
class Code:
    """Which code is meant: the directory as it is, a revision of its repository, or a commit that the project has."""

    kind: Literal["directory", "revision", "commit"]
    revision: str = "HEAD"
    commit: Commit | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """Where code can come from: `branch` None says that the directory is in no repository, `changed` counts files."""

    project: Project
    directory: Path | None
    branch: str | None
    changed: int
    commits: Sequence[Commit]


@dataclass(frozen=True, slots=True)
class Read:
    """The valohai.yaml of some code: `manifest` is None where it cannot be used, and `findings` say why."""

    manifest: Manifest | None
    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run: what `specify` takes, and what people call it. Inputs are as a person names them."""

    step: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    environment: str | None = None
    image: str | None = None
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    time_limit: float | None = None
    restart_lost: bool | None = None
    title: str | None = None
    tags: Sequence[str] = ()
    priority: int = 0

    @property
    def options(self) -> dict[str, Any]:
        """What `specify` takes beside the step and its inputs."""
        return {
            "parameters": self.parameters,
            "environment": self.environment,
            "image": self.image,
            "environment_variables": self.environment_variables,
            "time_limit": self.time_limit,
            "restart_lost": self.restart_lost,
        }

    @property
    def labels(self) -> dict[str, Any]:
        """What `Executions.create` takes beside the specification."""
        return {"title": self.title, "tags": self.tags, "priority": self.priority}


def sources(session: Session, project: Project, directory: Path | None) -> Sources:
    """Look at where the code of a project can come from."""
    session.require("project.see")
    branch, changed = _repository(directory) if directory is not None else (None, 0)
    return Sources(project, directory, branch, changed, latest_commits(session, project, OFFERED_COMMITS))


def _repository(directory: Path) -> tuple[str | None, int]:
    from core.projects.git import changed_files, git  # noqa: PLC0415

    try:
        branch = git(directory, "rev-parse", "--abbrev-ref", "HEAD").decode(errors="replace").strip()
        return branch, changed_files(directory)
    except ShoalError:
        return None, 0


def read_code(session: Session, project: Project, directory: Path | None, code: Code) -> Read:
    """Read and check the valohai.yaml of some code.

    Raises:
        NotFoundError: it has none, or there is no such revision.
        UnavailableError: it cannot be read.
    """
    from core.projects.lint import check  # noqa: PLC0415 - the library is slow to import
    from core.projects.manifest import Manifest  # noqa: PLC0415

    session.require("project.see")
    checked = check(_yaml(project, directory, code))
    if checked.config is None:
        return Read(None, checked.findings)
    manifest = Manifest(checked.text, checked.config, checked.findings, name=project.yaml_path)
    return Read(manifest, checked.findings)


def _yaml(project: Project, directory: Path | None, code: Code) -> str | bytes:
    if code.commit is not None:
        return code.commit.yaml
    if directory is None:
        message = f"no directory of this machine is linked to project {project.name!r}: choose a commit that it has"
        raise NotFoundError(message, field="code")
    if code.kind == "revision":
        from core.projects.git_code import yaml_of  # noqa: PLC0415

        return yaml_of(directory, code.revision, project.yaml_path)
    from core.projects.yaml_document import MAXIMUM_BYTES  # noqa: PLC0415

    try:
        with (directory / project.yaml_path).open("rb") as stream:
            return stream.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        message = f"{directory / project.yaml_path} cannot be read ({error.strerror}): write one with `shoal init`"
        raise NotFoundError(message, field="code") from error


def start(
    session: Session,
    project: Project,
    directory: Path | None,
    code: Code,
    order: Order,
    progress: Callable[[str, int, int], None] | None = None,
) -> Execution:
    """Create an execution: all is checked first, then files are uploaded and the code is packed, then it is written.

    `progress` gets what is being done, its bytes done and its bytes in all.

    Raises:
        ShoalError: names the field that is wrong; no execution was created.
    """
    from core.projects.manifest import ManifestError, read_manifest  # noqa: PLC0415
    from core.projects.specification import specify  # noqa: PLC0415
    from core.storage.given_inputs import addresses  # noqa: PLC0415

    read = read_code(session, project, directory, code)
    if read.manifest is None:
        raise ManifestError(project.yaml_path, [*read.findings])
    session.executions.check(
        project, specify(read.manifest, order.step, inputs=order.inputs, **order.options), **order.labels
    )
    inputs = addresses(session, project, order.inputs, directory, progress)
    commit = _commit(session, project, directory, code, progress)
    manifest = read_manifest(commit.yaml, name=project.yaml_path)
    specification = specify(manifest, order.step, inputs=inputs, **order.options)
    return session.executions.create(project, commit, specification, **order.labels)


def _commit(
    session: Session,
    project: Project,
    directory: Path | None,
    code: Code,
    progress: Callable[[str, int, int], None] | None,
) -> Commit:
    if code.commit is not None:
        return code.commit
    if directory is None:
        message = f"no directory of this machine is linked to project {project.name!r}: choose a commit that it has"
        raise NotFoundError(message, field="code")
    if code.kind == "revision":
        return session.projects.commit(project, directory, code.revision)

    def packing(done: int, total: int) -> None:
        if progress is not None:
            progress("packing the directory", done, total)

    return session.projects.commit_working_tree(project, directory, packing)
