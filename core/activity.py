"""The change feed for people: who did what, and to what, newest first."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from core.errors import InvalidInputError
from core.quantities import read_since
from core.scheduler.reasons import REASONS_CHANGED
from data.changes import SYSTEM

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

    from core.resources.resource import Query
    from core.session import Session
    from data.changes import Change

FIRST_PART = 100
PART = 1_000
MOST = 10_000
"""Changes that are listed: the feed grows for ever, and nobody reads further back."""
REACH = 100_000
"""Changes among which the newest of one project, person or kind are looked for."""

KINDS = (
    "execution",
    "file",
    "project",
    "commit",
    "environment",
    "machine",
    "host",
    "team",
    "member",
    "setting",
    "organization",
)
FILTERS = ("kind", "actor", "since")

# What each kind's subjects are called, and what names the subject in an address.
_LABELS = {
    "execution": "SELECT id, '#' || counter || ' ' || step, id FROM executions",
    "file": "SELECT id, name, uuid FROM files",
    "project": "SELECT id, name, name FROM projects",
    "commit": "SELECT id, identifier, identifier FROM commits",
    "environment": "SELECT id, slug, CASE WHEN deleted_at IS NULL THEN slug ELSE '' END FROM environments",
    "machine": "SELECT id, name, name FROM machines",
    "host": "SELECT id, name, CASE WHEN deleted_at IS NULL THEN name ELSE '' END FROM hosts",
    "team": "SELECT id, name, name FROM teams",
    "member": "SELECT id, name, name FROM users",
    "organization": "SELECT id, name, name FROM organizations",
}
_TOLD = {
    ("execution", "error"): "ended with an error",
    ("execution", "complete"): "is complete",
    ("execution", "stopping"): "was asked to stop",
    ("execution", "crashed"): "crashed",
    ("machine", "leased"): "began to work",
    ("machine", "idle"): "became idle",
    ("machine", "starting"): "was asked for",
    ("machine", "draining"): "will leave",
    ("machine", "gone"): "left",
    ("host", "up"): "answers",
    ("host", "down"): "is down",
    ("host", "refused"): "is refused",
}
_EDITED = re.compile(r"(^|; )([a-z_]+)(?=: )")
"""The names of what an edit changed, in a text such as `maximum_scale: 5 → 8; enabled: yes → no`."""
_SEEN = """
    seq > (SELECT max(seq) FROM changes) - :reach AND seq < :before
    AND (project_id IS NULL OR project_id IN (SELECT id FROM projects WHERE organization_id = :organization))
    AND (:project IS NULL OR project_id = :project)
    AND (:kind IS NULL OR kind = :kind)
    AND (:actor IS NULL OR actor = :actor)
    AND (:since IS NULL OR at >= :since)
    AND what != :reasons
