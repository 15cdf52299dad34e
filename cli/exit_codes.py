"""Exit codes that no error of the rules has; those are in `core.errors`."""

from __future__ import annotations

INTERRUPTED = 130
BROKEN_PIPE = 141


class ClosedPipeError(Exception):
    """Whoever read what the command prints has gone, as `head` does."""
