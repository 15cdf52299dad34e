"""What a file holds, as numbered lines that can be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.quantities import size
from core.resources.resource import Pair

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 512 * 1024
"""Bytes of one file that are shown."""


def content_lines(content: bytes, whole: int) -> Sequence[Pair]:
    """Return the lines of a content of which at most `MOST` bytes are given, of a file of `whole` bytes."""
    if b"\0" in content[:8192]:
        return [Pair("", f"{size(whole)} that are no text")]
    lines = [Pair(str(number), line) for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1)]
    if whole > len(content):
        lines.append(Pair("…", f"only the first {size(len(content))} of {size(whole)} are shown"))
    return lines or [Pair("", "empty")]
