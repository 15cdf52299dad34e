"""Sentences that name a key by what it does: which key that is, and whether there are keys at all, the face knows.

`{key:execution.log}` stands for the key of the binding with that id, in parentheses; words may follow the id. It is
written without a space before it, and leaves nothing behind where there is no such key.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_NAMED = re.compile(r"\{key:([a-z_.]+)([^{}]*)\}")


def with_keys(sentence: str, key_of: Callable[[str], str]) -> str:
    """Return a sentence with the keys that `key_of` gives for the ids of bindings; empty says that there is none."""

    def shown(found: re.Match[str]) -> str:
        key = key_of(found[1])
        return f" ({key}{found[2]})" if key else ""

    return _NAMED.sub(shown, sentence)


def without_keys(sentence: str) -> str:
    """Return a sentence for where there are no keys."""
    return with_keys(sentence, lambda _: "")
