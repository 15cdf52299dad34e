"""Running an execution again: its record, not the file as it is now, says what to run."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from core.executions.creation import NewExecution
from core.storage.checksums import Checksums
from core.storage.resolve import ResolvedInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.executions.execution import Execution, ExecutionInput
    from core.projects.service import Commit, Project
    from core.session import Session

NOTHING: Mapping[str, Any] = MappingProxyType({})


def copied(
    session: Session,
    execution: Execution,
    parameters: Mapping[str, object],
    inputs: Mapping[str, Sequence[str]],
    others: Mapping[str, Any] = NOTHING,
) -> tuple[Project, Commit, NewExecution]:
    """Return what to insert for a copy of `execution`, with some values and inputs replaced.

    `others` replaces what else was asked for, by name: environment, image, environment_variables, time_limit,
    restart_lost, title, tags and priority.

    Inputs that are not replaced keep the very files that they resolved to, whatever their aliases point to now, and
    the checksums of what their addresses held, where the original got as far as fetching them.
    """
    from core.projects.manifest import read_manifest  # noqa: PLC0415
    from core.projects.specification import specify  # noqa: PLC0415

    project = session.projects.by_id(execution.project_id)
    commit = session.projects.commit_by_id(execution.commit_id)
    kept = _kept_inputs(session, execution)
    specification = specify(
        read_manifest(commit.yaml, name=project.yaml_path),
        execution.step,
        parameters={**execution.parameters, **parameters},
        inputs={name: [file.requested for file in files] for name, files in kept.items()} | dict(inputs),
        environment=others.get("environment", execution.environment),
        image=others.get("image", execution.image),
        environment_variables=others.get("environment_variables", execution.environment_variables),
        time_limit=others.get("time_limit", execution.time_limit),
        restart_lost=others.get("restart_lost", _restarts(session, execution)),
    )
    specification = replace(specification, no_output_timeout=execution.no_output_timeout)
    resolved: dict[str, Sequence[ResolvedInput]] = {name: files for name, files in kept.items() if name not in inputs}
    if inputs:
        from core.storage.resolve import resolve  # noqa: PLC0415

        resolved |= {name: resolve(session, project, specification.inputs[name]) for name in inputs}
    title, tags = others.get("title", execution.title), tuple(others.get("tags", execution.tags))
    priority = others.get("priority", execution.priority)
    new = NewExecution(specification, resolved, title, tags, priority, execution.id)
    return project, commit, new


def _restarts(session: Session, execution: Execution) -> bool:
    query = "SELECT restart_lost FROM executions WHERE id = ?"
    return bool(session.read("execution.see").execute(query, (execution.id,)).fetchone()[0])


def _kept_inputs(session: Session, execution: Execution) -> dict[str, list[ResolvedInput]]:
    kept: dict[str, list[ResolvedInput]] = {}
    for file in session.executions.inputs(execution):
        kept.setdefault(file.name, []).append(_resolved(file))
    return kept


def _resolved(file: ExecutionInput) -> ResolvedInput:
    sums = None
    if file.size is not None and file.md5 and file.sha1 and file.sha256:
        sums = Checksums(file.size, file.md5, file.sha1, file.sha256)
    return ResolvedInput(file.requested, file.uri, file.path, file.file_id, sums)
