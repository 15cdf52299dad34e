"""A forecast as people read it: beside a form before saving, and from a command."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from core.environments.what_if import in_short, wait_text, what_if
from core.quantities import duration
from core.resources.resource import Pair, Section, Tone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from core.environments.loads import Load
    from core.environments.what_if import Outcome, WhatIf
    from core.session import Session


MOST = 20_000
"""Executions that are replayed while somebody waits for it: a second or two."""


class Figure(NamedTuple):
    """One thing that is compared: how it is called, and how it is read off an outcome; less may be better."""

    key: str
    label: str
    text: Callable[[Outcome], str]
    value: Callable[[Outcome], float | None]


FIGURES = (
    Figure("wait_median", "median wait", lambda o: wait_text(o.waits.median), lambda o: o.waits.median),
    Figure("wait_p95", "95 % wait at most", lambda o: wait_text(o.waits.p95), lambda o: o.waits.p95),
    Figure("wait_worst", "longest wait", lambda o: wait_text(o.waits.worst), lambda o: o.waits.worst),
    Figure(
        "machine_hours",
        "machine hours",
        lambda o: f"{o.machine_seconds / 3600:,.1f}",
        lambda o: o.machine_seconds / 3600,
    ),
    Figure("cost", "cost", lambda o: f"{o.cost / 1e6:,.2f}", lambda o: o.cost / 1e6),
    Figure("utilization", "utilization", lambda o: f"{o.utilization:.0%}", lambda o: o.utilization),
    Figure(
        "peak_machines",
        "machines at once",
        lambda o: "" if o.peak_machines is None else str(o.peak_machines),
        lambda o: o.peak_machines,
    ),
    Figure(
        "unserved",
        "never started",
        lambda o: "" if o.unserved is None else str(o.unserved),
        lambda o: o.unserved,
    ),
)


def environment_preview(session: Session, row: Load, answers: Mapping[str, str]) -> Sequence[Section]:
    """Return what saving the answers of an environment's form would have done in the last week, if that is not long."""
    return what_if_sections(what_if(session, row.environment, answers, most=MOST))


def what_if_sections(result: WhatIf) -> Sequence[Section]:
    """Return a comparison as a description: in short, figure by figure, as it was measured, and of what it is made."""
    today, proposed = result.today, result.proposed
    if today is None or proposed is None:
        return [Section("Forecast", [Pair("", result.missing, tone=Tone.DIM)])]
    begin = datetime.fromtimestamp(result.since, UTC).astimezone().strftime("%d %b %H:%M")
    what = "A made-up week" if result.history.is_made_up else f"What came since {begin}"
    sections = [
        Section(f"{what}, replayed", [Pair("in short", in_short(today, proposed), tone=Tone.STRONG)]),
        Section("Today's settings → these", _pairs(today, proposed)),
    ]
    if result.measured is not None:
        measured = [Pair(f.label, text) for f in FIGURES if (text := f.text(result.measured))]
        sections.append(Section("Measured in this time", measured))
    return [*sections, Section("Made of", [Pair("", text) for text in made_of(result)])]


def _pairs(today: Outcome, proposed: Outcome) -> Sequence[Pair]:
    pairs = []
    for figure in FIGURES:
        before, after = figure.text(today), figure.text(proposed)
        if figure.key == "unserved" and not today.unserved and not proposed.unserved:
            continue
        pairs.append(Pair(figure.label, before if before == after else f"{before} → {after}"))
    return pairs


def made_of(result: WhatIf) -> Sequence[str]:
    """Return of what a comparison was made, and how exact it is, in sentences."""
    history = result.history
    told = [f"{len(history.jobs):,} executions" if history.is_made_up else f"{history.ended:,} executions that ended"]
    if history.running:
        told.append(f"{history.running:,} that run, with their time so far")
    if history.waiting:
        told.append(f"{history.waiting:,} that wait, with the median time of their step")
    sentences = [", ".join(told)]
    if history.is_cut:
        sentences.append("older ones are left out: the command takes all of them")
    if history.withdrawn:
        sentences.append(f"left out: {history.withdrawn:,} that were stopped before they started")
    if result.capacity is not None:
        sentences.append(f"at most {result.capacity:,} machines: so many its hosts give")
    if history.startup_delay >= 1:
        sentences.append(f"a machine takes {duration(history.startup_delay)} to come up")
    sentences.append(f"begins without machines; waits are exact to {result.resolution:g} s")
    return sentences
