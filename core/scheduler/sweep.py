"""Removes what earlier schedulers left behind: containers and directories of attempts that are closed."""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

import orjson

from core.scheduler.attempts import container_name
from core.scheduler.engines.engine import RefusedError
from core.scheduler.workplace import Workplace

if TYPE_CHECKING:
    from core.scheduler.engines.engine import Engine
    from core.session import Session

_NAME = re.compile(r"-([0-9a-f]{32})-([0-9]+)(-[a-z]+)?$")
logger = logging.getLogger(__name__)


def instance_of(session: Session) -> str:
    """Return the short name that this installation's containers carry: the random end of the organization's id."""
    row = session.read("organization.see").execute("SELECT uuid FROM organizations ORDER BY id LIMIT 1").fetchone()
    return str(row["uuid"])[-8:]


def sweep(session: Session, engine: Engine, instance: str) -> None:
    """Remove an engine's containers and volumes of closed attempts, running or not; what no row knows of is left alone.

    A host that comes back may still run what was given up meanwhile: it is ended here, and nothing is taken of it. A
    container without a row belongs to a database that was restored from before it: only a person can say what it is.
    """
    label = f"shoal.instance={instance}"
    containers, volumes = engine.names(label), engine.volumes(label)
    states = _states(session, instance, {*containers, *volumes})
    for name in containers:
        state = states.get(_attempt(name))
        if state == "closed":
            try:
                engine.forget(name)
            except RefusedError as error:
                logger.warning("container %s is left for the next sweep: %s", name, error)
        elif state is None:
            logger.warning(
                "container %s is of this Shoal, but no execution here has it: remove it if you know it", name
            )
    for name in volumes:
        if states.get(_attempt(name)) == "closed":
            with suppress(RefusedError):
                engine.remove_volume(name)


def sweep_directories(session: Session, instance: str) -> None:
    """Remove this machine's directories of attempts that are closed or that no row knows of."""
    directories = [directory.name for directory in session.home.attempts.iterdir()]
    states = _states(session, instance, set(directories))
    for name in directories:
        if states.get(name, "closed") == "closed":
            Workplace(session.home.attempts / name, {}).remove()


def _attempt(name: str) -> str:
    """Return the name of the attempt that a container or volume goes with: theirs may have a word more."""
    match = _NAME.search(name)
    return name[: match.end(2)] if match else name


def _states(session: Session, instance: str, names: set[str]) -> dict[str, str]:
    """Return the states of the attempts that have these names; nothing is looked at but what they name."""
    uuids = [str(UUID(match[1])) for name in names if (match := _NAME.search(name))]
    rows = session.read("execution.run").execute(
        "SELECT e.uuid, a.number, a.state FROM json_each(?) j CROSS JOIN executions e ON e.uuid = j.value"
        " CROSS JOIN attempts a ON a.execution_id = e.id",
        (orjson.dumps(uuids).decode(),),
    )
    return {container_name(instance, row["uuid"], row["number"]): row["state"] for row in rows}
