"""Matching what somebody typed against text in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.resources.resource import Query


def like_pattern(word: str) -> str:
    r"""Return the pattern for `LIKE … ESCAPE '\'` that finds a word anywhere, each character as it is."""
    # A null character would end the pattern; no name holds one.
    escaped = word.replace("\0", "\ufffd").replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def shows(shown: str, query: Query) -> tuple[Sequence[str], dict[str, str]]:
    """Return the condition that what is `shown` of a row, a constant expression, has a query's words, and its values.

    Without words there is none.
    """
    patterns = {f"word{number}": like_pattern(word) for number, word in enumerate(query.text.split())}
    if not patterns:
        return (), {}
    each = " AND ".join(f"shown LIKE :{name} ESCAPE '\\'" for name in patterns)
    negation = "NOT " if query.inverted else ""
    return (f"(SELECT {negation}({each}) FROM (SELECT {shown} AS shown))",), patterns  # noqa: S608 - words are bound
