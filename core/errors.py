"""The errors that a person sees. A message says what happened, why, and what to do next; it never holds a secret."""

from __future__ import annotations


class ShoalError(Exception):
    """The base of every error that a face prints as it is.

    `code` names the kind for scripts, `field` the input that was wrong where there is one, `exit_code` the command's.
    """

    code = "error"
    exit_code = 1

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidInputError(ShoalError):
    """What was asked for cannot be: the message names the field and what would be accepted."""

    code = "invalid"
    exit_code = 2


class NotFoundError(ShoalError):
    """There is no such thing, or the asker may not know of it."""

    code = "not_found"
    exit_code = 3


class NotAllowedError(ShoalError):
    """The policy says no; the message says why and who could."""

    code = "not_allowed"
    exit_code = 4


class ConflictError(ShoalError):
    """The thing is not in a state in which this can be done."""

    code = "conflict"
    exit_code = 5


class UnavailableError(ShoalError):
    """Something outside Shoal is needed and does not answer: Docker, a server, the disk. Trying again may help."""

    code = "unavailable"
    exit_code = 6


class NewerDatabaseError(ShoalError):
    """The home was written by a newer Shoal."""

    code = "newer_database"
    exit_code = 7
