"""What keeps hosts from being changed or removed, and what a change of one does and is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.errors import ConflictError
from core.machines.host_keys import fingerprint

if TYPE_CHECKING:
    import sqlite3

    from core.machines.host import Host
    from core.secrets import Secret

PRESENT_MACHINES = "SELECT id, state FROM machines WHERE host_id = ? AND state != 'gone' ORDER BY id DESC"


def why_kept(host: Host) -> str | None:
    """Return why a host cannot be removed now, None where it can."""
    if host.busy:
        runs = "1 machine works" if host.busy == 1 else f"{host.busy} machines work"
        return f"{runs} on host {host.name}: drain it, and remove it when it is empty"
    if host.command:
        return f"the {host.command} command of host {host.name} runs: wait for its end"
    return None


def refuse_taken(connection: sqlite3.Connection, but: int, name: str, address: str, docker_socket: str) -> None:
    """Refuse a name, or an engine, that another host has: its slots would be given out twice."""
    others = "SELECT name FROM hosts WHERE id != ? AND deleted_at IS NULL"
    if connection.execute(f"{others} AND name = ?", (but, name)).fetchone() is not None:
        message = f"there is a host {name!r} already"
        raise ConflictError(message, field="name")
    same = connection.execute(f"{others} AND address = ? AND docker_socket = ?", (but, address, docker_socket))
    if (other := same.fetchone()) is not None:
        message = f"the Docker Engine at {address} is host {other['name']!r} already: give that one more slots"
        raise ConflictError(message, field="address")


def drain_beyond(connection: sqlite3.Connection, host_id: int, slots: int, actor: int) -> None:
    """Let machines go that a host has no slots for any more, what runs nothing first; what runs goes on."""
    from core.scheduler import machines  # noqa: PLC0415

    rows = connection.execute(PRESENT_MACHINES, (host_id,)).fetchall()
    rows.sort(key=lambda row: ("draining", "starting", "idle", "leased").index(row["state"]))
    for row in rows[: max(len(rows) - slots, 0)]:
        machines.drain(connection, row["id"], actor)


def told_of(connection: sqlite3.Connection, row: sqlite3.Row, changed: dict[str, Any], secret: Secret | None) -> str:
    """Say what an edit changed, for the feed: keys by their fingerprints."""
    told = []
    for name, value in changed.items():
        if name == "environment_id":
            slug = connection.execute("SELECT slug FROM environments WHERE id = ?", (value,)).fetchone()[0]
            told.append(f"environment: {row['environment']} → {slug}")
        elif name == "host_key":
            told.append(f"host key: {fingerprint(row[name]) or 'none'} → {fingerprint(value) or 'none'}")
        elif name in ("start_command", "stop_command"):
            # They may hold a password, and everybody reads the feed.
            told.append(f"{name}: changed" if value else f"{name}: none")
        elif name != "public_key":
            told.append(f"{name}: {_plain(row[name])} → {_plain(value)}")
    if secret is not None:
        told.append("private key → another one")
    return "; ".join(told)


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value) or "none"
