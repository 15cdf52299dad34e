"""The terminal that the console runs in: whether it can show it, whether it is there, and how it is given back."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import termios
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.geometry import Size

    from tui.app import Console

NEEDED = (60, 15)
"""Columns and rows below which the console shows only what it needs."""
PATIENCE = 5
"""Seconds for leaving in order after the terminal went away; then the process ends."""


def problem() -> str | None:
    """Return why the console cannot be shown here, None where it can."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return "the console needs a terminal"
    if os.environ.get("TERM", "dumb") in ("dumb", "unknown", ""):
        return f"the console needs a terminal that can move its cursor (TERM is {os.environ.get('TERM') or 'not set'})"
    return None


def is_too_small(size: Size) -> bool:
    """Return whether nothing useful could be shown."""
    return size.width < NEEDED[0] or size.height < NEEDED[1]


def leave_on_signals(console: Console) -> None:
    """Give the terminal back when the process is asked to end, or its line is cut."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGHUP, signal.SIGTERM):
        loop.add_signal_handler(number, leave, console, 128 + number)


def leave(console: Console, code: int) -> None:
    """Leave in order; should that not be possible because nobody takes what is written, end all the same."""
    signal.signal(signal.SIGALRM, lambda _number, _frame: os._exit(code))
    signal.alarm(PATIENCE)
    console.exit(code)


def is_gone() -> bool:
    """Return whether the terminal was taken away, which not every way of losing it announces."""
    try:
        termios.tcgetattr(sys.__stdin__.fileno() if sys.__stdin__ else 0)
    except (termios.error, ValueError, OSError):
        return True
    return False
