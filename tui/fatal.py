"""The end of a console that met an error nobody foresaw: one sentence for the person, the rest into the log."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from rich.text import Text

from tui.console_log import log_path
from tui.failures import traceback_without_values

if TYPE_CHECKING:
    from rich.console import RenderableType

_log = logging.getLogger(__name__)


def farewell(error: BaseException | None) -> RenderableType:
    """Write where an error happened into the log, without the value of any variable; return what the person is told.

    The terminal keeps what is printed last, so not even the error's own text stands there.
    """
    error = error or sys.exception()
    name = type(error).__name__ if error is not None else "an error"
    if error is not None:
        _log.error("the console ended: %s", traceback_without_values(error))
    return Text(
        f"shoal: something unexpected happened ({name}), and the console ended. What runs goes on.\n"
        f"Where it happened is in {log_path()}; please report it. The commands work without the console:"
        " shoal executions ls",
        no_wrap=True,
        overflow="ignore",
    )
