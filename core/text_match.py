"""Matching what somebody typed against text in the database."""

from __future__ import annotations


def like_pattern(word: str) -> str:
    r"""Return the pattern for `LIKE … ESCAPE '\'` that finds a word anywhere, each character as it is."""
    # A null character would end the pattern; no name holds one.
    escaped = word.replace("\0", "\ufffd").replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
