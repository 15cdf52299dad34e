"""Two people who edit one thing: the second is told what the first did, and nothing is overwritten."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from core.errors import ConflictError
from core.quantities import age
from core.text import plain

if TYPE_CHECKING:
    import sqlite3

_REACH = 100_000
"""Changes among which the edits are looked for: the feed has no index by subject, and no form stays open for longer."""
_TOLD = 3
_LONGEST = 160


def refuse_unseen(connection: sqlite3.Connection, kind: str, subject: int, *, seen: int | None, version: int) -> None:
    """Refuse an edit by somebody who saw another version than the thing of this `kind` and id has; None saw them all.

    Raises:
        ConflictError: says who changed what, and when.
    """
    if seen is None or seen == version:
        return
    edits = connection.execute(
        "SELECT c.at, c.what, coalesce(u.name, 'shoal') AS who FROM changes c LEFT JOIN users u ON u.id = c.actor"
        " WHERE c.seq > (SELECT max(seq) FROM changes) - ? AND c.kind = ? AND c.subject = ? AND instr(c.what, ' → ')"
        " ORDER BY c.seq DESC LIMIT ?",
        (_REACH, kind, subject, max(1, min(version - seen, _TOLD))),
    ).fetchall()
    now = time.time()
    told = "; ".join(
        f"{edit['who']} changed {_names(edit['what'])} {age(max(0.0, now - edit['at']))} ago" for edit in edits
    )
    message = f"{told or f'this {kind} was changed meanwhile'}: look at it again, nothing of yours was saved"
    raise ConflictError(message, field="version")


def _names(what: str) -> str:
    """Return the names in a change that is written as `name: old → new; name: old → new`."""
    names = [part.partition(": ")[0] for part in what.split("; ") if " → " in part]
    return plain(", ".join(name for name in names if name.isidentifier()), limit=_LONGEST) or "it"
