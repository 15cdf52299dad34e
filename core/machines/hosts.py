"""Hosts: Docker Engines of an environment that are reached over SSH."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from core.edit_conflicts import refuse_unseen
from core.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from core.machines.host import SELECT, SETTINGS, Host, from_row, read_setting
from core.machines.host_address import read_address
from core.machines.host_keys import fetch_host_key, fingerprint, make_private_key, public_key, read_private_key
from core.machines.host_rules import PRESENT_MACHINES, drain_beyond, refuse_taken, told_of, why_kept
from core.secrets import Secrets
from core.text import some_of
from data.changes import record
from data.identifiers import new_identifier

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from core.secrets import Secret
    from core.session import Session

OWNER, KEY = "hosts", "private_key"
HIDDEN = "(for admins)"


class CommandRun(NamedTuple):
    """One run of a start or stop command; `exit_code` is None while it runs, and where the scheduler ended under it."""

    id: int
    kind: str
    began_at: float
    ended_at: float | None
    exit_code: int | None
    output: str


class Hosts:
    """Reads and changes hosts."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._secrets = Secrets(session.database, session.home)

    def list(self) -> Sequence[Host]:
        """Return every host, by name."""
        rows = self._session.read("host.see").execute(f"{SELECT} ORDER BY h.name")
        return [self._shown(from_row(row)) for row in rows]

    def get(self, reference: str) -> Host:
        """Return the host with this name or uuid.

        Raises:
            NotFoundError: there is none; the message says which there are.
        """
        row = (
            self._session.read("host.see")
            .execute(f"{SELECT} AND (h.name = ? OR h.uuid = ?)", (reference, reference))
            .fetchone()
        )
        if row is None:
            names = some_of([host.name for host in self.list()]) or "none yet"
            message = f"there is no host {reference!r:.120}; hosts: {names}"
            raise NotFoundError(message, field="host")
        return self._shown(from_row(row))

    def commands(self, host: Host, limit: int = 20) -> Sequence[CommandRun]:
        """Return the last runs of its commands, newest first; what they printed is for who may change them."""
        rows = self._session.read("host.see").execute(
            "SELECT id, kind, began_at, ended_at, exit_code, output FROM host_commands"
            " WHERE host_id = ? ORDER BY id DESC LIMIT ?",
            (host.id, limit),
        )
        runs = [CommandRun(*row) for row in rows]
        return runs if self._may_change else [run._replace(output="") for run in runs]

    def create(self, name: str, environment: str, address: str, *, private_key: str = "", **settings: str) -> Host:
        """Add a host to an environment of kind `hosts`. Without a private key a pair is made for it.

        Raises:
            InvalidInputError: names the setting that is wrong; nothing was done.
            ConflictError: there is a host of that name.
        """
        self._session.require("host.edit")
        values = {key: read_setting(key, setting.default) for key, setting in SETTINGS.items() if setting.default}
        values |= _read({"name": name, "address": address, **settings})
        environment_id = self._environment_id(environment)
        secret = read_private_key(private_key) if private_key else make_private_key()
        values["public_key"] = public_key(secret)
        key = self._secrets.sealing_key()
        with self._session.write("host.edit") as connection:
            refuse_taken(connection, 0, values["name"], values["address"], values["docker_socket"])
            columns = ["uuid", "environment_id", "created_at", *values]
            bound = (new_identifier(), environment_id, time.time(), *values.values())
            cursor = connection.execute(
                f"INSERT INTO hosts ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",  # noqa: S608
                bound,
            )
            host_id = cursor.lastrowid or 0
            self._secrets.put(connection, OWNER, host_id, KEY, secret, key)
            record(connection, self._session.actor.id, "host", host_id, "created")
        return self.get(values["name"])

    def set(
        self, host: Host, *, seen: int | None = None, environment: str = "", private_key: str = "", **settings: str
    ) -> Host:
        """Change settings, given as text; what runs there goes on. Who saw the host before says which version: `seen`.

        Raises:
            InvalidInputError: names the setting that is wrong; nothing was changed.
            ConflictError: somebody changed it since that version, or machines keep it; nothing was changed.
        """
        self._session.require("host.edit")
        values = _read(settings)
        if environment:
            values["environment_id"] = self._environment_id(environment)
        secret = read_private_key(private_key) if private_key else None
        key = None
        if secret is not None:
            values["public_key"] = public_key(secret)
            key = self._secrets.sealing_key()
        with self._session.write("host.edit") as connection:
            self._change(connection, host, values, secret, seen)
            if secret is not None and key is not None:
                self._secrets.put(connection, OWNER, host.id, KEY, secret, key)
        return self.get(values.get("name", host.name))

    def fetch_key(self, host: Host) -> Host:
        """Ask a host for its key and keep it as the one that it offers; it is not trusted until `pin`.

        Raises:
            UnavailableError: it shows none.
        """
        self._session.require("host.edit")
        key = fetch_host_key(read_address(host.address))
        with self._session.write("host.edit") as connection:
            connection.execute("UPDATE hosts SET offered_key = ? WHERE id = ?", (key, host.id))
            record(connection, self._session.actor.id, "host", host.id, f"showed the key {fingerprint(key)}")
        return self.get(host.uuid)

    def pin(self, host: Host, shown: str) -> Host:
        """Trust the key that a host offers, of which somebody was shown the fingerprint `shown`.

        Raises:
            ConflictError: it offers none, or meanwhile another one.
        """
        offered = self.get(host.uuid)
        if not offered.offered_key:
            message = f"host {host.name} has shown no key yet: fetch it first"
            raise ConflictError(message, field="host_key")
        if fingerprint(offered.offered_key) != shown:
            message = f"host {host.name} shows another key meanwhile: look at it again"
            raise ConflictError(message, field="host_key")
        return self.set(offered, host_key=offered.offered_key)

    def test(self, host: Host) -> str:
        """Log in to a host and ask its Docker Engine what it is; return that in a sentence.

        Raises:
            UnavailableError: says what keeps it from being used.
        """
        from core.scheduler.engines.docker import DockerEngine  # noqa: PLC0415 - a list reaches no host
        from core.scheduler.engines.ssh_tunnel import HostError, SshTunnel, Target, socket_address  # noqa: PLC0415

        connection = self._session.read("host.edit")
        secret = self._secrets.get(connection, OWNER, host.id, KEY)
        if secret is None:
            message = f"host {host.name} has no private key: give it one"
            raise UnavailableError(message, field=KEY)
        target = Target(host.id, host.name, read_address(host.address), host.docker_socket, host.host_key)
        with tempfile.TemporaryDirectory(prefix="shoal-") as directory:
            tunnel = SshTunnel(Path(directory), target, secret)
            try:
                tunnel.open()
                tunnel.check()
                engine = DockerEngine(f"unix://{socket_address(tunnel.socket)}")
                information = engine.information()
                engine.close()
            except HostError as error:
                message = f"host {host.name} {error.detail}"
                raise UnavailableError(message, field="host") from error
            finally:
                tunnel.close()
        gib = information.memory / 1024**3
        return f"host {host.name} answers: Docker {information.version}, {information.cpus} CPUs, {gib:.0f} GiB"

    def cordon(self, host: Host) -> None:
        """Let a host take no new work; what runs there goes on."""
        self._flag(host, on=True)

    def uncordon(self, host: Host) -> None:
        """Let a host take work again."""
        self._flag(host, on=False)

    def drain(self, host: Host) -> None:
        """Let a host take no new work, and its machines go as they become empty."""
        from core.scheduler import machines  # noqa: PLC0415 - a list drains nothing

        self._flag(host, on=True)
        with self._session.write("host.edit") as connection:
            for row in connection.execute(PRESENT_MACHINES, (host.id,)).fetchall():
                machines.drain(connection, row["id"], self._session.actor.id)

    def delete(self, host: Host) -> None:
        """Take a host away, with its key; its idle machines leave.

        Raises:
            ConflictError: something runs there, or it is being started or stopped.
        """
        from core.scheduler import machines  # noqa: PLC0415

        with self._session.write("host.edit") as connection:
            row = connection.execute(f"{SELECT} AND h.id = ?", (host.id,)).fetchone()
            if row is None:
                message = f"host {host.name} was removed already"
                raise NotFoundError(message, field="host")
            if reason := why_kept(from_row(row)):
                raise ConflictError(reason, field="host")
            for machine in connection.execute(PRESENT_MACHINES, (host.id,)).fetchall():
                machines.vanish(connection, machine["id"], "its host was removed")
            connection.execute("UPDATE hosts SET deleted_at = ? WHERE id = ?", (time.time(), host.id))
            self._secrets.drop(connection, OWNER, host.id)
            record(connection, self._session.actor.id, "host", host.id, "removed")

    def _environment_id(self, reference: str) -> int:
        environment = self._session.environments.get(reference)
        if environment.kind != "hosts":
            message = (
                f"environment {environment.slug!r} is of machines of this box: a host belongs to one of kind hosts"
                " (`shoal environments create NAME --kind hosts`)"
            )
            raise InvalidInputError(message, field="environment")
        return environment.id

    def _change(
        self,
        connection: sqlite3.Connection,
        host: Host,
        values: dict[str, Any],
        secret: Secret | None,
        seen: int | None,
    ) -> None:
        row = connection.execute(f"{SELECT} AND h.id = ?", (host.id,)).fetchone()
        if row is None:
            message = f"host {host.name} was removed meanwhile"
            raise NotFoundError(message, field="host")
        refuse_unseen(connection, "host", host.id, seen=seen, version=row["version"])
        changed = {name: value for name, value in values.items() if row[name] != value}
        if not changed and secret is None:
            return
        if {"name", "address", "docker_socket"} & {*changed}:
            refuse_taken(
                connection, host.id, *(changed.get(name, row[name]) for name in ("name", "address", "docker_socket"))
            )
        if "environment_id" in changed and row["machines"]:
            message = f"host {host.name} has machines of {row['environment']}: drain it first, then move it"
            raise ConflictError(message, field="environment")
        # A host that was mended is tried again at once.
        assignments = "".join(f"{name} = ?, " for name in changed)
        connection.execute(
            f"UPDATE hosts SET {assignments}failures = 0, failed_at = NULL, failure = '', version = version + 1"  # noqa: S608
            " WHERE id = ?",
            (*changed.values(), host.id),
        )
        record(connection, self._session.actor.id, "host", host.id, told_of(connection, row, changed, secret))
        if "slots" in changed:
            drain_beyond(connection, host.id, changed["slots"], self._session.actor.id)

    @property
    def _may_change(self) -> bool:
        return self._session.can("host.edit") is None

    def _shown(self, host: Host) -> Host:
        """Leave out the commands for whoever may not change them: they may hold a password."""
        if self._may_change:
            return host
        start, stop = (command and HIDDEN for command in (host.start_command, host.stop_command))
        return replace(host, start_command=start, stop_command=stop)

    def _flag(self, host: Host, *, on: bool) -> None:
        from core.scheduler import machines  # noqa: PLC0415

        with self._session.write("host.edit") as connection:
            cursor = connection.execute(
                "UPDATE hosts SET cordoned = ? WHERE id = ? AND cordoned != ? AND deleted_at IS NULL", (on, host.id, on)
            )
            if cursor.rowcount:
                record(connection, self._session.actor.id, "host", host.id, "cordoned" if on else "uncordoned")
            for row in connection.execute(PRESENT_MACHINES, (host.id,)).fetchall():
                machines.cordon(connection, row["id"], on=on, actor=self._session.actor.id)
            if not on:
                slots = connection.execute("SELECT slots FROM hosts WHERE id = ?", (host.id,)).fetchone()[0]
                drain_beyond(connection, host.id, slots, self._session.actor.id)


def _read(settings: dict[str, str]) -> dict[str, Any]:
    return {name: read_setting(name, text) for name, text in settings.items()}
