"""Secrets at rest: sealed on their way into the database, opened only to be used.

Each is encrypted under a key of its own (AES-256-GCM), and that key under the master key. Both are bound to the
place of the secret, its table, row and field: what is moved elsewhere does not open there. Nothing gives one back to a
screen. Whoever asks has been asked for their own action's permission by then.
"""

from __future__ import annotations

import hmac
import json
import secrets
import sqlite3
import time
from typing import TYPE_CHECKING, NoReturn, SupportsIndex

from core.errors import InvalidInputError, UnavailableError
from core.master_key import MasterKey, make_master_key, master_keys
from data.database import Database

if TYPE_CHECKING:
    from core.home import Home

MASK = "•••"
LONGEST = 64 * 1024
_VERSION = b"\x01"
_NONCE = 12
_WRAPPED = 32 + 16
_HEAD = len(_VERSION) + 8 + _NONCE + _WRAPPED + _NONCE


class Secret:
    """A text that nothing shows: only `reveal` gives it, and it can be neither pickled nor copied."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text, for the one place that uses it."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(_encoded(self), _encoded(other))

    __hash__ = None  # type: ignore[assignment]

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        message = "a Secret is not written down"
        raise TypeError(message)


class Secrets:
    """Keeps secrets by owner (a table), the owner's id (its row) and field."""

    def __init__(self, database: Database, home: Home) -> None:
        self._database = database
        self._home = home

    def sealing_key(self) -> MasterKey:
        """Return the key to seal with, for `put`; it is made at first use.

        Ask before the transaction: a keyring may wait for somebody to unlock it.

        Raises:
            UnavailableError: there is none, though there are secrets already, or it cannot be used.
        """
        key = next(master_keys(self._home), None)
        if key is not None:
            return key
        if self._database.reader().execute("SELECT 1 FROM secrets").fetchone() is not None:
            raise UnavailableError(self._missing("there is none"))
        return make_master_key(self._home)

    def put(
        self, connection: sqlite3.Connection, owner: str, owner_id: int, field: str, secret: Secret, key: MasterKey
    ) -> None:
        """Seal a secret under a key in the caller's transaction, in place of the one that was there.

        Raises:
            InvalidInputError: it is empty, or longer than 64 KiB.
        """
        if not 0 < len(_encoded(secret)) <= LONGEST:
            message = f"{field} is empty or longer than {LONGEST // 1024} KiB: give another one"
            raise InvalidInputError(message, field=field)
        sealed = _seal(key, _place(owner, owner_id, field), secret)
        connection.execute(
            "INSERT OR REPLACE INTO secrets (owner, owner_id, field, sealed, updated_at) VALUES (?, ?, ?, ?, ?)",
            (owner, owner_id, field, sealed, time.time()),
        )

    def get(self, connection: sqlite3.Connection, owner: str, owner_id: int, field: str) -> Secret | None:
        """Open a secret, None where there is none.

        Raises:
            UnavailableError: its master key is not there, or the secret was changed or moved.
        """
        row = connection.execute(
            "SELECT sealed FROM secrets WHERE owner = ? AND owner_id = ? AND field = ?", (owner, owner_id, field)
        ).fetchone()
        if row is None:
            return None
        what = f"the {field} of {owner} {owner_id}"
        return _open(self._opening_key(row[0], what), _place(owner, owner_id, field), row[0], what)

    def drop(self, connection: sqlite3.Connection, owner: str, owner_id: int, field: str | None = None) -> bool:
        """Remove a secret, or all of its owner; tell whether there was one."""
        cursor = connection.execute(
            "DELETE FROM secrets WHERE owner = ? AND owner_id = ? AND (?3 IS NULL OR field = ?3)",
            (owner, owner_id, field),
        )
        return cursor.rowcount > 0

    def problem(self) -> str | None:
        """Return what keeps secrets from being opened, None where every one opens."""
        connection = self._database.reader()
        try:
            for owner, owner_id, field in connection.execute("SELECT owner, owner_id, field FROM secrets").fetchall():
                self.get(connection, owner, owner_id, field)
        except UnavailableError as error:
            return error.message
        return None

    def _opening_key(self, sealed: bytes, what: str) -> MasterKey:
        keys = list(master_keys(self._home))
        for key in keys:
            if key.id == sealed[1:9]:
                return key
        raise UnavailableError(self._missing(f"{what} was sealed with another one" if keys else "there is none"))

    def _missing(self, why: str) -> str:
        path = self._home.master_key
        return (
            f"secrets cannot be opened without their master key, and {why}: put back {path}, which no backup of Shoal"
            f" holds; is it lost, make another with `(umask 077; openssl rand -base64 32 > {path})` and give every"
            " secret anew"
        )


def why_sealed(home: Home) -> str | None:
    """Return what keeps the secrets of a home from being opened, None where every one opens, or there are none."""
    database = Database(home.database)
    try:
        return Secrets(database, home).problem()
    except sqlite3.OperationalError:  # a database of before that nobody has opened yet has no such table
        return None
    finally:
        database.close()


def _encoded(secret: Secret) -> bytes:
    return secret.reveal().encode("utf-8", "surrogateescape")


def _place(owner: str, owner_id: int, field: str) -> bytes:
    return json.dumps(["shoal", "secrets", owner, owner_id, field]).encode()


def _seal(master: MasterKey, place: bytes, secret: Secret) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    head = _VERSION + master.id
    own = AESGCM.generate_key(256)
    outer, inner = secrets.token_bytes(_NONCE), secrets.token_bytes(_NONCE)
    wrapped = AESGCM(master.key).encrypt(outer, own, head + place)
    return head + outer + wrapped + inner + AESGCM(own).encrypt(inner, _encoded(secret), head + place)


def _open(master: MasterKey, place: bytes, sealed: bytes, what: str) -> Secret:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    head, outer, rest = sealed[:9], sealed[9 : 9 + _NONCE], sealed[9 + _NONCE :]
    wrapped, inner, ciphertext = rest[:_WRAPPED], rest[_WRAPPED : _WRAPPED + _NONCE], sealed[_HEAD:]
    try:
        if head[:1] != _VERSION:
            raise InvalidTag
        own = AESGCM(master.key).decrypt(outer, wrapped, head + place)
        return Secret(AESGCM(own).decrypt(inner, ciphertext, head + place).decode("utf-8", "surrogateescape"))
    except (InvalidTag, ValueError):
        message = f"{what} was changed or moved since it was sealed: give it anew, and see who may write the database"
        raise UnavailableError(message) from None
