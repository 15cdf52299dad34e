"""What goes wrong, told to a person: in the console as one line, after it as a traceback that holds no values."""

from __future__ import annotations

import logging
import traceback

from core import database_errors
from core.errors import ShoalError
from core.text import plain

_log = logging.getLogger(__name__)


def explained(error: BaseException) -> str:
    """Return one sentence for the person; what was not foreseen is logged with where it happened."""
    known = error if isinstance(error, ShoalError) else database_errors.explained(error)
    if known is not None:
        return plain(known.message)
    _log.error("%s", traceback_without_values(error))
    return f"something unexpected happened ({type(error).__name__}): the console's log says where"


def traceback_without_values(error: BaseException) -> str:
    """Return where an error happened, without the value of any variable: they may hold secrets."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=False).format())
