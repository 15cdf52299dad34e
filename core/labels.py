"""What a tag or an alias may be."""

from __future__ import annotations

from core.errors import InvalidInputError

LABEL_LENGTH = 128
"""Characters that a label may have."""


def checked_tag(tag: object) -> str:
    """Return a tag of an execution or a file without surrounding spaces.

    Raises:
        InvalidInputError: it is no printable text of 1 to `LABEL_LENGTH` characters.
    """
    return checked_label(tag, "tag")


def checked_label(value: object, kind: str) -> str:
    """Return a label of this kind, `tag` or `alias`, without surrounding spaces.

    Raises:
        InvalidInputError: it is no printable text of 1 to `LABEL_LENGTH` characters.
    """
    if not isinstance(value, str):
        message = f"{kind} {value!r:.80} is no text"
        raise InvalidInputError(message, field=kind)
    label = value.strip()
    if not label or len(label) > LABEL_LENGTH or not label.isprintable():
        message = f"{kind} {label[:80]!r} must be printable text of 1 to {LABEL_LENGTH} characters"
        raise InvalidInputError(message, field=kind)
    return label
