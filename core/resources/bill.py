"""A bill of machines as its lines: what was asked for, and what each line shows."""

from __future__ import annotations

import time
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from core.costs import KINDS, By, Cost, costs, total
from core.errors import InvalidInputError
from core.quantities import clock_time, read_since
from core.resources.resource import Tone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.session import Session

BYS: tuple[By, ...] = get_args(By)
DEFAULT_BY: By = "user"
DEFAULT_SINCE = "7d"

KIND_LABELS = {"execution": "executions", "startup": "start-up", "grace": "grace", "idle": "idle"}
KIND_MEANINGS = {
    "execution": "machines that ran executions",
    "startup": "machines that were asked for and were not there yet",
    "grace": "idle machines within their grace period",
    "idle": "idle machines beyond it: for the minimum scale, or cordoned",
}


class Bill(NamedTuple):
    """What was asked for: how a bill is divided, since when, and of which environment alone, if of one."""

    by: By = DEFAULT_BY
    since: str = DEFAULT_SINCE
    environment: str | None = None

    def begin(self, now: float) -> float:
        """Return the moment since which it counts."""
        return read_since(self.since, now)


class CostRow(NamedTuple):
    """A line of a bill, and which part of the whole it is; all lines have as many `decimals` as any of them needs."""

    id: int
    bill: Bill
    cost: Cost
    share: float
    decimals: int

    @property
    def kind(self) -> str:
        """What the machines were held for, in a word."""
        return KIND_LABELS[self.cost.kind]

    @property
    def hours(self) -> str:
        """Machine hours, to a hundredth."""
        return f"{self.cost.seconds / 3600:,.2f}"

    @property
    def amount(self) -> str:
        """The cost, below whose decimals those of other lines stand."""
        return amount(self.cost.cost, self.decimals)


def amount(millionths: int, decimals: int) -> str:
    """Return an amount with a number of decimals that loses nothing of it: `1,203.50`."""
    whole, fraction = divmod(millionths, 1_000_000)
    return f"{whole:,}.{f'{fraction:06}'[:decimals]}"


def bill_of(where: Mapping[str, str]) -> Bill:
    """Return the bill that filters ask for.

    Raises:
        InvalidInputError: names the filter that is wrong.
    """
    if unknown := set(where) - {"by", "since", "environment"}:
        message = f"costs have no filter {min(unknown)!r}: by, since and environment can be used"
        raise InvalidInputError(message, field=min(unknown))
    by, since = where.get("by", DEFAULT_BY), where.get("since", DEFAULT_SINCE)
    if by not in BYS:
        message = f"costs cannot be divided by {by!r}: by is one of {', '.join(BYS)}"
        raise InvalidInputError(message, field="by")
    try:
        read_since(since, time.time())
    except ValueError as error:
        message = f"since cannot be {since!r:.120}: write 7d, 12h, or a day that has begun, such as 2026-11-01"
        raise InvalidInputError(message, field="since") from error
    return Bill(by, since, where.get("environment"))


def cost_rows(session: Session, bill: Bill, now: float) -> Sequence[CostRow]:
    """Return the lines of a bill."""
    environment_id = None if bill.environment is None else session.environments.get(bill.environment).id
    rows = costs(session, bill.by, bill.begin(now), environment_id=environment_id)
    whole = total(rows)
    of = whole.cost or whole.seconds or 1
    decimals = 6 if any(row.cost % 10_000 for row in rows) else 2
    return [
        CostRow(_number(bill, row), bill, row, (row.cost if whole.cost else row.seconds) / of, decimals) for row in rows
    ]


def _number(bill: Bill, row: Cost) -> int:
    """Return the id of a line, which is the same whenever the bill is made again, and of no other bill."""
    key = 0 if row.id is None else row.id + 1
    within = (key * len(KINDS) + KINDS.index(row.kind)) * len(BYS) + BYS.index(bill.by)
    asked = zlib.crc32(f"{bill.since}\0{bill.environment or ''}".encode("utf-8", "replace"))
    return ((asked & 0x7FFFFFFF) << 32) + within + 1


def bill_told(rows: Sequence[CostRow], bill: Bill, now: float) -> Sequence[tuple[str, Tone]]:
    """Return the total of a bill and what it is about, for a line above or below it."""
    whole = total([row.cost for row in rows])
    used = sum(row.cost.seconds for row in rows if row.cost.kind == "execution")
    where = f" in {bill.environment}" if bill.environment else ""
    parts = [
        (f"total {amount(whole.cost, rows[0].decimals if rows else 2)}", Tone.STRONG),
        (f"{whole.seconds / 3600:,.2f} h", Tone.PLAIN),
    ]
    if whole.seconds:
        parts.append((f"{used / whole.seconds:.0%} at work", Tone.BUSY))
    began = bill.begin(now)
    day = time.strftime("%Y-%m-%d" if now - began > 2 * 86400 else "%Y-%m-%d %H:%M", time.localtime(began))
    return [*parts, (f"since {day} by {bill.by}{where}, as of {clock_time(now)[:5]}", Tone.DIM)]


def cost_fields(row: CostRow) -> dict[str, Any]:
    """Return a line as JSON."""
    return {
        "by": row.bill.by,
        "name": row.cost.name or None,
        "for": row.cost.kind,
        "executions": row.cost.executions,
        "seconds": round(row.cost.seconds, 6),
        "cost": row.cost.cost / 1_000_000,
        "share": round(row.share, 6),
    }
