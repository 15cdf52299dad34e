"""One `ssh -N -L` to a host: its Docker Engine's socket, here.

The host has to show the pinned key and no other; the private key reaches `ssh` through memory, never by a file or an
argument. A tunnel dies with the thread that opened it, and so with the scheduler.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Literal

from core.machines.host_keys import fingerprint

if TYPE_CHECKING:
    from pathlib import Path

    from core.machines.host_address import HostAddress
    from core.secrets import Secret

Health = Literal["unknown", "up", "down", "refused"]
"""Of a host: not looked at yet; its engine answers; it does not; one of the two does not let the other in."""

CONNECT_TIMEOUT = 5
PING_TIMEOUT = 5.0
_LONGEST_SOCKET = 100
_LEAVE_WITHIN = 2.0
_OPTIONS = (
    "IdentitiesOnly=yes",
    "IdentityAgent=none",
    "BatchMode=yes",
    "PreferredAuthentications=publickey",
    "StrictHostKeyChecking=yes",
    "GlobalKnownHostsFile=/dev/null",
    "UpdateHostKeys=no",
    "CheckHostIP=no",
    "ExitOnForwardFailure=yes",
    "StreamLocalBindUnlink=yes",
    "StreamLocalBindMask=0177",
    "ServerAliveInterval=3",
    "ServerAliveCountMax=2",
    f"ConnectTimeout={CONNECT_TIMEOUT}",
    "ConnectionAttempts=1",
    "ControlMaster=no",
    "ControlPath=none",
    "PermitLocalCommand=no",
    "ForwardAgent=no",
    "ForwardX11=no",
    "LogLevel=INFO",
)


@dataclass(frozen=True, slots=True)
class Target:
    """A host to reach: `docker_socket` is a path there, `host_key` what it has to show; `key_at` is when ours came."""

    id: int
    name: str = field(compare=False)
    address: HostAddress
    docker_socket: str
    host_key: str
    key_at: float = 0.0


class HostError(Exception):
    """A host cannot be used; the message goes on from its name: `does not answer`."""

    def __init__(self, health: Literal["down", "refused"], detail: str) -> None:
        super().__init__(detail)
        self.health: Health = health
        self.detail = detail


class SshTunnel:
    """A tunnel to one host, used by one thread. `directory` holds its socket and is closed to others."""

    def __init__(self, directory: Path, target: Target, private_key: Secret) -> None:
        self._directory = directory
        self._target = target
        self._private_key = private_key
        self._process: subprocess.Popen[bytes] | None = None
        self._said = b""

    @property
    def socket(self) -> str:
        """The path of the socket here."""
        return str(self._directory / f"{self._target.id}.sock")

    def open(self) -> None:
        """Log in to the host.

        Raises:
            HostError: it does not answer, or one of the two is not who the other takes it for.
        """
        if not self._target.host_key:
            raise HostError("refused", "has no pinned host key yet: fetch and confirm it")
        if shutil.which("ssh") is None:
            raise HostError("refused", "cannot be reached: ssh is not installed here (Debian: openssh-client)")
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file("sock").unlink(missing_ok=True)
        self._file("known_hosts").write_text(f"{self._alias} {self._target.host_key}\n")
        key = _in_memory(self._private_key)
        try:
            self._process = self._start(key)
            self._wait_for_socket()
        finally:
            os.close(key)

    def check(self) -> None:
        """Ask the Docker Engine over there whether it answers.

        Raises:
            HostError: it does not.
        """
        try:
            answer = self._ping()
        except TimeoutError:
            raise HostError("down", f"gives no answer within {PING_TIMEOUT:g} s") from None
        except OSError as error:
            answer = b""
            if not self.is_open:
                raise self._failure(f"connection lost: {os.strerror(error.errno or 0)}") from None
        if re.match(rb"HTTP/1\.[01] 200 .*?\r\napi-version:", answer, re.DOTALL | re.IGNORECASE):
            return
        if not self.is_open:
            raise self._failure("connection lost")
        place = self._target.docker_socket
        if answer:
            raise HostError("down", f"answered, but what listens at {place} is no Docker Engine")
        if "administratively prohibited" in self._hear():
            raise HostError("refused", "answered, but its SSH server allows no forwarding (AllowStreamLocalForwarding)")
        user = self._target.address.user
        # OpenSSH's server says the same where it forbids this forwarding.
        why = f"answered, but no Docker Engine listens at {place} for {user}, or sshd has AllowStreamLocalForwarding no"
        raise HostError("down", why)

    @property
    def is_open(self) -> bool:
        """Whether `ssh` still runs."""
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=_LEAVE_WITHIN)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            if self._process.stderr is not None:
                self._process.stderr.close()
            self._process = None
        for suffix in ("sock", "known_hosts"):
            self._file(suffix).unlink(missing_ok=True)

    @property
    def _alias(self) -> str:
        return f"shoal-host-{self._target.id}"

    def _file(self, suffix: str) -> Path:
        return self._directory / f"{self._target.id}.{suffix}"

    def _start(self, key: int) -> subprocess.Popen[bytes]:
        address, number = self._target.address, self._target.id
        # Paths by way of the working directory: they are short, and hold nothing that ssh would expand.
        options = [
            *_OPTIONS,
            f"UserKnownHostsFile=/proc/self/cwd/{number}.known_hosts",
            f"HostKeyAlias={self._alias}",
        ]
        command = [
            *("ssh", "-N", "-T", "-F", "none", "-p", str(address.port), "-l", address.user),
            *("-i", f"/proc/{os.getpid()}/fd/{key}"),
            *(part for option in options for part in ("-o", option)),
            *("-L", f"/proc/self/cwd/{number}.sock:{self._target.docker_socket}", "--", address.host),
        ]
        if shutil.which("setpriv"):
            command = ["setpriv", "--pdeathsig", "KILL", "--", *command]
        try:
            process = subprocess.Popen(
                command,
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise HostError("refused", f"cannot be reached: ssh does not start here ({error.strerror})") from error
        if process.stderr is not None:
            os.set_blocking(process.stderr.fileno(), False)
        self._said = b""
        return process

    def _wait_for_socket(self) -> None:
        deadline = time.monotonic() + 2 * CONNECT_TIMEOUT
        while not self._file("sock").exists():
            if not self.is_open:
                raise self._failure("")
            if time.monotonic() > deadline:
                raise HostError("down", f"does not answer (no login within {2 * CONNECT_TIMEOUT} s)")
            time.sleep(0.02)

    def _ping(self) -> bytes:
        deadline = time.monotonic() + PING_TIMEOUT
        with _connected(self.socket) as connection:
            connection.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")
            answer = b""
            while len(answer) < 8192:
                connection.settimeout(max(deadline - time.monotonic(), 0.001))
                if not (data := connection.recv(4096)):
                    break
                answer += data
        return answer

    def _hear(self) -> str:
        """Return the last that `ssh` said."""
        if self._process is not None and self._process.stderr is not None:
            with suppress(OSError, ValueError):
                while data := os.read(self._process.stderr.fileno(), 4096):
                    self._said = (self._said + data)[-4096:]
        return self._said.decode(errors="replace")

    def _failure(self, otherwise: str) -> HostError:
        """Say why `ssh` ended."""
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=_LEAVE_WITHIN)
        return failure_of(self._hear(), self._target, otherwise)


def failure_of(said: str, target: Target, otherwise: str = "") -> HostError:
    """Say what words of `ssh` mean."""
    if "Host key verification failed" in said or "HOST IDENTIFICATION HAS CHANGED" in said:
        shown = re.search(r"SHA256:[A-Za-z0-9+/]{43}", said)
        now = shown[0] if shown else "one of another kind"
        return HostError(
            "refused",
            f"CHANGED its host key to {now}, pinned is {fingerprint(target.host_key)}: refused, somebody may stand"
            " between; was it installed anew, fetch and pin its key",
        )
    if "Permission denied" in said or "Too many authentication failures" in said:
        user = target.address.user
        return HostError("refused", f"does not let our key in as {user}: put its public key into authorized_keys there")
    if "error in libcrypto" in said or "invalid format" in said:
        return HostError("refused", "cannot be logged in to: its private key is damaged, give it anew")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = re.sub(r"^(ssh|kex_exchange_identification): ", "", lines[-1]) if lines else otherwise
    if match := re.search(r"Connection refused|timed out|No route to host|Network is unreachable|not resolve", last):
        last = {"not resolve": f"the name {target.address.host} is not known"}.get(match[0], match[0].lower())
    return HostError("down", f"does not answer ({last:.160})" if last else "does not answer")


def socket_address(path: str) -> str:
    """Return a path by which this process reaches a socket however deep it lies; its directory stays open for that."""
    if len(os.fsencode(path)) <= _LONGEST_SOCKET:
        return path
    directory, _, name = path.rpartition("/")
    return f"/proc/self/fd/{_held_open(directory)}/{name}"


@cache
def _held_open(directory: str) -> int:
    """Open a directory once: whoever was given a path by way of it may use that as long as this process runs."""
    return os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def _connected(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(PING_TIMEOUT)
    directory, _, name = path.rpartition("/")
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        connection.connect(f"/proc/self/fd/{descriptor}/{name}")
    except OSError:
        connection.close()
        raise
    finally:
        os.close(descriptor)
    return connection


def _in_memory(secret: Secret) -> int:
    """Return a file of memory with the key, which `ssh` reads as /proc/PID/fd/N: it takes no other's file."""
    descriptor = os.memfd_create("key", os.MFD_CLOEXEC)
    os.fchmod(descriptor, 0o600)
    os.write(descriptor, secret.reveal().encode())
    return descriptor
