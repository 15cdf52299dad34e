"""Which executions used a file: the newest, for a description; the whole graph is the lineage's."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.session import Session
    from core.storage.files import File


class Use(NamedTuple):
    """An execution that has a file among its inputs."""

    execution_id: int
    counter: int
    step: str
    status: str
    ended_at: float | None


def uses(session: Session, file: File, *, limit: int = 20) -> Sequence[Use]:
    """Return the newest executions that have a file among their inputs."""
    rows = session.read("file.see").execute(
        "SELECT e.id, e.counter, e.step, e.status, e.ended_at FROM executions e WHERE e.id IN ("
        "SELECT DISTINCT execution_id FROM execution_inputs WHERE file_id = ? ORDER BY execution_id DESC LIMIT ?)"
        " ORDER BY e.id DESC",
        (file.id, limit),
    )
    return [Use(*row) for row in rows]
