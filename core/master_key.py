"""The master keys that secrets are sealed under, and where they lie.

One is a systemd credential (`shoal-master-key`), or lies in the home's `master.key`: the key itself where Shoal runs on
a server, the name of an entry of the keyring where it was set up on a desktop. All that are there open secrets, the
first one seals them. None is part of a backup, which would hold the lock and its key together.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.home import Home

CREDENTIAL = "shoal-master-key"
KEYRING_SERVICE = "shoal master key"
_KEYRING = "keyring:"
_LENGTH = 32
_LARGEST_FILE = 4096


@dataclass(frozen=True, slots=True)
class MasterKey:
    """A key of 256 bits; `id` tells it from others, and says nothing of it."""

    id: bytes
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, key: bytes) -> MasterKey:
        """Return the master key with these bytes."""
        return cls(hashlib.sha256(b"shoal master key\0" + key).digest()[:8], key)


def master_keys(home: Home) -> Iterator[MasterKey]:
    """Yield the keys that are there, the one to seal with first.

    Raises:
        UnavailableError: one is there and cannot be used; the message says how to mend that.
    """
    if directory := os.environ.get("CREDENTIALS_DIRECTORY"):
        # Systemd guards its directory itself, with modes of its own.
        text = _read(Path(directory, CREDENTIAL), guarded=True)
        if text is not None:
            yield _parsed(text, f"the systemd credential {CREDENTIAL}")
    text = _read(home.master_key, guarded=False)
    if text is not None:
        yield _from_keyring(text, home) if text.startswith(_KEYRING) else _parsed(text, str(home.master_key))


def make_master_key(home: Home) -> MasterKey:
    """Make a key at first use: in the keyring of a desktop that has a safe one, else in a file of the home."""
    text = base64.b64encode(secrets.token_bytes(_LENGTH)).decode()
    name = f"{_KEYRING}{secrets.token_hex(8)}"
    _write(home.master_key, name if _into_keyring(name, text) else text)
    # What another process wrote meanwhile holds.
    return next(key for key in master_keys(home))


def _read(path: Path, *, guarded: bool) -> str | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        message = f"the master key {path} cannot be read ({error.strerror}): it must be a file of yours, with mode 0600"
        raise UnavailableError(message) from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            message = f"the master key {path} is no regular file: put the one back that was there"
            raise UnavailableError(message)
        if not guarded:
            _refuse_unguarded(path, status)
        return file.read(_LARGEST_FILE).decode("ascii", "replace").strip()


def _refuse_unguarded(path: Path, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        message = (
            f"the master key {path} belongs to another user (uid {status.st_uid}): chown it to the one who runs Shoal"
        )
        raise UnavailableError(message)
    if status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        message = (
            f"the master key {path} is open to others (mode {mode:04o}): chmod 600 it, and if others may have read it,"
            " change the secrets where they are used"
        )
        raise UnavailableError(message)


def _parsed(text: str, where: str) -> MasterKey:
    try:
        key = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != _LENGTH:
        message = f"{where} holds no master key (32 bytes in base64): put the one back that was there"
        raise UnavailableError(message)
    return MasterKey.of(key)


def _write(path: Path, text: str) -> None:
    """Write a new file whole, or leave the one that is there."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):
            os.link(part, path)
        directory = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
        os.fsync(directory)
        os.close(directory)
    except OSError as error:
        message = f"the master key {path} could not be written ({error.strerror}): see to the disk and try again"
        raise UnavailableError(message) from error
    finally:
        part.unlink(missing_ok=True)


def _on_desktop() -> bool:
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")) and not os.environ.get("SSH_CONNECTION")


def _keyring_problem() -> str | None:
    """Return why the keyring of this session is not to be trusted with a key, None where it is.

    It takes those that are known to encrypt: others write what they are given as it is.
    """
    import keyring  # noqa: PLC0415
    from keyring.backends.chainer import ChainerBackend  # noqa: PLC0415

    chosen = keyring.get_keyring()
    backends = list(chosen.backends) if isinstance(chosen, ChainerBackend) else [chosen]
    safe = ("keyring.backends.SecretService", "keyring.backends.libsecret", "keyring.backends.kwallet")
    for backend in backends:
        if not type(backend).__module__.startswith((*safe, "keyring.backends.macOS")):
            return f"{type(backend).__module__}.{type(backend).__qualname__} does not encrypt, or is not known to"
    return None if backends else "there is none"


def _into_keyring(name: str, text: str) -> bool:
    if not _on_desktop():
        return False
    import keyring  # noqa: PLC0415
    from keyring.errors import KeyringError  # noqa: PLC0415

    try:
        if _keyring_problem() is not None:
            return False
        keyring.set_password(KEYRING_SERVICE, name, text)
        return keyring.get_password(KEYRING_SERVICE, name) == text
    except (KeyringError, RuntimeError):
        return False


def _from_keyring(name: str, home: Home) -> MasterKey:
    import keyring  # noqa: PLC0415
    from keyring.errors import KeyringError  # noqa: PLC0415

    where = f"the master key of {home.root} is the entry {name!r} of the keyring's {KEYRING_SERVICE!r}"
    try:
        if problem := _keyring_problem():
            message = f"{where}, and the keyring that is there is refused: {problem}; log in where it was set up"
            raise UnavailableError(message)
        text = keyring.get_password(KEYRING_SERVICE, name)
    except (KeyringError, RuntimeError) as error:
        message = f"{where}, which does not answer ({type(error).__name__}): unlock it, or log in to the desktop"
        raise UnavailableError(message) from error
    if text is None:
        message = f"{where}, which has no such entry: restore the keyring of this user"
        raise UnavailableError(message)
    return _parsed(text, f"the entry {name!r} of the keyring")
