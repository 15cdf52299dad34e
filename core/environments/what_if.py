"""What other settings would have done: what an environment was asked for, replayed with today's and with those.

Both are simulated, so that like is compared with like; what was really measured stands beside them.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.costs import costs
from core.environments.load_history import LoadHistory, load_history
from core.environments.settings import SIMULATED, read_limit
from core.errors import InvalidInputError
from core.quantities import age
from core.scheduler.simulator import SimulatedSettings, Simulation, Waits, simulate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.environments.environment import Environment
    from core.scheduler.simulator import Job
    from core.session import Session

FEWEST = 10
"""Executions that must have ended for a history to say anything."""
PERIOD = 7 * 86400.0
"""How far a forecast looks back where nobody says how far, in seconds."""
_FINEST = 1.0
_MOST_TICKS = 100_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it was, or would have been; seconds of machines, `cost` in millionths.

    `peak_machines` were there at once, and `unserved` executions would never start: known of a simulation only.
    """

    waits: Waits
    machine_seconds: float
    execution_seconds: float
    cost: int
    peak_machines: int | None = None
    unserved: int | None = None

    @property
    def utilization(self) -> float:
        """The share of the machines' time in which executions ran."""
        return self.execution_seconds / self.machine_seconds if self.machine_seconds else 0.0


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A comparison; without enough history the outcomes are None and `missing` says so.

    `history` says which executions it was made of, `resolution` to how many seconds times are exact.
    """

    since: float
    until: float
    history: LoadHistory
    measured: Outcome | None = None
    today: Outcome | None = None
    proposed: Outcome | None = None
    resolution: float = _FINEST
    capacity: int | None = None
    missing: str = ""


def what_if(
    session: Session,
    environment: Environment,
    answers: Mapping[str, str],
    since: float | None = None,
    *,
    load: Sequence[Job] | None = None,
    most: int | None = None,
) -> WhatIf:
    """Compare an environment's settings with what a form's answers would make them.

    It replays what was recorded since a moment (seconds since 1970, a week ago), or a made-up load; of very much the
    newest `most` executions. Answers that change nothing that is simulated are left aside.

    Raises:
        InvalidInputError: an answer cannot be; it names the field.
    """
    until = time.time()
    since = until - PERIOD if since is None else since
    connection = session.read("environment.see")
    if load is not None:  # those who made it up are in no team
        environment = replace(environment, access="everyone", teams=())
    proposal = _proposal(environment, answers)
    if load is None:
        history = load_history(connection, environment.id, since, until, most)
    else:
        history, until = LoadHistory.made_up(load), max((job.arrival for job in load), default=until)
    if history.jobs and (history.is_cut or history.is_made_up):
        since = history.jobs[0].arrival
    begun = WhatIf(since, until, history)
    if history.ended < FEWEST:
        return replace(begun, missing=_missing(history, until - since))
    return _replayed(session, environment, proposal, begun)


def _replayed(session: Session, environment: Environment, proposal: Environment, begun: WhatIf) -> WhatIf:
    """Return the comparison of an environment with a proposal, over the history that was read."""
    history, since, until = begun.history, begun.since, begun.until
    rows = session.read("environment.see").execute("SELECT id, name FROM teams")
    teams = {row["name"]: row["id"] for row in rows}
    capacity = _capacity(session, environment)
    is_long = len(history.jobs) > _MOST_TICKS / 10
    resolution = max(_FINEST, round((until - since) / _MOST_TICKS)) if is_long else _FINEST

    def outcome(settings: SimulatedSettings) -> Outcome:
        within = _within(settings, capacity)
        return _outcome(simulate(history.jobs, within, since=since, until=until, resolution=resolution))

    current = _settings(environment, teams, history.startup_delay)
    changed = _settings(proposal, teams, history.startup_delay)
    today = outcome(current)
    return replace(
        begun,
        measured=None if history.is_made_up else _measured(session, environment, begun),
        today=today,
        proposed=today if changed == current else outcome(changed),
        resolution=resolution,
        capacity=capacity,
    )


def _missing(history: LoadHistory, period: float) -> str:
    number = f"only {history.ended} of the executions" if history.ended else "none of the executions"
    return (
        f"there is no forecast: {number} that arrived here in the last {age(period)} ended, and it takes {FEWEST};"
        " look back further, or wait for more"
    )


def _proposal(environment: Environment, answers: Mapping[str, str]) -> Environment:
    values = {name: read_limit(name, answers[name]) for name in SIMULATED if name in answers}
    proposal = replace(environment, **values)
    if proposal.minimum_scale > proposal.maximum_scale:
        message = "minimum_scale would be above maximum_scale: change both"
        raise InvalidInputError(message, field="minimum_scale")
    return proposal


def _settings(environment: Environment, teams: Mapping[str, int], startup_delay: float) -> SimulatedSettings:
    return SimulatedSettings(
        environment.minimum_scale,
        environment.maximum_scale,
        environment.scale_down_grace_period,
        environment.per_user_quota,
        environment.price_per_hour,
        startup_delay,
        environment.enabled,
        {teams[each.team]: each.quota for each in environment.teams if each.team in teams},
        0 if environment.access == "teams" else None,
    )


def _capacity(session: Session, environment: Environment) -> int | None:
    """Return how many machines the hosts of an environment give, None where no hosts bound them."""
    if environment.kind != "hosts":
        return None
    row = session.read("environment.see").execute(
        "SELECT coalesce(sum(slots), 0) FROM hosts WHERE environment_id = ? AND deleted_at IS NULL", (environment.id,)
    )
    return int(row.fetchone()[0])


def _within(settings: SimulatedSettings, capacity: int | None) -> SimulatedSettings:
    if capacity is None:
        return settings
    maximum = min(settings.maximum_scale, capacity)
    return replace(settings, maximum_scale=maximum, minimum_scale=min(settings.minimum_scale, maximum))


def _outcome(simulation: Simulation) -> Outcome:
    return Outcome(
        simulation.waits,
        simulation.account.total,
        simulation.account.execution,
        simulation.cost,
        simulation.peak_machines,
        simulation.unserved,
    )


def _measured(session: Session, environment: Environment, begun: WhatIf) -> Outcome:
    rows = costs(session, "environment", begun.since, begun.until, environment_id=environment.id)
    return Outcome(
        Waits.of(begun.history.waits),
        sum(row.seconds for row in rows),
        sum(row.seconds for row in rows if row.kind == "execution"),
        sum(row.cost for row in rows),
    )


def in_short(today: Outcome, proposed: Outcome) -> str:
    """Return the difference as a sentence: `median wait 19 min → 2 min; 2 more machine hours, which cost 3.50 more`."""
    if today == proposed:
        return "nothing would be different"
    return f"{_wait_told(today, proposed)}; {_bill_told(today, proposed)}{_unserved_told(today, proposed)}"


def wait_text(seconds: float) -> str:
    """Return a wait as exactly as a forecast is: in one unit, with two digits."""
    for unit, length, most in (("s", 1, 60), ("min", 60, 3600), ("h", 3600, 48 * 3600), ("d", 86400, math.inf)):
        if seconds < most:
            number = seconds / length
            return f"{round(number, 1):g} {unit}" if number < 10 else f"{number:,.0f} {unit}"
    raise AssertionError


def _wait_told(today: Outcome, proposed: Outcome) -> str:
    for name, before, after in (
        ("median wait", today.waits.median, proposed.waits.median),
        ("longest wait", today.waits.worst, proposed.waits.worst),
    ):
        if abs(before - after) >= max(1.0, 0.01 * before):
            return f"{name} {wait_text(before)} → {wait_text(after)}"
    return "waits as before"


def _bill_told(today: Outcome, proposed: Outcome) -> str:
    hours = (proposed.machine_seconds - today.machine_seconds) / 3600
    cost = (proposed.cost - today.cost) / 1_000_000
    told = "as many machine hours"
    if abs(hours) >= 0.05:
        told = f"{abs(hours):,.1f} {'more' if hours > 0 else 'fewer'} machine hours"
    return f"{told}, which cost {abs(cost):,.2f} {'more' if cost > 0 else 'less'}" if abs(cost) >= 0.005 else told


def _unserved_told(today: Outcome, proposed: Outcome) -> str:
    more = (proposed.unserved or 0) - (today.unserved or 0)
    return f"; {abs(more)} {'more' if more > 0 else 'fewer'} would wait for ever" if more else ""
