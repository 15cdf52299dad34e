"""Keys of SSH: a host's, fetched and shown by its fingerprint, and ours, checked at the door."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import subprocess
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InvalidInputError, UnavailableError
from core.secrets import Secret

if TYPE_CHECKING:
    from core.machines.host_address import HostAddress

SCAN_TIMEOUT = 5
LARGEST_KEY = 64 * 1024
PREFERRED = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")
_KEY = re.compile(r"([a-z0-9@.-]{1,64}) ([A-Za-z0-9+/]{20,8192}={0,2})", re.ASCII)
_BEGIN, _END = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----"), re.compile(r"-----END [A-Z0-9 ]*PRIVATE KEY-----")


def read_host_key(text: str) -> str:
    """Return a host key as type and key, with or without the names and the comment that stand around it.

    Raises:
        InvalidInputError: it is none.
    """
    words = text.split()
    for kind, key in pairwise(words):
        if kind in PREFERRED and _KEY.fullmatch(f"{kind} {key}") and _names_itself(kind, key):
            return f"{kind} {key}"
    kinds = ", ".join(PREFERRED)
    message = f"this is no host key: give a line as `ssh-keyscan` prints it, of type {kinds}"
    raise InvalidInputError(message, field="host_key")


def fingerprint(host_key: str) -> str:
    """Return the fingerprint by which people compare keys: `SHA256:…`."""
    if not host_key:
        return ""
    digest = hashlib.sha256(base64.b64decode(host_key.split()[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def fetch_host_key(address: HostAddress) -> str:
    """Ask a host for its key: its best one, of a type that we know.

    Raises:
        UnavailableError: it shows none.
    """
    command = ["ssh-keyscan", "-T", str(SCAN_TIMEOUT), "-p", str(address.port), "--", address.host]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=4 * SCAN_TIMEOUT, check=False)
    except FileNotFoundError as error:
        message = "ssh-keyscan is not installed here: install the SSH client (Debian: openssh-client)"
        raise UnavailableError(message) from error
    except subprocess.TimeoutExpired:
        done = None
    found = {}
    for line in done.stdout.splitlines() if done is not None else ():
        if not line.startswith("#"):
            kind, _, _ = line.partition(" ")[2].partition(" ")
            found[kind] = line
    for kind in PREFERRED:
        if kind in found:
            return read_host_key(found[kind])
    message = f"{address} shows no host key: see that it is on and that its SSH server listens there"
    raise UnavailableError(message, field="address")


def read_private_key(text: str) -> Secret:
    """Return a private key in the form that `ssh` reads; it may have been pasted into one line.

    Raises:
        InvalidInputError: it is none, or it has a passphrase, which nobody is there to type.
    """
    begin, end = _BEGIN.search(text), _END.search(text)
    if begin is None or end is None or end.start() < begin.end() or len(text) > LARGEST_KEY:
        message = "this is no private key: it goes from -----BEGIN … PRIVATE KEY----- to -----END … PRIVATE KEY-----"
        raise InvalidInputError(message, field="private_key")
    body = text[begin.end() : end.start()].replace("\\n", "\n").strip()
    if "ENCRYPTED" in body or "ENCRYPTED" in begin[0]:
        raise InvalidInputError(_LOCKED, field="private_key")
    packed = "".join(body.split())
    lines = [packed[at : at + 70] for at in range(0, len(packed), 70)]
    return Secret("\n".join([begin[0], *lines, end[0], ""]))


def public_key(private_key: Secret) -> str:
    """Return the public half of a private key, which a host has to let in.

    Raises:
        InvalidInputError: the key is damaged, or has a passphrase.
    """
    descriptor = os.memfd_create("key", os.MFD_CLOEXEC)
    try:
        os.fchmod(descriptor, 0o600)
        os.write(descriptor, private_key.reveal().encode())
        path = f"/proc/{os.getpid()}/fd/{descriptor}"
        command = ["ssh-keygen", "-y", "-P", "", "-f", path]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=20, check=False, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError as error:
        message = "ssh-keygen is not installed here: install the SSH client (Debian: openssh-client)"
        raise UnavailableError(message) from error
    finally:
        os.close(descriptor)
    if done.returncode == 0:
        return " ".join(done.stdout.split()[:2])
    if "passphrase" in done.stderr:
        raise InvalidInputError(_LOCKED, field="private_key")
    message = "this private key is damaged: give the whole file, from its first line to its last"
    raise InvalidInputError(message, field="private_key")


def make_private_key() -> Secret:
    """Make a key pair, and return its private half."""
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - memory; the directory is closed to others
    with tempfile.TemporaryDirectory(prefix="shoal-", dir=place) as directory:
        path = Path(directory, "key")
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "shoal", "-f", str(path)]
        try:
            subprocess.run(command, capture_output=True, timeout=20, check=True, stdin=subprocess.DEVNULL)
        except (OSError, subprocess.SubprocessError) as error:
            message = "no key pair could be made: install the SSH client (Debian: openssh-client), or give one"
            raise UnavailableError(message) from error
        return Secret(path.read_text())


_LOCKED = (
    "this private key has a passphrase, which nobody is there to type when a host is reached: give one without"
    " (`ssh-keygen -p -N '' -f COPY` takes it away from a copy), or leave it empty and let Shoal make one"
)


def _names_itself(kind: str, key: str) -> bool:
    """Tell whether a key says of itself what its line says."""
    try:
        blob = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        return False
    return blob[4 : 4 + int.from_bytes(blob[:4])] == kind.encode()
