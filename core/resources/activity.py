"""The change feed: who did what, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.activity import KINDS, Activity, BrowsedActivity
from core.errors import NotFoundError
from core.quantities import age, iso_time, read_number
from core.resources.address import address, execution_address
from core.resources.resource import Column, Empty, Pair, Resource, RowFilter, Section, Tone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.projects.service import Project
    from core.session import Session

_TONES = {
    "complete": Tone.GOOD,
    "error": Tone.BAD,
    "crashed": Tone.BAD,
    "started": Tone.BUSY,
    "stopping": Tone.BUSY,
    "down": Tone.BAD,
    "refused": Tone.BAD,
    "up": Tone.GOOD,
}
_PLACES = frozenset({"file", "environment", "machine", "host", "team", "member", "setting"})


def _subject(row: Activity) -> str:
    return f"{row.kind} {row.subject}".strip()


def _opens(row: Activity) -> str:
    """Return the address of what was changed, else of the change itself."""
    if row.kind == "execution" and row.reference:
        return execution_address(int(row.reference))
    if row.kind == "project" and row.reference:
        return address("executions", project=row.reference)
    if row.kind in _PLACES and row.reference:
        return address(row.kind, row.reference)
    return address("change", str(row.seq))


_COLUMNS: tuple[Column[Activity], ...] = (
    Column(
        key="age",
        title="AGE",
        meaning="since it was done",
        text=lambda row, now: age(max(0.0, now - row.at)),
        value=lambda row: iso_time(row.at),
        sortable=False,
        right=True,
        width=6,
        time=True,
    ),
    Column(
        key="who",
        title="WHO",
        meaning="who did it; shoal is the installation itself",
        text=lambda row, _: row.who,
        sortable=False,
        width=10,
        tone=lambda row: Tone.DIM if row.who == "shoal" else Tone.PLAIN,
    ),
    Column(
        key="what",
        title="WHAT",
        text=lambda row, _: row.told,
        sortable=False,
        width=30,
        flexible=True,
        tone=lambda row: _TONES.get(row.what.partition(": ")[0], Tone.PLAIN),
    ),
    Column(
        key="subject",
        title="TO WHAT",
        text=lambda row, _: _subject(row),
        sortable=False,
        width=22,
        flexible=True,
    ),
    Column(
        key="project",
        title="PROJECT",
        text=lambda row, _: row.project,
        sortable=False,
        width=12,
        flexible=True,
        needs=90,
    ),
    Column(key="at", title="AT", text=lambda row, _: iso_time(row.at), sortable=False, width=24, wide=True),
)


def _find(session: Session, _: Project | None, reference: str) -> Activity:
    if (seq := read_number(reference)) is not None and seq in (rows := BrowsedActivity().rows(session, [seq])):
        return rows[seq]
    message = f"there is no change {reference!r:.120}: `shoal activity ls --json` gives the number of each"
    raise NotFoundError(message, field="change")


def _describe(_: Session, row: Activity) -> Sequence[Section]:
    facts = [
        Pair("number", str(row.seq)),
        Pair("at", iso_time(row.at)),
        Pair("who", row.who),
        Pair("what", row.told),
        Pair("to what", _subject(row), _opens(row)),
        Pair("project", row.project, address("project", row.project) if row.project else ""),
    ]
    return [Section("Change", [pair for pair in facts if pair.text])]


def _fields(row: Activity) -> dict[str, Any]:
    return {
        "number": row.seq,
        "at": iso_time(row.at),
        "who": row.who,
        "what": row.what,
        "kind": row.kind,
        "subject": row.subject,
        "reference": row.reference,
        "project": row.project or None,
    }


ACTIVITY: Resource[Activity] = Resource(
    name="activity",
    singular="change",
    aliases=("changes",),
    meaning="who did what, and when",
    permission="organization.see",
    scoped=True,
    follows=True,
    told="what",
    columns=_COLUMNS,
    source=BrowsedActivity(),
    key=lambda row: row.seq,
    label=lambda row: f"change {row.seq}",
    reference=lambda row: str(row.seq),
    find=_find,
    empty=Empty("Nothing has been done here yet."),
    describe=_describe,
    fields=_fields,
    opens=_opens,
    filters=(
        RowFilter("kind", "what was changed", KINDS),
        RowFilter("actor", "who did it; shoal is Shoal itself"),
        RowFilter("since", "how long ago or since which day, such as 2h or 2026-11-01"),
    ),
)
