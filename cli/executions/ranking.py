"""Executions sorted by a metadata key."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cli.executions.status import coloured
from cli.output import Column, note, print_json, print_list
from core.json_text import value_text
from core.quantities import age
from core.resources.fields import execution_fields

if TYPE_CHECKING:
    from core.projects.service import Project
    from core.session import Session


def print_ranking(
    session: Session, project: Project, key: str, *, ascending: bool, limit: int, as_json: bool, as_plain: bool
) -> None:
    """Print the executions that have the key, best first, with its value."""
    executions = session.executions.sorted_by_metadata(project, key, descending=not ascending, limit=limit)
    values = [session.executions.metadata_latest(execution)[key] for execution in executions]
    if as_json:
        print_json([execution_fields(e) | {"value": value} for e, value in zip(executions, values, strict=True)])
        return
    if not executions and not as_plain:
        note(f"no execution of {project.name!r} has the metadata key {key!r}")
        return
    now = time.time()
    columns = (Column("#", right=True), Column(key, right=True), Column("STATUS", style=coloured))
    rows = [
        (
            str(e.counter),
            f"{value:.6g}" if isinstance(value, float) else value_text(value),
            e.status,
            e.step,
            age(now - e.created_at),
        )
        for e, value in zip(executions, values, strict=True)
    ]
    print_list((*columns, Column("STEP", flexible=True), Column("AGE", right=True)), rows, plainly=as_plain)
