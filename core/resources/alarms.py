"""What an operator should see to, as a list: the sentences of the status bar in full, each with where to look."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from core.alarms import Alarm, alarms
from core.errors import NotFoundError
from core.resources.listed import Listed
from core.resources.resource import Column, Empty, Pair, Resource, RowFilter, Section, Tone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.projects.service import Project
    from core.session import Session

_TONES = {"fail": Tone.BAD, "warn": Tone.WAITING}

_COLUMNS: tuple[Column[Alarm], ...] = (
    Column(
        key="level",
        title="LEVEL",
        meaning="fail: work does not go on; warn: it will not for long",
        text=lambda row, _: row.level,
        width=5,
        tone=lambda row: _TONES[row.level],
    ),
    Column(key="kind", title="ABOUT", text=lambda row, _: row.kind, width=9),
    Column(key="sentence", title="WHAT IS WRONG", text=lambda row, _: row.sentence, width=40, flexible=True),
    Column(
        key="where",
        title="WHERE",
        meaning="the place in the console where to look: enter opens it",
        text=lambda row, _: row.address,
        width=18,
        flexible=True,
        needs=90,
    ),
)


def _key(row: Alarm) -> int:
    return zlib.crc32("\0".join(row).encode("utf-8", "replace")) + 1


def _find(session: Session, _: Project | None, reference: str) -> Alarm:
    for row in alarms(session):
        if reference == str(_key(row)):
            return row
    message = f"there is no alarm {reference!r:.120} any more: `shoal alarms` lists those that there are"
    raise NotFoundError(message, field="alarm")


def _describe(_: Session, row: Alarm) -> Sequence[Section]:
    return [
        Section(
            "Alarm",
            [
                Pair("level", row.level, tone=_TONES[row.level]),
                Pair("about", row.kind),
                Pair("what", row.sentence),
                Pair("where", row.address, row.address),
            ],
        )
    ]


ALARMS: Resource[Alarm] = Resource(
    name="alarms",
    singular="alarm",
    meaning="what somebody should see to",
    permission="environment.see",
    columns=_COLUMNS,
    source=Listed(
        lambda session, _: alarms(session),
        key=_key,
        columns=_COLUMNS,
        # A disk that fills and a scheduler that hangs are in no feed: who looks for alarms tells of the kind `alarm`.
        kinds=frozenset({"alarm", "setting", "host", "environment"}),
        filters={"level": lambda row: row.level, "about": lambda row: row.kind},
    ),
    key=_key,
    label=lambda row: row.sentence,
    reference=lambda row: str(_key(row)),
    find=_find,
    empty=Empty("Nothing is wrong.", "Machines answer, disks have room, and what can run runs."),
    describe=_describe,
    told="sentence",
    fields=lambda row: {"level": row.level, "kind": row.kind, "sentence": row.sentence, "address": row.address},
    opens=lambda row: row.address,
    filters=(
        RowFilter("level", "how bad it is", ("fail", "warn")),
        RowFilter("about", "what it is about", ("scheduler", "engine", "stuck", "host", "launch", "disk")),
    ),
)
