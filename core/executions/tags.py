"""What a tag may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_TAG = 100


def checked_tags(tags: Iterable[str]) -> list[str]:
    """Return the tags, or raise InvalidInputError for one that is empty, too long or not printable."""
    checked = list(tags)
    for tag in checked:
        if not tag.strip() or len(tag) > LONGEST_TAG or not tag.isprintable():
            message = f"{tag[:LONGEST_TAG]!r} cannot be a tag: a tag is 1 to {LONGEST_TAG} printable characters"
            raise InvalidInputError(message, field="tags")
    return checked
