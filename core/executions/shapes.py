"""A shape for each status, so that nobody has to tell colours apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.executions.execution import Status

SHAPES: dict[Status | str, str] = {
    "created": "◌",
    "queued": "○",
    "started": "▶",
    "stopping": "◇",
    "complete": "✓",
    "error": "✗",
    "stopped": "■",
    "crashed": "!",
}
