"""What changing the limits of an environment would do to what waits and runs, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.environments.loads import Load, load
from core.environments.settings import LIMITS, read_limit
from core.environments.values import gpu_list
from core.errors import InvalidInputError
from core.machines.box import box_warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from core.environments.environment import Environment
    from core.session import Session

_SHOWN = 3


def consequence(session: Session, row: Load, answers: Mapping[str, str]) -> str | None:
    """Return what new limits would do to what waits and runs, None where nothing is to be said."""
    now = load(session, row.environment)
    told = [*_consequences(session, now, _values(now.environment, answers))]
    if warning := box_warning(session, now.environment, answers):
        told.append(warning)
    return "; ".join(told) or None


def waiting_text(number: int) -> str:
    """Return how many executions wait, in words."""
    return "1 execution waits" if number == 1 else f"{number or 'no'} executions wait"


def _values(environment: Environment, answers: Mapping[str, str]) -> dict[str, Any]:
    """Return the values that would be new; what cannot be is refused elsewhere."""
    values = {}
    for name in answers:
        try:
            value = read_limit(name, answers[name]) if name in LIMITS else None
        except InvalidInputError:
            continue
        if name in LIMITS and value != getattr(environment, name):
            values[name] = value
    return values


def _consequences(session: Session, now: Load, new: Mapping[str, Any]) -> Iterator[str]:
    if new.get("enabled") is False:
        yield from _disabled(session, now)
    elif "maximum_scale" in new:
        yield from _lowered(now, new["maximum_scale"])
    if "per_user_quota" in new:
        yield from _quota(session, now, new["per_user_quota"])
    if "teams" in new or "access" in new:
        yield from _teams(session, now, new)
    if "price_per_hour" in new and now.machines:
        present = (
            "the one that is present keeps its" if now.machines == 1 else f"the {now.machines} present keep theirs"
        )
        yield f"the new price holds for machines launched from then on, {present}"
    yield from _gpus(now.environment, new)


def _disabled(session: Session, now: Load) -> Iterator[str]:
    if now.waiting or now.running:
        yield (
            f"{waiting_text(now.waiting)} and will not start until it is on again; what runs goes on"
            f" ({now.running} now), and idle machines leave"
        )
    if session.environments.default_id() == now.environment.id:
        yield "it is the default: what names no environment is refused until it is on again"


def _lowered(now: Load, most: int) -> Iterator[str]:
    if most >= min(now.environment.maximum_scale, max(now.machines, now.running + now.waiting)):
        return
    running = f"{now.running} {'runs' if now.running == 1 else 'run'} and will not be ended"
    told = ", ".join([running] * (now.running > 0) + [waiting_text(now.waiting)] * (now.waiting > 0))
    if told:
        yield f"{told}: {f'at most {most} will run at once from then on' if most else 'none will start'}"


def _quota(session: Session, now: Load, quota: int) -> Iterator[str]:
    if not quota:
        return
    above = session.read("environment.see").execute(
        "SELECT u.name, sum(n.number) AS number FROM execution_counts n JOIN users u ON u.id = n.user_id"
        " WHERE n.environment_id = ? AND n.status IN ('started', 'stopping') GROUP BY u.id HAVING sum(n.number) > ?"
        " ORDER BY 2 DESC, 1",
        (now.environment.id, quota),
    )
    yield from _above("the quota of a user", [(row[0], row[1]) for row in above])


def _teams(session: Session, now: Load, new: Mapping[str, Any]) -> Iterator[str]:
    quotas = {each.team: each.quota for each in new.get("teams", now.environment.teams)}
    others = 0 if new.get("access", now.environment.access) == "teams" else None
    rows = (
        session.read("team.see")
        .execute(
            "SELECT coalesce(t.name, '') AS team, sum(n.number * (n.status IN ('started', 'stopping'))) AS running,"
            " sum(n.number * (n.status IN ('created', 'queued'))) AS waiting FROM execution_counts n"
            " LEFT JOIN teams t ON t.id = n.team_id WHERE n.environment_id = ? GROUP BY n.team_id ORDER BY 1",
            (now.environment.id,),
        )
        .fetchall()
    )
    of = {row["team"]: (quotas.get(row["team"], others), row["running"], row["waiting"]) for row in rows}
    stuck = [(team or "no team", waiting) for team, (quota, _, waiting) in of.items() if quota == 0 and waiting]
    for team, waiting in stuck[:_SHOWN]:
        yield f"{waiting_text(waiting)} for {team} and will not start: it may not use the environment"
    above = [(team or "no team", running) for team, (quota, running, _) in of.items() if (quota or running) < running]
    yield from _above("the quota of its team", above)


def _above(what: str, users: list[tuple[str, int]]) -> Iterator[str]:
    if users:
        names = ", ".join(f"{name} ({number})" for name, number in users[:_SHOWN])
        more = f" and {len(users) - _SHOWN} more" if len(users) > _SHOWN else ""
        yield f"more runs than {what} would allow, and is not ended: {names}{more}"


def _gpus(environment: Environment, new: Mapping[str, Any]) -> Iterator[str]:
    """Tell of machines for which there are no GPUs."""
    if environment.kind != "local" or not {"maximum_scale", "gpu_devices", "gpus_per_machine"} & {*new}:
        return
    each = new.get("gpus_per_machine", environment.gpus_per_machine)
    most = new.get("maximum_scale", environment.maximum_scale)
    gpus = len(gpu_list(new.get("gpu_devices", environment.gpu_devices)))
    if each and most > gpus // each:
        yield f"{gpus} GPUs, {each} a machine, are enough for {gpus // each} of {most} machines"
