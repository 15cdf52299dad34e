"""Names that come from outside, made into relative paths that can be shown and can lead nowhere else."""

from __future__ import annotations

import hashlib
import os
import posixpath

COMPONENT_BYTES = 255
"""The longest name that file systems take."""

NAME_BYTES = 1024
"""The longest relative path that a name becomes; a store's directory before it still fits into a path."""


def printable_name(name: str) -> str:
    """Return `name` as a relative path that is printable, stays below where it is put and fits a file system.

    What cannot be shown, and a component `.` or `..`, is percent-encoded; what is too long is cut and gets a hash of
    the whole, so that different names stay different.
    """
    parts = [_component(part) for part in name.split("/") if part]
    joined = "/".join(parts) or "unnamed"
    if len(joined.encode()) <= NAME_BYTES:
        return joined
    return f"{_digest(joined)}/{parts[-1]}"


def base_name(name: str) -> str:
    """Return the last component of a printable name."""
    return posixpath.basename(name)


def _component(part: str) -> str:
    if part in (".", ".."):
        return part.replace(".", "%2E")
    shown = "".join(char if char.isprintable() else _percent(char) for char in part)
    if len(shown.encode()) <= COMPONENT_BYTES:
        return shown
    stem, suffix = os.path.splitext(shown)  # noqa: PTH122 - a name, not a path of this machine
    suffix = suffix if len(suffix.encode()) <= 32 else ""
    kept = stem.encode()[:180].decode(errors="ignore")
    return f"{kept}~{_digest(part)}{suffix}"


def _percent(char: str) -> str:
    return "".join(
        f"%{byte:02X}"
        for byte in char.encode(errors="surrogateescape" if "\udc80" <= char <= "\udcff" else "surrogatepass")
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
