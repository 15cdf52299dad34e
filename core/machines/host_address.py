"""Where a host is reached: `ssh://user@name:port`, and what may stand in it."""

from __future__ import annotations

import re
from typing import NamedTuple

from core.errors import InvalidInputError

_USER = r"[A-Za-z_][A-Za-z0-9._-]{0,63}"
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})"
_IPV6 = r"\[[0-9A-Fa-f:.]{2,45}\]"
_ADDRESS = re.compile(rf"ssh://(?:({_USER})@)?({_NAME}|{_IPV6})(?::([0-9]{{1,5}}))?/?", re.ASCII)
_SOCKET = re.compile(r"/[A-Za-z0-9._/@+-]{1,106}", re.ASCII)

DEFAULT_SOCKET = "/var/run/docker.sock"


class HostAddress(NamedTuple):
    """Whom to log in as, where: `host` is a name or an address, without brackets."""

    user: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ssh://{self.user}@{host}:{self.port}"


def read_address(text: str) -> HostAddress:
    """Read an address. Only what can be no option of `ssh` and no other command passes.

    Raises:
        InvalidInputError: it is none.
    """
    match = _ADDRESS.fullmatch(text)
    port = int(match[3] or 22) if match else 0
    if match is None or not 0 < port < 65536:
        message = f"{text!r:.120} is no address of a host: write it as ssh://user@gpu-2:22"
        raise InvalidInputError(message, field="address")
    return HostAddress(match[1] or "root", match[2].strip("[]"), port)


def read_socket(text: str) -> str:
    """Read the path of a Docker Engine's socket on a host.

    Raises:
        InvalidInputError: it is none.
    """
    if not _SOCKET.fullmatch(text):
        message = f"{text!r:.120} is no socket's path: it starts with / and has at most 107 letters, digits and ._/@+-"
        raise InvalidInputError(message, field="docker_socket")
    return text
