"""What an operator should see to: nothing is scheduled, a host is down, a disk fills, machines do not come up.

An alarm's sentence names moments and not ages: as long as nothing changes it stays the same, and a console that shows
it sends nothing.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from core.quantities import clock_time, size
from core.resources.address import address
from core.scheduler.host_choice import health_sentence
from core.scheduler.lease import STALE_AFTER, holder, is_held

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from core.home import Home
    from core.session import Session

Level = Literal["fail", "warn"]

DOCKER_ROOT = Path("/var/lib/docker")
DOCKER_SETTINGS = Path("/etc/docker/daemon.json")
RECENT_MACHINES = 200
"""Machines among which those are looked for that did not come up."""


class Alarm(NamedTuple):
    """One thing to see to: `kind` is a word for it, `address` the place in the console where to look."""

    level: Level
    kind: str
    sentence: str
    address: str


def alarms(session: Session, now: float | None = None) -> Sequence[Alarm]:
    """Return what is wrong at a moment, the worst first."""
    session.require("environment.see")
    return look(session.read("organization.see"), session.home, time.time() if now is None else now)


def look(connection: sqlite3.Connection, home: Home, now: float) -> Sequence[Alarm]:
    """Return what is wrong with a home, the worst first."""
    limits = _limits(connection)
    found = [
        *_scheduler(connection, home, now),
        *_disks(home, limits["disk_alarm"]),
        *_hosts(connection),
        *_engines(connection),
        *_launches(connection, now, limits["alarm_after"]),
    ]
    # Where no scheduler answers, what keeps work waiting is known, and what was said of it is old.
    if limits["alarm_after"] and not any(alarm.kind == "scheduler" for alarm in found):
        found += _stuck(connection, now, limits["alarm_after"])
    return sorted(found, key=lambda alarm: alarm.level != "fail")


def _limits(connection: sqlite3.Connection) -> Mapping[str, Any]:
    from core.settings import SETTINGS  # noqa: PLC0415 - which the rules of many other things stand in

    rows = connection.execute("SELECT key, value FROM settings WHERE key IN ('alarm_after', 'disk_alarm')")
    return {key: SETTINGS[key].default for key in ("alarm_after", "disk_alarm")} | {
        key: json.loads(value) for key, value in rows
    }


def _scheduler(connection: sqlite3.Connection, home: Home, now: float) -> Iterator[Alarm]:
    rows = connection.execute(
        "SELECT sum(number) FROM execution_counts WHERE status IN ('created', 'queued', 'started', 'stopping')"
    )
    work = rows.fetchone()[0] or 0
    if not work:
        return
    if not is_held(home):
        yield Alarm("fail", "scheduler", "no scheduler runs: `shoal up` starts one", "about")
    elif (last := holder(connection)) is not None and now - last.renewed_at > STALE_AFTER:
        since = clock_time(last.renewed_at)
        yield Alarm("fail", "scheduler", f"the scheduler {last.name} does not answer since {since}", "about")


def _disks(home: Home, at: int) -> Iterator[Alarm]:
    """Look at the file systems of the home and of Docker on this box; one that both share is one alarm."""
    if at >= 100:
        return
    seen: set[int] = set()
    for whose, path in (("the home", home.root), ("Docker", docker_root())):
        try:
            device = path.stat().st_dev
            status = os.statvfs(path)
        except OSError:
            continue
        if device in seen or not status.f_blocks:
            continue
        seen.add(device)
        usable = status.f_blocks - status.f_bfree + status.f_bavail
        taken = 100 * (1 - status.f_bavail / usable) if usable else 100.0
        if taken >= at:
            yield Alarm(
                "fail" if taken >= 99.5 else "warn",
                "disk",
                f"the disk of {whose} is {int(taken)} % full, {size(status.f_bavail * status.f_frsize)} are free",
                "about",
            )


def docker_root() -> Path:
    """Return the directory in which Docker on this box keeps images and containers, as far as its settings can be read.

    Docker itself is not asked: that takes a tenth of a second, and as long as it likes when it is in trouble.
    """
    try:
        return Path(json.loads(DOCKER_SETTINGS.read_bytes())["data-root"])
    except (OSError, ValueError, KeyError, TypeError):
        return DOCKER_ROOT


def _hosts(connection: sqlite3.Connection) -> Iterator[Alarm]:
    """Look for hosts that are down, but for those that sleep until a start command wakes them."""
    rows = connection.execute(
        "SELECT h.*, EXISTS (SELECT 1 FROM machines m WHERE m.host_id = h.id AND m.state != 'gone') AS is_used"
        " FROM hosts h WHERE h.health IN ('down', 'refused') AND h.deleted_at IS NULL AND NOT h.cordoned"
        " ORDER BY h.name"
    )
    for row in rows:
        if row["health"] == "refused" or row["is_used"] or not row["start_command"]:
            sentence = health_sentence(row["name"], row["health"], row["health_at"], row["health_detail"])
            yield Alarm("fail", "host", sentence, address("host", row["name"]))


def _engines(connection: sqlite3.Connection) -> Iterator[Alarm]:
    """Look for environments of this box whose work waits for its Docker Engine: what hosts do is told of each."""
    rows = connection.execute(
        "SELECT v.slug, min(w.reason) AS reason FROM waiting_reasons w JOIN environments v ON v.id = w.environment_id"
        " WHERE w.code = 'engine' AND v.kind = 'local' AND v.deleted_at IS NULL GROUP BY v.id ORDER BY v.slug"
    )
    for row in rows:
        yield Alarm("fail", "engine", f"nothing starts in {row['slug']}: {row['reason']}", "about")


def _launches(connection: sqlite3.Connection, now: float, within: float) -> Iterator[Alarm]:
    """Look for machines that were given up lately."""
    rows = connection.execute(
        "SELECT v.slug, count(*) AS failed, max(m.id), m.reason FROM machines m"
        " JOIN environments v ON v.id = m.environment_id"
        " WHERE m.id > (SELECT coalesce(max(id), 0) FROM machines) - ? AND m.state = 'gone' AND m.ready_at IS NULL"
        " AND m.gone_at > ? AND m.reason NOT IN ('', 'drained') GROUP BY v.slug ORDER BY v.slug",
        (RECENT_MACHINES, now - max(within, 60.0)),
    )
    for slug, failed, _, reason in rows:
        number = "a machine" if failed == 1 else f"{failed} machines"
        yield Alarm("warn", "launch", f"{number} of {slug} did not come up: {reason}", address("environment", slug))


def _stuck(connection: sqlite3.Connection, now: float, after: float) -> Iterator[Alarm]:
    """Look for environments in which work that could run has waited too long, while nothing began and nothing ended."""
    rows = connection.execute(
        "SELECT w.environment_id, v.slug, min(w.able_since) AS since, w.reason FROM waiting_reasons w"
        " JOIN environments v ON v.id = w.environment_id WHERE w.able_since IS NOT NULL"
        " AND NOT (w.code = 'engine' AND v.kind = 'local')"
        " GROUP BY w.environment_id HAVING min(w.able_since) <= ? ORDER BY v.slug",
        (now - after,),
    )
    for row in rows:
        if _anything_moved(connection, row["environment_id"], now - after):
            continue
        # Without its age, which would be another one at each look.
        reason = row["reason"].replace("{whose} ", "").replace(", {age} so far", "").replace("{age}", "a while")
        since = clock_time(row["since"])[:5]
        sentence = f"work waits in {row['slug']} since {since} and nothing begins: {reason}"
        yield Alarm("fail", "stuck", sentence, address("environment", row["slug"]))


def _anything_moved(connection: sqlite3.Connection, environment_id: int, since: float) -> bool:
    """Tell whether an execution was given a machine or gave one back: what was busy until now may still come up."""
    row = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM machine_usage WHERE ended_at IS NULL AND kind = 'execution'"
        " AND environment_id = :environment AND began_at > :since)"
        " OR EXISTS (SELECT 1 FROM machine_usage WHERE ended_at > :since AND kind = 'execution'"
        " AND environment_id = :environment)",
        {"environment": environment_id, "since": since},
    ).fetchone()
    return bool(row[0])
