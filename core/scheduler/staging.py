"""Brings everything that a container needs to where it will see it; each step may be repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import yaml

from core.projects.code import unpack
from core.projects.script import script
from core.scheduler.container import config_files
from core.storage.checksums import Checksums
from core.storage.stage import StagedInput, stage

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from core.environments.environment import Environment
    from core.executions.execution import Execution, ExecutionInput
    from core.projects.service import Commit, Project
    from core.scheduler.workplace import Workplace
    from core.session import Session
    from core.storage.stage import StagedFile

_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def code_tree(session: Session, commit: Commit) -> Path:
    """Return the unpacked code of a commit, unpacking it at its first use."""
    tree = session.home.cache / "code" / commit.archive.name.removesuffix(".tar.gz")
    if not tree.exists():
        tree.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unpack(commit.archive, tree)
    return tree


def full_script(execution: Execution, project: Project) -> str:
    """Return the script that an execution runs."""
    return script(execution.command, "and" if project.command_joiner == "and" else "newline")


def stage_inputs(
    session: Session,
    execution: Execution,
    workplace: Workplace,
    report: Callable[[str], None],
    stopped: Callable[[], bool],
) -> Sequence[StagedFile]:
    """Place the input files and write their checksums down."""
    inputs = session.executions.inputs(execution)
    if not inputs:
        return []
    wanted = [_staged_input(session, file) for file in inputs]
    bypass = execution.environment_variables.get("VH_NO_DATA_CACHE", "").lower() in ("1", "yes", "true")
    staged = stage(session, wanted, workplace.inputs, report=report, stopped=stopped, bypass_cache=bypass)
    with session.write("execution.run") as connection:
        _record(connection, execution.id, staged)
    return staged


def _staged_input(session: Session, file: ExecutionInput) -> StagedInput:
    expected = None
    if file.file_id is not None:
        expected = session.files.by_id(file.file_id).checksums
    elif file.size is not None and file.md5 and file.sha1 and file.sha256:
        # A copy, or another try: the very content that the first one had.
        expected = Checksums(file.size, file.md5, file.sha1, file.sha256)
    return StagedInput(file.name, file.position, file.uri, file.path, file.file_id, expected)


def _record(connection: sqlite3.Connection, execution_id: int, staged: Sequence[StagedFile]) -> None:
    connection.executemany(
        "UPDATE execution_inputs SET size = ?, md5 = ?, sha1 = ?, sha256 = ?"
        " WHERE execution_id = ? AND name = ? AND position = ?",
        [(file.size, file.md5, file.sha1, file.sha256, execution_id, file.name, file.position) for file in staged],
    )


def write_config(
    session: Session, execution: Execution, project: Project, environment: Environment, workplace: Workplace
) -> None:
    """Write the files of /valohai/config, each as JSON and as YAML."""
    organization = (
        session.read("organization.see")
        .execute("SELECT name FROM organizations WHERE id = ?", (project.organization_id,))
        .fetchone()[0]
    )
    contents = config_files(execution, project, organization, environment, _inputs_file(session, execution))
    for name, content in contents.items():
        _write(workplace.config / f"{name}.json", orjson.dumps(content, option=orjson.OPT_INDENT_2))
        _write(workplace.config / f"{name}.yaml", yaml.dump(content, Dumper=_DUMPER, encoding="utf-8", sort_keys=False))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o644)


def _inputs_file(session: Session, execution: Execution) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    for file in session.executions.inputs(execution):
        known = session.files.by_id(file.file_id) if file.file_id is not None else None
        entry = {
            "name": file.path,
            "path": f"/valohai/inputs/{file.name}/{file.path}",
            "size": file.size,
            "uri": file.uri,
            "metadata": [known.properties] if known and known.properties else [],
            "checksums": {"md5": file.md5, "sha1": file.sha1, "sha256": file.sha256},
        }
        if known is not None:
            entry["datum_id"] = known.uuid
        inputs.setdefault(file.name, {"files": []})["files"].append(entry)
    return inputs
