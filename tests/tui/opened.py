"""The installed command in a terminal of its own, for tests that need the real thing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.home import Home

COMMAND = Path(sys.executable).parent / "shoal"
ALTERNATE, MOUSE, CURSOR, PASTE = 1049, (1000, 1002, 1003, 1006), 25, 2004


def opened(
    home: Home, *arguments: str, columns: int = 80, rows: int = 24, environment: Mapping[str, str] | None = None
) -> Terminal:
    """Open the console; nothing of this machine's person shines in."""
    own = {"SHOAL_HOME": str(home.root), "HOME": str(home.root.parent), "XDG_CONFIG_HOME": str(home.root.parent)}
    return Terminal(
        [str(COMMAND), "console", *arguments],
        columns=columns,
        rows=rows,
        environment=own | dict(environment or {}),
        directory=home.root.parent,
    )


def gave_back(terminal: Terminal) -> bool:
    """Tell whether the terminal is as it was: the usual screen, a cursor, no mouse, no bracketed paste."""
    left = terminal.modes & {ALTERNATE, PASTE, *MOUSE}
    return not left and CURSOR in terminal.modes
