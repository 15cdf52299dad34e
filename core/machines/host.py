"""A host as its row says it is, and what may be set of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

from core.environments.settings import LIMITS
from core.environments.values import whole
from core.errors import InvalidInputError
from core.machines.host_address import DEFAULT_SOCKET, read_address, read_socket
from core.machines.host_keys import fingerprint, read_host_key
from core.quantities import read_seconds

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from core.scheduler.engines.ssh_tunnel import Health

MOST_SLOTS = 1000
LONGEST_COMMAND = 2000
LONGEST_TIMEOUT = 86400.0

SELECT = """
    SELECT h.*, v.slug AS environment,
        EXISTS (SELECT 1 FROM secrets s
            WHERE s.owner = 'hosts' AND s.owner_id = h.id AND s.field = 'private_key') AS has_private_key,
        (SELECT count(*) FROM machines m WHERE m.host_id = h.id AND m.state != 'gone') AS machines,
        (SELECT count(*) FROM machines m WHERE m.host_id = h.id AND m.state != 'gone'
            AND m.state IN ('leased', 'draining')) AS busy,
        (SELECT c.kind FROM host_commands c WHERE c.host_id = h.id AND c.ended_at IS NULL) AS command
    FROM hosts h JOIN environments v ON v.id = h.environment_id WHERE h.deleted_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Host:
    """One host. `machines` are present on it, `busy` ones run something; `command` runs for it now, if one does."""

    id: int
    uuid: str
    environment: str
    name: str
    address: str
    docker_socket: str
    host_key: str
    offered_key: str
    public_key: str
    has_private_key: bool
    start_command: str
    stop_command: str
    command_timeout: float
    slots: int
    gpu_devices: str
    cordoned: bool
    health: Health
    health_at: float | None
    health_detail: str
    failures: int
    failed_at: float | None
    failure: str
    machines: int
    busy: int
    command: str | None
    version: int
    created_at: float

    @property
    def fingerprint(self) -> str:
        """The pinned key as people compare it."""
        return fingerprint(self.host_key)

    @property
    def offered_fingerprint(self) -> str:
        """The key that it showed last, where that is not the pinned one."""
        return "" if self.offered_key == self.host_key else fingerprint(self.offered_key)


def from_row(row: sqlite3.Row) -> Host:
    """Return the host of a row of `SELECT`."""
    values = {field.name: row[field.name] for field in fields(Host)}
    for name in ("has_private_key", "cordoned"):
        values[name] = bool(values[name])
    return Host(**values)


class HostSetting(NamedTuple):
    """One thing that can be set: how its text is read, what it means, and what it is where nothing is said."""

    read: Callable[[str], Any]
    meaning: str
    default: str = ""


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", text, re.ASCII):
        raise ValueError
    return text


def _command(text: str) -> str:
    if len(text) > LONGEST_COMMAND or not text.isprintable():
        raise ValueError
    return text.strip()


def _timeout(text: str) -> float:
    seconds = read_seconds(text)
    if not 1 <= seconds <= LONGEST_TIMEOUT:
        raise ValueError
    return seconds


def _slots(text: str) -> int:
    return whole(1, MOST_SLOTS)(text)


SETTINGS: dict[str, HostSetting] = {
    "name": HostSetting(_name, "how it is called here: letters, digits and ._-, at most 63"),
    "address": HostSetting(lambda text: str(read_address(text)), "where it is reached: ssh://user@gpu-2:22"),
    "docker_socket": HostSetting(read_socket, "the path of its Docker Engine's socket over there", DEFAULT_SOCKET),
    "host_key": HostSetting(
        lambda text: read_host_key(text) if text else "", "the key that it has to show, as `ssh-keyscan` prints it"
    ),
    "start_command": HostSetting(
        _command, f"what brings it up, for `sh -c`, such as `wakeonlan 00:…`: one line, at most {LONGEST_COMMAND}"
    ),
    "stop_command": HostSetting(
        _command, f"what brings it down when its last machine has left: one line, at most {LONGEST_COMMAND}"
    ),
    "command_timeout": HostSetting(_timeout, "how long a command may take, from 1s to 1d: 90s, 5m", "2m"),
    "slots": HostSetting(_slots, f"how many machines it gives, from 1 to {MOST_SLOTS}", "1"),
    "gpu_devices": HostSetting(LIMITS["gpu_devices"].read, "its GPUs as Docker calls them, such as 0 1 or GPU-8f…"),
}


def read_setting(name: str, text: str) -> Any:  # noqa: ANN401 - the type is that of the Host's attribute
    """Return the value of a setting that a text gives.

    Raises:
        InvalidInputError: there is no such setting, or it does not take the text.
    """
    setting = SETTINGS.get(name)
    if setting is None:
        message = f"a host has no {name!r}: it has {', '.join(SETTINGS)}"
        raise InvalidInputError(message, field=name)
    try:
        return setting.read(text)
    except (ValueError, OverflowError) as error:
        message = f"{name} cannot be {text!r:.120}: it is {setting.meaning}"
        raise InvalidInputError(message, field=name) from error
