"""Brings a text to the clipboard by the way that this terminal offers, and says which one it took.

Nobody answers an escape sequence that sets the clipboard, so what can be said is what was sent, not what arrived.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from typing import TYPE_CHECKING

from core.quantities import size
from core.text import plain
from tui.lanes import Lane

if TYPE_CHECKING:
    from tui.app import Console

LONGEST = 100_000
"""Bytes that are sent as an escape sequence: many terminals drop a longer one without a word."""
SHORT = 30
"""Characters of a text that is named by itself when it was copied."""
TMUX_PATIENCE = 2.0
_SCREEN_CHUNK = 700
"""Bytes that GNU screen passes on as one string."""


async def copy(console: Console, text: str) -> None:
    """Copy a text and tell how; where no way is left, show it to be selected with the mouse."""
    if not text:
        console.warn("there is nothing to copy here")
        return
    data = text.encode("utf-8", "replace")
    in_tmux = bool(os.environ.get("TMUX"))
    taken: bool = await console.lanes.run(Lane.LONG, _to_tmux, data) if in_tmux else False
    if taken:
        console.tell(f"Copied {_amount(text)} to tmux, and through it to the terminal's clipboard.")
        return
    if len(data) > LONGEST:
        await _show(console, text, f"{size(len(data))} is more than a terminal takes as a clipboard")
    elif os.environ.get("TERM") in ("linux", "vt220", "vt100"):
        await _show(console, text, "this terminal has no clipboard")
    elif os.environ.get("STY"):
        _through_screen(console, data)
        console.tell(
            f"Sent {_amount(text)} through screen by OSC 52: if your terminal does not take it, select the text."
        )
    else:
        console.copy_to_clipboard(text)
        console.tell(f"Copied {_amount(text)} by OSC 52: if your terminal does not take it, select the text.")


def _to_tmux(data: bytes) -> bool:
    """Give a text to tmux, which hands it on to its terminal; tell whether tmux took it."""
    for command in (["tmux", "load-buffer", "-w", "-"], ["tmux", "load-buffer", "-"]):
        try:
            done = subprocess.run(command, input=data, capture_output=True, timeout=TMUX_PATIENCE, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return False
        if done.returncode == 0:
            return True
    return False


def _through_screen(console: Console, data: bytes) -> None:
    """Send the sequence inside strings that GNU screen passes on to its terminal as they are."""
    import base64  # noqa: PLC0415 - used when somebody copies inside screen

    sequence = f"\x1b]52;c;{base64.b64encode(data).decode()}\x07"
    parts = [sequence[start : start + _SCREEN_CHUNK] for start in range(0, len(sequence), _SCREEN_CHUNK)]
    console.send("".join(f"\x1bP{part}\x1b\\" for part in parts))


async def _show(console: Console, text: str, reason: str) -> None:
    from tui.screens.selectable_text import SelectableText  # noqa: PLC0415 - where there is no clipboard only

    await asyncio.sleep(0)
    await console.push_screen(SelectableText(text, reason))


def _amount(text: str) -> str:
    lines = text.count("\n") + (not text.endswith("\n"))
    if lines > 1:
        return f"{lines:,} lines"
    stripped = text.strip()
    return f"{len(stripped):,} characters" if len(stripped) > SHORT else f'"{plain(stripped)}"'
