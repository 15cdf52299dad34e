"""What Docker takes for the name of an image."""

from __future__ import annotations

import re

_LONGEST = 512
_LONGEST_REPOSITORY = 255
_HOST_PART = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = rf"(?:{_HOST_PART}(?:\.{_HOST_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_PATH_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
# The grammar is that of https://pkg.go.dev/github.com/distribution/reference.
_REFERENCE = re.compile(
    rf"(?P<repository>(?:{_HOST}/)?{_PATH_PART}(?:/{_PATH_PART})*)"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
    r"(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?"
)


def is_image_name(text: str) -> bool:
    """Tell whether `text` is a reference such as `registry:5000/name:tag@sha256:…`.

    What is not could mean anything where it is put into a path or a command line.
    """
    match = _REFERENCE.fullmatch(text) if len(text) <= _LONGEST else None
    return match is not None and len(match["repository"]) <= _LONGEST_REPOSITORY
