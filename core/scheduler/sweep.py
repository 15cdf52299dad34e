"""Removes what earlier schedulers left behind: containers and directories of attempts that are closed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from core.scheduler.attempts import container_name
from core.scheduler.workplace import Workplace

if TYPE_CHECKING:
    from core.scheduler.engines.engine import Engine
    from core.session import Session

logger = logging.getLogger(__name__)


def instance_of(session: Session) -> str:
    """Return the short name that this installation's containers carry: the random end of the organization's id."""
    row = session.read("organization.see").execute("SELECT uuid FROM organizations ORDER BY id LIMIT 1").fetchone()
    return str(row["uuid"])[-8:]


def sweep(session: Session, engine: Engine, instance: str) -> None:
    """Remove containers and directories of closed attempts; what no row knows of is reported and left alone.

    A container without a row belongs to a database that was restored from before it: only a person can say what it is.
    """
    rows = session.read("execution.run").execute(
        "SELECT execution_id, number, state FROM attempts WHERE state = 'closed'"
    )
    closed = {container_name(instance, row["execution_id"], row["number"]) for row in rows}
    rows = session.read("execution.run").execute("SELECT execution_id, number FROM attempts WHERE state != 'closed'")
    open_ = {container_name(instance, row["execution_id"], row["number"]) for row in rows}
    for name in engine.names(f"shoal.instance={instance}"):
        if name in closed:
            engine.forget(name)
        elif name not in open_:
            logger.warning(
                "container %s is of this Shoal, but no execution here has it: remove it if you know it", name
            )
    for directory in session.home.attempts.iterdir():
        if directory.name not in open_:
            Workplace(directory).remove()
