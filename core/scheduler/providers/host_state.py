"""Hosts and how many machines they have, as the rows say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.machines.host_address import read_address
from core.scheduler.engines.ssh_tunnel import Target

if TYPE_CHECKING:
    import sqlite3

_OF_STATE = "SELECT id FROM machines WHERE host_id = ? AND state = ? AND state != 'gone' ORDER BY id"


@dataclass(slots=True)
class HostState:
    """A host's row, how many machines are present in each state, and which those are that wait for something."""

    row: sqlite3.Row
    numbers: dict[str, int] = field(default_factory=dict)
    idle: list[int] = field(default_factory=list)
    starting: list[int] = field(default_factory=list)

    @property
    def id(self) -> int:
        """Its id."""
        return int(self.row["id"])

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.row["name"])

    @property
    def is_working(self) -> bool:
        """Whether a machine of it has work."""
        return bool(self.numbers.get("leased") or self.numbers.get("draining"))


def read_hosts(connection: sqlite3.Connection) -> list[HostState]:
    """Return every host of an environment that is there."""
    rows = connection.execute(
        "SELECT h.*, v.host_timeout, (SELECT s.updated_at FROM secrets s"
        " WHERE s.owner = 'hosts' AND s.owner_id = h.id AND s.field = 'private_key') AS key_at"
        " FROM hosts h JOIN environments v ON v.id = h.environment_id"
        " WHERE h.deleted_at IS NULL AND v.deleted_at IS NULL AND v.kind = 'hosts'"
    )
    hosts = {row["id"]: HostState(row) for row in rows}
    for host_id, state, number in connection.execute(
        "SELECT host_id, state, count(*) FROM machines INDEXED BY machines_host"
        " WHERE host_id IS NOT NULL AND state != 'gone' GROUP BY host_id, state"
    ):
        if host_id in hosts:
            hosts[host_id].numbers[state] = number
    for host in hosts.values():
        host.idle, host.starting = (
            [row["id"] for row in connection.execute(_OF_STATE, (host.id, state))] if host.numbers.get(state) else []
            for state in ("idle", "starting")
        )
    return list(hosts.values())


def target_of(row: sqlite3.Row) -> Target:
    """Return where a host is reached."""
    address = read_address(row["address"])
    return Target(row["id"], row["name"], address, row["docker_socket"], row["host_key"], row["key_at"] or 0.0)
