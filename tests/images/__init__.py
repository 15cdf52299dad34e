"""The images that tests run containers from: made from Debian packages once, then found by their recipe's hash."""

from __future__ import annotations

from functools import cache

from core.images import recipes


@cache
def busybox_image() -> str:
    """Return the name of a small image (2 MB) with /bin/sh and the usual commands."""
    return recipes.busybox_image(_quiet)


@cache
def python_image() -> str:
    """Return the name of an image (120 MB) with bash, Python, NumPy and valohai-utils."""
    return recipes.python_image(_quiet)


def _quiet(_: str) -> None:
    """Tests do not watch an image being made."""