"""


class Activity(NamedTuple):
    """One change: `who` did `what` to the `subject` of a `kind`, which `reference` names in an address."""

    seq: int
    at: float
    who: str
    kind: str
    what: str
    subject: str
    reference: str
    project: str

    @property
    def told(self) -> str:
        """What was done, in words."""
        if " → " in self.what and _EDITED.match(self.what):
            return "changed " + _EDITED.sub(lambda found: found[1] + found[2].replace("_", " "), self.what)
        state, separator, detail = self.what.partition(": ")
        told = _TOLD.get((self.kind, state))
        return self.what if told is None else f"{told}{separator}{detail}"


class BrowsedActivity:
    """The source of the list of changes, which are known by their numbers in the feed."""

    kinds = frozenset(KINDS)

    def ids(self, session: Session, query: Query) -> Iterator[Sequence[int]]:
        """Yield the numbers of the newest `MOST` changes that match, newest first; a part may be empty.

        Raises:
            InvalidInputError: there is no such filter.
        """
        if query.descending:
            yield [seq for part in self._newest(session, query) for seq in part][::-1]
        else:
            yield from self._newest(session, query)

    def rows(self, session: Session, ids: Sequence[int]) -> Mapping[int, Activity]:
        """Return the changes with these numbers, but for those of other organizations' projects."""
        connection = session.read("organization.see")
        statement = (
            "SELECT c.*, coalesce(u.name, 'shoal') AS who, coalesce(p.name, '') AS project FROM changes c"
            " LEFT JOIN users u ON u.id = c.actor AND c.actor != ? LEFT JOIN projects p ON p.id = c.project_id"
            " WHERE c.seq IN (SELECT value FROM json_each(?)) AND (c.project_id IS NULL OR p.organization_id = ?)"
        )
        bound = (SYSTEM, json.dumps([*ids]), session.actor.organization_id)
        found = connection.execute(statement, bound).fetchall()
        named = _named(connection, found)
        return {row["seq"]: _activity(row, named.get((row["kind"], row["subject"]))) for row in found}

    def total(self, session: Session, query: Query) -> int:
        """Return how many of the newest changes there are without the text that filters."""
        values = _values(session, query)
        if values is None:
            return 0
        statement = f"SELECT count(*) FROM (SELECT 1 FROM changes WHERE {_SEEN} ORDER BY seq DESC LIMIT :limit)"  # noqa: S608
        bound = values | {"before": 2**63 - 1, "limit": MOST}
        return int(session.read("organization.see").execute(statement, bound).fetchone()[0])

    def touched(self, session: Session, changes: Sequence[Change]) -> set[int] | None:  # noqa: ARG002
        """Return the changes themselves: each is a row, and none changes later."""
        return {change.seq for change in changes if change.what != REASONS_CHANGED}

    def matching(self, session: Session, query: Query, ids: Sequence[int]) -> Sequence[int]:
        """Return those of the changes that match, in order."""
        values = _values(session, query)
        if values is None or not ids:
            return ()
        statement = f"SELECT seq FROM changes WHERE {_SEEN} AND seq IN (SELECT value FROM json_each(:ids))"  # noqa: S608
        bound = values | {"before": 2**63 - 1, "ids": json.dumps([*ids])}
        found = [row[0] for row in session.read("organization.see").execute(statement, bound)]
        return self._showing(session, query, sorted(found, reverse=not query.descending))

    def between(self, session: Session, query: Query, after: int, until: int) -> Iterator[Sequence[Activity]]:
        """Yield the changes that match and have numbers above `after`, up to `until`, oldest first, in parts."""
        values = _values(session, query)
        statement = f"SELECT seq FROM changes WHERE seq > :after AND {_SEEN} ORDER BY seq LIMIT :limit"  # noqa: S608
        while values is not None:
            bound = values | {"after": after, "before": until + 1, "limit": PART}
            if not (found := [row[0] for row in session.read("organization.see").execute(statement, bound)]):
                return
            rows = self.rows(session, self._showing(session, query, found))
            yield [rows[seq] for seq in sorted(rows)]
            after = found[-1]

    def _newest(self, session: Session, query: Query) -> Iterator[Sequence[int]]:
        values = _values(session, query)
        if values is None:
            return
        statement = f"SELECT seq FROM changes WHERE {_SEEN} ORDER BY seq DESC LIMIT :limit"  # noqa: S608
        before, limit, left = 2**63 - 1, FIRST_PART, MOST
        while left > 0:
            rows = session.read("organization.see").execute(
                statement, values | {"before": before, "limit": min(limit, left)}
            )
            if not (stretch := [row[0] for row in rows]):
                return
            yield self._showing(session, query, stretch)
            before, limit, left = stretch[-1], PART, left - len(stretch)

    def _showing(self, session: Session, query: Query, seqs: Sequence[int]) -> Sequence[int]:
        words = query.text.casefold().split()
        if not words:
            return seqs
        rows = self.rows(session, seqs)
        return [
            seq for seq in seqs if seq in rows and all(word in _shown(rows[seq]) for word in words) != query.inverted
        ]


def _values(session: Session, query: Query) -> dict[str, Any] | None:
    """Return what the query's filters are bound to, None where nothing can match."""
    if unknown := set(query.where) - {*FILTERS}:
        message = f"activity has no filter {min(unknown)!r}: {', '.join(FILTERS)} can be used"
        raise InvalidInputError(message, field=min(unknown))
    kind, who, since = (query.where.get(key) for key in FILTERS)
    if kind is not None and kind not in KINDS:
        message = f"there is no kind {kind!r:.120}: it is one of {', '.join(KINDS)}"
        raise InvalidInputError(message, field="kind")
    actor = None if who is None else _actor(session, who)
    if who is not None and actor is None:
        return None
    return {
        "organization": session.actor.organization_id,
        "project": query.project and query.project.id,
        "kind": kind,
        "actor": actor,
        "since": None if since is None else _moment(since),
        "reasons": REASONS_CHANGED,
        "reach": REACH,
    }


def _moment(since: str) -> float:
    try:
        return read_since(since, time.time())
    except ValueError as error:
        message = f"since cannot be {since!r:.120}: write 10m, 2h, 7d, or a day that has begun, such as 2026-11-01"
        raise InvalidInputError(message, field="since") from error


def _actor(session: Session, name: str) -> int | None:
    if name == "shoal":
        return SYSTEM
    row = session.read("organization.see").execute("SELECT id FROM users WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row["id"])


def _named(connection: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> dict[tuple[str, int], tuple[str, str]]:
    """Return what the subjects of changes are called, and what names them in an address."""
    subjects: dict[str, set[int]] = {}
    for row in rows:
        subjects.setdefault(row["kind"], set()).add(row["subject"])
    return {
        (kind, id_): (label, str(reference))
        for kind, ids in subjects.items()
        if kind in _LABELS
        for id_, label, reference in connection.execute(
            f"{_LABELS[kind]} WHERE id IN (SELECT value FROM json_each(?))",  # noqa: S608 - of constants
            (json.dumps([*ids]),),
        )
    }


def _activity(row: sqlite3.Row, named: tuple[str, str] | None) -> Activity:
    subject, reference = named or ("", "")
    if row["kind"] == "setting":
        subject = reference = row["what"].partition(" = ")[0]
    return Activity(row["seq"], row["at"], row["who"], row["kind"], row["what"], subject, reference, row["project"])


def _shown(row: Activity) -> str:
    return f"{row.who} {row.told} {row.kind} {row.subject} {row.project}".casefold()
