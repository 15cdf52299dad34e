"""What the settings of an environment have to be to each other, and to those of all others."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from core.environments.values import gpu_list
from core.errors import ConflictError, InvalidInputError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from core.environments.environment import Environment


def check(connection: sqlite3.Connection, environment: Environment, changed: Collection[str]) -> None:
    """Look at an environment as it would be with new values for what `changed`.

    What nobody changes is left alone: a box that lost a CPU must not keep its limits from being lowered.

    Raises:
        InvalidInputError: names the limit that does not go with another.
        ConflictError: another environment has that name.
    """
    if environment.minimum_scale > environment.maximum_scale:
        message = f"minimum_scale would be above maximum_scale ({environment.maximum_scale}): change both"
        raise InvalidInputError(message, field="minimum_scale")
    if "cpus" in changed:
        _check_cpus(environment)
    if {"gpu_devices", "gpus_per_machine"} & {*changed}:
        _check_gpus(environment, changed)
    if {"access", "teams"} & {*changed} and environment.access == "teams":
        _check_teams(environment)
    if "aliases" in changed:
        _check_aliases(connection, environment)


def check_slug(connection: sqlite3.Connection, slug: str) -> None:
    """Look whether a slug is still to be had.

    Raises:
        ConflictError: an environment is called so, or has it as another name.
    """
    if owner := _owner(connection, slug, 0):
        message = f"there is an environment {slug!r} already" if owner == slug else f"{slug!r} means {owner!r} already"
        raise ConflictError(message, field="slug")


def _check_cpus(environment: Environment) -> None:
    # Docker makes no container with more CPUs than the box has.
    here = os.cpu_count() or 1
    if environment.kind == "local" and environment.cpus is not None and environment.cpus > here:
        message = f"cpus cannot be {environment.cpus:g}: this box has {here}"
        raise InvalidInputError(message, field="cpus")


def _check_gpus(environment: Environment, changed: Collection[str]) -> None:
    devices, each = len(gpu_list(environment.gpu_devices)), environment.gpus_per_machine
    if environment.kind == "hosts":
        if devices:
            message = "gpu_devices are those of this box: name a host's at the host"
            raise InvalidInputError(message, field="gpu_devices")
        return
    if devices and not each:
        message = f"{devices} GPUs are named: say in gpus_per_machine how many of them one machine has"
        raise InvalidInputError(message, field="gpus_per_machine")
    if each and (not devices or devices % each):
        message = f"{devices} GPUs cannot be given out {each} a machine: name as many as all machines have together"
        raise InvalidInputError(message, field="gpus_per_machine" if "gpus_per_machine" in changed else "gpu_devices")


def _check_teams(environment: Environment) -> None:
    if not any(each.quota != 0 for each in environment.teams):
        message = "access is for teams, but no team may use a machine: name one in teams"
        raise InvalidInputError(message, field="teams")


def _check_aliases(connection: sqlite3.Connection, environment: Environment) -> None:
    for alias in environment.aliases:
        if alias in (environment.slug, environment.uuid):
            message = f"{alias!r} is what it is called already: leave it out of the aliases"
            raise InvalidInputError(message, field="aliases")
        if owner := _owner(connection, alias, environment.id):
            message = (
                f"another environment is called {alias!r} itself"
                if owner == alias
                else f"{alias!r} means the environment {owner!r} already: take it away there first"
            )
            raise InvalidInputError(message, field="aliases")


def _owner(connection: sqlite3.Connection, name: str, but: int) -> str | None:
    row = connection.execute(
        "SELECT slug FROM environments WHERE deleted_at IS NULL AND id != :but AND (slug = :name OR uuid = :name"
        " OR id = (SELECT environment_id FROM environment_aliases WHERE alias = :name)) LIMIT 1",
        {"name": name, "but": but},
    ).fetchone()
    return None if row is None else str(row["slug"])


def team_ids(connection: sqlite3.Connection, organization: int, environment: Environment) -> dict[str, int]:
    """Return the ids of the teams that an environment names.

    Raises:
        InvalidInputError: there is no such team; the message says which there are.
    """
    names = [each.team for each in environment.teams]
    found = dict(
        tuple(row)
        for row in connection.execute(
            "SELECT name, id FROM teams WHERE organization_id = ? AND name IN (SELECT value FROM json_each(?))",
            (organization, json.dumps(names)),
        )
    )
    for name in names:
        if name not in found:
            known = connection.execute(
                "SELECT name FROM teams WHERE organization_id = ? ORDER BY name LIMIT 20", (organization,)
            ).fetchall()
            there = ", ".join(row["name"] for row in known) or "none: `shoal teams add NAME` makes one"
            message = f"there is no team {name!r:.120}; teams: {there}"
            raise InvalidInputError(message, field="teams")
    return found
