"""Names of rows that may complete a line after the colon: read for it, unlike what the declarations themselves give."""

from __future__ import annotations

import shlex
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from core.resources.registry import resource
from core.resources.resource import Query
from tui.commands import MOST, Suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.resources.resource import Resource
    from core.session import Session

_NAMED = ("environments", "hosts", "machines", "projects", "teams", "members", "settings")
"""Resources whose rows people call by name, and that are not too many to be offered."""
_FILTERS = {"environment": "environments", "host": "hosts", "project": "projects", "team": "teams", "user": "members"}


class Meant(NamedTuple):
    """Of which resource a name is being typed: what stands before it in the line, and in its word, and its begin."""

    resource: Resource[Any]
    before: str
    key: str
    typed: str


def meant(line: str) -> Meant | None:
    """Return what a line's last word is to name, None where that is no row: `machines environment=g`, `host g`."""
    before, space, word = line.rpartition(" ")
    words = before.split()
    key, equals, typed = word.partition("=")
    if equals and words and key in _FILTERS:
        return Meant(resource(_FILTERS[key]), f"{before}{space}", f"{key}=", typed)
    singular = words[-1] if words and (len(words) == 1 or words[:-1] in (["describe"], ["json"], ["edit"])) else ""
    declared = next((each for each in map(resource, _NAMED) if each.singular == singular), None)
    return None if declared is None else Meant(declared, f"{before}{space}", "", word)


def names_meant(session: Session, wanted: Meant) -> Sequence[Suggestion]:
    """Return the names that begin as what is typed, then those that hold it.

    Raises:
        ShoalError: such rows are not to be seen by this person, or cannot be read now.
    """
    source, typed = wanted.resource.source, wanted.typed.casefold()
    ids = [*islice((id_ for part in source.ids(session, Query()) for id_ in part), MOST)]
    rows = source.rows(session, ids)
    names = dict.fromkeys(wanted.resource.reference(rows[id_]) for id_ in ids if id_ in rows)
    fitting = sorted(
        (name for name in names if typed in name.casefold()), key=lambda n: not n.casefold().startswith(typed)
    )
    return [
        Suggestion(f"{wanted.before}{wanted.key}{shlex.quote(name)}", name, wanted.resource.singular)
        for name in fitting
    ]
