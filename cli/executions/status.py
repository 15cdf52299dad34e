"""Status words in colour, which only adds to the word."""

from __future__ import annotations

import click

_COLOURS = {
    "started": "cyan",
    "stopping": "yellow",
    "complete": "green",
    "error": "red",
    "crashed": "red",
    "stopped": "yellow",
}


def coloured(text: str) -> str:
    """Return a status, padded or not, in its colour."""
    colour = _COLOURS.get(text.strip())
    return click.style(text, fg=colour) if colour else text
