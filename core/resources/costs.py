"""What machines cost, by person, team, project or environment: a bill of a period, whose rows sum to it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from core.errors import NotFoundError
from core.quantities import duration, iso_time, money
from core.resources.address import address
from core.resources.bill import (
    BYS,
    DEFAULT_SINCE,
    KIND_LABELS,
    KIND_MEANINGS,
    Bill,
    CostRow,
    bill_of,
    bill_told,
    cost_fields,
    cost_rows,
)
from core.resources.listed import Listed
from core.resources.resource import Action, Column, Empty, Pair, Query, Resource, RowFilter, Section, Tone

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from core.projects.service import Project
    from core.session import Session
    from data.changes import Change

PERIODS = ("1d", "7d", "30d", "365d")
MOST_KEPT = 50
"""Bills whose rows are remembered: as many as lists may be open at once."""


class BrowsedCosts:
    """The source of the list: a bill is made as a whole when its list is read, and its lines are kept for it."""

    kinds = frozenset({"machine", "user", "team", "project"})

    def __init__(self) -> None:
        self._bills: dict[tuple[str, Bill], tuple[float, Sequence[CostRow]]] = {}

    def ids(self, session: Session, query: Query) -> Iterator[Sequence[int]]:
        """Yield the lines that match, all at once.

        Raises:
            InvalidInputError: names the filter that is wrong.
        """
        bill, now = bill_of(query.where), time.time()
        self._bills.pop((session.actor.name, bill), None)
        self._bills[session.actor.name, bill] = (now, cost_rows(session, bill, now))
        while len(self._bills) > MOST_KEPT:
            del self._bills[next(iter(self._bills))]
        yield from self._listed(session, query).ids(session, query)

    def rows(self, session: Session, ids: Sequence[int]) -> Mapping[int, CostRow]:
        """Return lines of the bills that were made last."""
        session.require("cost.see")
        wanted = set(ids)
        return {
            row.id: row
            for (who, _), (_, rows) in self._bills.items()
            if who == session.actor.name
            for row in rows
            if row.id in wanted
        }

    def total(self, session: Session, query: Query) -> int:
        """Return how many lines there are without the text that filters."""
        return len(self.made(session, query)[1])

    def touched(self, session: Session, changes: Sequence[Change]) -> set[int] | None:  # noqa: ARG002
        """Return None: every line is a sum over many things."""
        return None

    def matching(self, session: Session, query: Query, ids: Sequence[int]) -> Sequence[int]:
        """Return those of the lines that match."""
        bill = bill_of(query.where)
        if bill.environment is not None:
            session.environments.get(bill.environment)
        return self._listed(session, query).matching(session, query, ids) if ids else ()

    def made(self, session: Session, query: Query) -> tuple[float, Sequence[CostRow]]:
        """Return when the bill of a query was made, and its lines."""
        bill = bill_of(query.where)
        if (found := self._bills.get((session.actor.name, bill))) is not None:
            return found
        now = time.time()
        return now, cost_rows(session, bill, now)

    def _listed(self, session: Session, query: Query) -> Listed[CostRow]:
        rows = self.made(session, query)[1]
        return Listed(lambda *_: rows, key=lambda row: row.id, columns=_COLUMNS, kinds=self.kinds)


_COLUMNS: tuple[Column[CostRow], ...] = (
    Column(
        key="name",
        title="NAME",
        meaning="the person, team, project or environment; none for what nobody used",
        text=lambda row, _: row.cost.name or "—",
        value=lambda row: row.cost.name or None,
        order=lambda row: row.cost.name or None,
        width=20,
        flexible=True,
        tone=lambda row: Tone.STRONG if row.cost.name else Tone.DIM,
    ),
    Column(
        key="for",
        title="FOR",
        meaning="; ".join(f"{KIND_LABELS[kind]}: {meaning}" for kind, meaning in KIND_MEANINGS.items()),
        text=lambda row, _: row.kind,
        width=10,
        tone=lambda row: Tone.BUSY if row.cost.kind == "execution" else Tone.DIM,
    ),
    Column(
        key="executions",
        title="RUNS",
        meaning="executions that were run, each as often as it was started",
        text=lambda row, _: f"{row.cost.executions:,}" if row.cost.executions else "",
        value=lambda row: row.cost.executions,
        order=lambda row: row.cost.executions or None,
        right=True,
        width=6,
    ),
    Column(
        key="hours",
        title="HOURS",
        meaning="machine hours",
        text=lambda row, _: row.hours,
        value=lambda row: round(row.cost.seconds / 3600, 6),
        order=lambda row: row.cost.seconds,
        right=True,
        width=9,
    ),
    Column(
        key="cost",
        title="COST",
        meaning="what the machines' bill grew by",
        text=lambda row, _: row.amount,
        value=lambda row: row.cost.cost / 1_000_000,
        order=lambda row: row.cost.cost,
        right=True,
        width=12,
    ),
    Column(
        key="share",
        title="SHARE",
        meaning="of the whole bill; of the hours, where nothing has a price",
        text=lambda row, _: f"{row.share:.1%}",
        value=lambda row: round(row.share, 6),
        order=lambda row: row.share,
        right=True,
        width=6,
    ),
)


def _opens(row: CostRow) -> str:
    """Return where what a line is about can be looked at."""
    if row.cost.id is None:
        return address("machines")
    if row.bill.by == "environment":
        return address("environment", row.cost.name)
    if row.bill.by == "project":
        return address("executions", project=row.cost.name)
    if row.bill.by == "user":
        return address("executions", project="*", user=row.cost.name)
    return address("team", row.cost.name) if row.cost.id else address("costs", by="user")


def _by_another(query: Query) -> Query:
    return replace(query, where={**query.where, "by": _next(BYS, bill_of(query.where).by)})


def _of_another_period(query: Query) -> Query:
    return replace(query, where={**query.where, "since": _next(PERIODS, bill_of(query.where).since)})


def _next(choices: Sequence[str], current: str) -> str:
    """Return what comes after one of some choices, the first after the last, and after what is none of them."""
    return choices[(choices.index(current) + 1) % len(choices)] if current in choices else choices[0]


def _find(session: Session, _: Project | None, reference: str) -> CostRow:
    for by in BYS:
        for row in cost_rows(session, Bill(by), time.time()):
            if reference in (str(row.id), row.cost.name):
                return row
    message = f"nothing called {reference!r:.120} cost anything within {DEFAULT_SINCE}: `shoal cost` lists what did"
    raise NotFoundError(message, field="cost")


def _describe(_: Session, row: CostRow) -> Sequence[Section]:
    facts = [
        Pair(row.bill.by, row.cost.name or "nobody", _opens(row), Tone.STRONG),
        Pair("for", f"{row.kind}: {KIND_MEANINGS[row.cost.kind]}"),
        Pair("since", iso_time(row.bill.begin(time.time()))),
        Pair("runs", f"{row.cost.executions:,}" if row.cost.executions else ""),
        Pair("time", duration(row.cost.seconds)),
        Pair("cost", money(row.cost.cost)),
        Pair("share", f"{row.share:.1%}"),
    ]
    return [Section("Cost", [pair for pair in facts if pair.text])]


_SOURCE = BrowsedCosts()


def _summary(session: Session, query: Query) -> Sequence[tuple[str, Tone]]:
    made_at, rows = _SOURCE.made(session, query)
    return bill_told(rows, bill_of(query.where), made_at)


COSTS: Resource[CostRow] = Resource(
    name="costs",
    singular="cost",
    aliases=("bill",),
    meaning="what machines cost, and for whom",
    permission="cost.see",
    columns=_COLUMNS,
    source=_SOURCE,
    key=lambda row: row.id,
    label=lambda row: f"cost of {row.cost.name or row.kind}",
    reference=lambda row: row.cost.name or str(row.id),
    find=_find,
    empty=Empty("No machine was there in that time.", "Look at a longer one{key:costs.period}."),
    describe=_describe,
    fields=cost_fields,
    opens=_opens,
    filters=(
        RowFilter("by", "what the bill is divided by", BYS),
        RowFilter("since", "how long ago or on which day it begins, such as 7d or 2026-11-01"),
        RowFilter("environment", "of one environment alone"),
    ),
    summary=_summary,
    actions=(
        Action(
            id="by",
            key="b",
            title="By another",
            meaning="Divide the bill by the next: user, team, project, environment.",
            permission="cost.see",
            changes=False,
            requery=_by_another,
        ),
        Action(
            id="period",
            key="w",
            title="Period",
            meaning="Show a longer period; after a year, a day again.",
            permission="cost.see",
            changes=False,
            requery=_of_another_period,
        ),
    ),
)
