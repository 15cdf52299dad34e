"""What SQLite and the disk say, in words that a person can act on."""

from __future__ import annotations

import sqlite3

from core.errors import InvalidInputError, ShoalError, UnavailableError

_MEANINGS = {
    sqlite3.SQLITE_BUSY: "the database is in use by another process for too long: try again, and see `shoal doctor`",
    sqlite3.SQLITE_LOCKED: "the database is in use by another process for too long: try again, and see `shoal doctor`",
    sqlite3.SQLITE_FULL: "the disk is full: free some space where Shoal's home lies (`shoal doctor` names it)",
    sqlite3.SQLITE_CORRUPT: "the database is damaged: stop Shoal, then `shoal restore` a backup with --replace",
    sqlite3.SQLITE_NOTADB: "the database is damaged: stop Shoal, then `shoal restore` a backup with --replace",
    sqlite3.SQLITE_READONLY: "the database cannot be written: check the rights of Shoal's home with `shoal doctor`",
    sqlite3.SQLITE_CANTOPEN: "the database cannot be opened: check the rights of Shoal's home with `shoal doctor`",
    sqlite3.SQLITE_IOERR: "the disk of Shoal's home gives errors: check it, then see `shoal doctor`",
}


def explained(error: BaseException) -> ShoalError | None:
    """Return a clear error for one of SQLite, of the operating system or of a name; None for what a bug would cause."""
    if isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed":
        # A file's name may be any bytes, and so may what a person types; what is kept and looked up is text.
        return InvalidInputError(f"{error.object[:200]!r} is no text: it holds bytes that are not UTF-8")
    if isinstance(error, sqlite3.DatabaseError):
        code = getattr(error, "sqlite_errorcode", None)
        meaning = None if code is None else _MEANINGS.get(code & 0xFF)
        return None if meaning is None else UnavailableError(f"{meaning} (SQLite says: {error})")
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename!r}: " if error.filename else ""
        return UnavailableError(f"{where}{error.strerror}")
    return None
