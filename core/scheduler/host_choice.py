"""Which host a new machine comes from: one that is up, else one that a start command may bring up."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

from core.quantities import clock_time
from core.scheduler import gpus

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

FIRST_BACK_OFF = 15.0
LONGEST_BACK_OFF = 600.0
"""Seconds after a failed launch before a host is tried again: they double with each failure in a row."""
GOES_WITHIN = 60.0
"""Seconds for which a host may still answer after its stop command was done."""


class Choice(NamedTuple):
    """The host that a new machine comes from; where it is not `ready` it has to be started."""

    host_id: int
    ready: bool


class Offer(NamedTuple):
    """What a host gives now: how many more machines, `ready` at once or not before `after`.

    `problem` says why none, where that is not because all are taken, or why the last launch failed.
    """

    host_id: int
    free: int
    ready: bool
    after: float
    problem: str


def back_off(failures: int) -> float:
    """Return how long to wait after that many failures in a row."""
    return min(FIRST_BACK_OFF * 2 ** (min(failures, 12) - 1), LONGEST_BACK_OFF) if failures else 0.0


def retry_at(failed_at: float | None, failures: int, now: float) -> float:
    """Return when to try again; a failure of the future, which a clock that was set back leaves, holds nothing up."""
    return 0.0 if failed_at is None or failed_at > now else failed_at + back_off(failures)


def offers(connection: sqlite3.Connection, environment_id: int, now: float) -> Sequence[Offer]:
    """Return what every host of an environment gives, by name."""
    rows = connection.execute(
        "SELECT h.*, v.gpus_per_machine,"
        " (SELECT count(*) FROM machines m WHERE m.host_id = h.id AND m.state != 'gone') AS present"
        " FROM hosts h JOIN environments v ON v.id = h.environment_id"
        " WHERE h.environment_id = ? AND h.deleted_at IS NULL ORDER BY h.name",
        (environment_id,),
    ).fetchall()
    return [_offer(connection, row, now) for row in rows]


def choose(connection: sqlite3.Connection, environment_id: int, number: int, now: float) -> Sequence[Choice]:
    """Return the hosts that the next `number` machines come from, fewer where they give fewer.

    One that is up comes before one that is not, and of those the emptiest.
    """
    able = [
        (not offer.ready, -offer.free, offer.host_id)
        for offer in offers(connection, environment_id, now)
        if offer.free and now >= offer.after
    ]
    heapq.heapify(able)
    chosen: list[Choice] = []
    while able and len(chosen) < number:
        is_down, minus_free, host_id = able[0]
        chosen.append(Choice(host_id, not is_down))
        if minus_free < -1:
            heapq.heapreplace(able, (is_down, minus_free + 1, host_id))
        else:
            heapq.heappop(able)
    return chosen


def _offer(connection: sqlite3.Connection, host: sqlite3.Row, now: float) -> Offer:
    free = host["slots"] - host["present"]
    if host["gpus_per_machine"]:
        unused = len(gpus.free(connection, host["gpu_devices"], host["id"]))
        free = min(free, unused // host["gpus_per_machine"])
    problem = _problem(connection, host, now)
    ready = host["health"] == "up"
    if problem or ready or free <= 0:
        return Offer(host["id"], 0 if problem else max(free, 0), ready, 0.0, problem)
    return Offer(host["id"], free, ready, retry_at(host["failed_at"], host["failures"], now), host["failure"])


def _problem(connection: sqlite3.Connection, host: sqlite3.Row, now: float) -> str:
    """Return why a host gives no machine whether one is free or not, empty where it does."""
    name = host["name"]
    if host["cordoned"]:
        return f"host {name} is cordoned"
    if is_stopping(connection, host, now):
        return f"host {name} is being stopped"
    if host["health"] == "refused" or (host["health"] != "up" and not host["start_command"]):
        return health_sentence(name, host["health"], host["health_at"], host["health_detail"])
    if host["health"] == "unknown":
        return f"host {name} is being looked at"
    return ""


def is_stopping(connection: sqlite3.Connection, host: sqlite3.Row, now: float) -> bool:
    """Tell whether a host's stop command runs, or ran a moment ago and the host still answers."""
    last = connection.execute(
        "SELECT kind, ended_at, exit_code FROM host_commands WHERE host_id = ? ORDER BY id DESC LIMIT 1", (host["id"],)
    ).fetchone()
    if last is None or last["kind"] != "stop":
        return False
    if last["ended_at"] is None:
        return True
    return bool(host["health"] == "up" and last["exit_code"] == 0 and 0 <= now - last["ended_at"] < GOES_WITHIN)


def health_sentence(name: str, health: str, since: float | None, detail: str) -> str:
    """Say how a host is: `host gpu-2 does not answer since 14:02 (connection refused)`."""
    if health == "unknown":
        return f"host {name} was not looked at yet"
    when = "" if since is None else f" since {clock_time(since)[:5]}"
    if health == "up":
        return f"host {name} answers{when}"
    first = "does not answer"
    if detail.startswith(first):
        return f"host {name} {first}{when}{detail.removeprefix(first)}"
    return f"host {name} {detail} ({when.strip()})" if when else f"host {name} {detail}"
