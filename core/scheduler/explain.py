"""Says why each queue of an environment waits, in a sentence that names figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from core.quantities import clock_time
from core.scheduler.reasons import Code, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.scheduler.plan import Environment, Outlook, Queue, StartingMachine


Status = Literal["created", "queued"]


class Sentence(NamedTuple):
    """Why something waits; `since` is when what `{age}` stands for began."""

    code: Code
    text: str
    since: float | None = None


def explain(environment: Environment, outlook: Outlook, now: float) -> Iterator[Reason]:
    """Yield a reason for everything that still waits once the plan was carried out."""
    machines = _closed(environment) or _machines(environment, outlook, now)
    endless = outlook.room.is_endless
    for queue in environment.queues:
        key = (queue.user_id, queue.team_id)
        promoted = outlook.promoted.get(key, 0)
        if queue.created_total > promoted:
            own = None if endless else _own(environment, queue, outlook, "created")
            code, text, since = own or machines
            yield Reason(environment.id, *key, "created", code, text, since)
        if queue.queued_total + promoted > outlook.assigned.get(key, 0):
            own = None if endless else _own(environment, queue, outlook, "queued")
            code, text, since = own or machines
            yield Reason(environment.id, *key, "queued", code, text, since)


def _own(environment: Environment, queue: Queue, outlook: Outlook, status: Status) -> Sentence | None:
    """Return what keeps this queue from going on, None where it is what keeps all of them."""
    if refused := _refused(environment, queue.team_id):
        return refused
    if not environment.usable or not environment.maximum_scale:
        return None
    return _quota(environment, queue, outlook, status)


def _refused(environment: Environment, team_id: int) -> Sentence | None:
    """Return that a team may use no machine at all, where it is so."""
    if environment.team_quotas.get(team_id, environment.other_teams_quota) != 0:
        return None
    team = environment.team_names.get(team_id)
    text = f"team {team} may not use this environment" if team else "this environment is for teams only"
    return Sentence(Code.TEAM_REFUSED, f"{text}: ask an admin, or move it to another one")


def _closed(environment: Environment) -> Sentence | None:
    """Return why nothing can start whatever the quotas and the machines do."""
    if not environment.enabled:
        return Sentence(Code.DISABLED, "the environment is disabled")
    if environment.fault is not None:
        return Sentence(Code.ENGINE, environment.fault)
    if environment.maximum_scale == 0:
        return Sentence(Code.MAXIMUM, "the environment's maximum scale is 0")
    return None


def _quota(environment: Environment, queue: Queue, outlook: Outlook, status: Status) -> Sentence | None:
    """Return the quota that keeps a queue from going on, None where there is room.

    What is `created` waits for its turn in the quota: what is queued before it counts as well.
    """
    room = outlook.reserved if status == "created" else outlook.room
    if room.left(queue.user_id, queue.team_id, 1):
        return None
    if room.quota and room.used_by_user(queue.user_id) >= room.quota:
        text = _in_use(outlook.room.used_by_user(queue.user_id), room.quota, "{whose} ", "")
        return Sentence(Code.USER_QUOTA, text)
    team = environment.team_names.get(queue.team_id)
    of_team = f" of team {team}" if team else " of those in no team"
    used = outlook.room.used_by_team(queue.team_id)
    return Sentence(Code.TEAM_QUOTA, _in_use(used, room.team_quota(queue.team_id) or 0, "the ", of_team))


def _in_use(used: int, quota: int, whose: str, of_whom: str) -> str:
    """Say that a quota is used up: by what runs, or by that and by what waits for a machine."""
    if used > quota:
        return f"quota: {whose}{_count(used)}{of_whom} in use {_be(used)} more than the {quota} allowed"
    if used < quota:
        what = "is waited for" if not used and quota == 1 else f"{_be(quota)} in use or waited for"
        return f"quota: {whose}{_count(quota)}{of_whom} {what} by earlier executions"
    if quota == 1:
        return f"quota: {whose}only machine{of_whom} is in use"
    return f"quota: {used} of {whose.removeprefix('the ')}{_count(quota)}{of_whom} are in use"


def _count(number: int) -> str:
    return "1 machine" if number == 1 else f"{number} machines"


def _be(number: int) -> str:
    return "is" if number == 1 else "are"


def _machines(environment: Environment, outlook: Outlook, now: float) -> Sentence:
    """Return why no machine is free."""
    busy = environment.busy + sum(outlook.assigned.values())
    so_far = f"{_busy(busy, environment.maximum_scale)}; " if busy else ""
    if busy >= environment.maximum_scale:
        return Sentence(Code.BUSY, _busy(busy, environment.maximum_scale))
    coming = _coming(environment, outlook, now)
    if coming is None:
        return Sentence(Code.SOON, "about to start")
    return coming._replace(text=so_far + coming.text)


def _busy(busy: int, maximum: int) -> str:
    if busy > maximum:
        return f"{_count(busy)} {_be(busy)} busy, more than the maximum scale of {maximum}"
    return "the only machine is busy" if maximum == 1 else f"{busy} of {maximum} machines {_be(busy)} busy"


def _coming(environment: Environment, outlook: Outlook, now: float) -> Sentence | None:
    """Return which machines are on their way, or why none is."""
    starting = [machine for machine in environment.starting if now < machine.deadline]
    if starting:
        return _starting(starting)
    if outlook.launched:
        number = outlook.launched
        text = "a machine is being started" if number == 1 else f"{number} machines are being started"
        return Sentence(Code.LAUNCHING, text)
    if environment.starting:
        return Sentence(Code.LAUNCH_FAILED, f"machine {environment.starting[0].name} did not start in its time")
    if environment.present >= environment.maximum_scale and environment.cordoned:
        number, maximum = environment.cordoned, environment.maximum_scale
        of_all = "the only machine" if maximum == 1 else f"{number} of {maximum} machines"
        return Sentence(Code.CORDONED, f"{of_all} {_be(number)} cordoned")
    return _not_launched(environment, now)


def _starting(starting: list[StartingMachine]) -> Sentence:
    first = min(starting, key=lambda machine: machine.since)
    if len(starting) == 1:
        return Sentence(Code.STARTING, f"machine {first.name} is starting, {{age}} so far", first.since)
    return Sentence(Code.STARTING, f"{len(starting)} machines are starting, the first for {{age}}", first.since)


def _not_launched(environment: Environment, now: float) -> Sentence | None:
    """Return why machines that are allowed are not asked for."""
    problem = environment.launch_problem
    if now < environment.launch_after:
        again = f"it is tried again at {clock_time(environment.launch_after)}"
        return Sentence(Code.LAUNCH_FAILED, f"{problem or 'the last machine did not start'}: {again}")
    if environment.launchable == 0:
        return Sentence(Code.NO_HOST, problem or "there is no room for another machine")
    return None
