"""Looks an installation over: what is well, what is not, and what to do about it.

It works on a home rather than through a Session, since it is for the day on which no Session can be had: who may read
the home's files may know this.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from core.errors import ShoalError
from core.machines.box import box_warnings
from core.quantities import age, size
from core.scheduler.host_choice import health_sentence
from core.scheduler.lease import STALE_AFTER, holder, is_held
from core.secrets import Secrets
from data.database import Database
from data.migrations import SCHEMA_VERSION, schema_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.home import Home
    from core.scheduler.engines.docker_connection import DockerConnection

LITTLE_SPACE = 5 * 1000**3
NO_SPACE = 500 * 1000**2
NEWEST_FILES = 100
_SHOWN = 5
_CLOCK_SLACK = 60.0
_UNDER_WAY = 3600.0
"""Seconds within which an upload that lies in the store already is surely committed."""
_SOFTWARE_WRITTEN = 1_760_000_000
"""No clock that is right shows a time before this release was written."""


@dataclass(frozen=True, slots=True)
class Check:
    """What one look found; `next_step` says what to do where it is not `ok`."""

    name: str
    state: Literal["ok", "warn", "fail"]
    message: str
    next_step: str = ""


def examine(home: Home) -> Iterator[Check]:
    """Yield what is found, one check after the other; nothing is changed."""
    if not home.root.is_dir():
        yield Check("home", "fail", f"there is none at {home.root}", "run `shoal init` in a project's directory")
        yield from _guarded("docker", lambda: _docker(frozenset(), []))
        return
    yield from _guarded("home", lambda: _home(home))
    yield from _guarded("disk", lambda: _disk(home))
    database = Database(home.database)
    readable = False
    for check in _guarded("database", lambda: _database(home, database)):
        readable = readable or check.state == "ok"
        yield check
    networks, images = frozenset[str](), list[str]()
    if readable:
        yield from _guarded("schema", lambda: _schema(home))
        yield from _guarded("files", lambda: _files(home, database))
        yield from _guarded("secrets", lambda: _secrets(home, database))
        yield from _guarded("scheduler", lambda: _scheduler(home, database))
        yield from _guarded("alarm", lambda: _alarms(home, database))
        yield from _guarded("clock", lambda: _clock(database))
        yield from _guarded("machines", lambda: _machines(home, database))
        networks, images = _networks(database), _waiting_images(database)
    database.close()
    yield from _guarded("docker", lambda: _docker(networks, images))
    yield _git()


def _guarded(name: str, look: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    """Let a look that cannot be taken be one finding, not the end of all."""
    try:
        yield from look()
    except (OSError, sqlite3.Error, ShoalError) as error:
        message = error.message if isinstance(error, ShoalError) else str(error)
        yield Check(name, "fail", message, "see to what it says, then run `shoal doctor` again")


def _home(home: Home) -> Iterator[Check]:
    status = home.root.stat()
    if status.st_uid != os.getuid():
        yield Check("home", "fail", f"{home.root} belongs to another user", "set SHOAL_HOME to a directory of your own")
    elif stat.S_IMODE(status.st_mode) & 0o077:
        yield Check("home", "warn", f"others may look into {home.root}", f"chmod 700 {home.root}")
    elif not os.access(home.root, os.W_OK | os.X_OK):
        yield Check("home", "fail", f"{home.root} cannot be written", f"chmod 700 {home.root}")
    else:
        yield Check("home", "ok", str(home.root))


def _disk(home: Home) -> Iterator[Check]:
    free = shutil.disk_usage(home.root).free
    message = f"{size(free)} free at {home.root}"
    step = "free some space, or lower `shoal settings set input_cache_size BYTES`"
    if free < NO_SPACE:
        yield Check("disk", "fail", message, step)
    elif free < LITTLE_SPACE:
        yield Check("disk", "warn", message, step)
    else:
        yield Check("disk", "ok", message)


def _database(home: Home, database: Database) -> Iterator[Check]:
    if not home.database.exists():
        yield Check(
            "database", "fail", f"there is none in {home.root}", "run `shoal init`, or `shoal restore` a backup"
        )
        return
    restore = "stop the scheduler, then `shoal restore BACKUP --replace`"
    try:
        connection = database.reader()
        found = [row[0] for row in connection.execute(f"PRAGMA quick_check({_SHOWN})")]
        if found != ["ok"]:
            yield Check("database", "fail", f"damaged: {'; '.join(found)}", restore)
            return
        broken = connection.execute("PRAGMA foreign_key_check").fetchmany(_SHOWN)
    except sqlite3.DatabaseError as error:
        yield Check("database", "fail", f"cannot be read: {error}", restore)
        return
    if broken:
        tables = ", ".join(sorted({row[0] for row in broken}))
        yield Check("database", "fail", f"rows of {tables} refer to what is not there", restore)
    else:
        yield Check("database", "ok", f"whole, {size(home.database.stat().st_size)}")


def _schema(home: Home) -> Iterator[Check]:
    version = schema_version(home.database)
    if version > SCHEMA_VERSION:
        yield Check("schema", "fail", f"version {version} is of a newer Shoal", "install that release")
    elif version < SCHEMA_VERSION:
        yield Check("schema", "warn", f"version {version} is older", "any other command brings it up to date")
    else:
        yield Check("schema", "ok", f"version {version}")


def _files(home: Home, database: Database) -> Iterator[Check]:
    rows = database.reader().execute("SELECT key, size FROM files ORDER BY id DESC LIMIT ?", (NEWEST_FILES,)).fetchall()
    missing = [row["key"] for row in rows if _size_of(home.store / row["key"]) != row["size"]]
    if missing:
        message = f"{len(missing)} of the newest {len(rows)} are missing or damaged in {home.store}: {missing[0]!r}"
        yield Check("files", "fail", message, "restore a backup that was made with --files")
    else:
        yield Check("files", "ok", f"the newest {len(rows)} are in the store")
    if orphans := _orphaned_uploads(home, database):
        paths = " ".join(shlex.quote(str(path)) for path in orphans[:_SHOWN])
        message = f"uploads that were cut short lie in the store: {len(orphans)}, {size(_bytes_of(orphans))}"
        yield Check("uploads", "warn", message, f"remove them: {paths}{' …' if len(orphans) > _SHOWN else ''}")


def _orphaned_uploads(home: Home, database: Database) -> list[Path]:
    """Return the directories of uploads that no file refers to, but for those that may be under way."""
    known = {row["uuid"] for row in database.reader().execute("SELECT uuid FROM files WHERE execution_id IS NULL")}
    found = (path for path in home.store.glob("data/*/*/upload/*") if path.name not in known)
    return [path for path in found if time.time() - path.stat().st_mtime > _UNDER_WAY and any(path.iterdir())]


def _bytes_of(directories: list[Path]) -> int:
    return sum(path.lstat().st_size for directory in directories for path in directory.rglob("*") if path.is_file())


def _size_of(path: Path) -> int | None:
    try:
        return path.lstat().st_size
    except OSError:
        return None


def _secrets(home: Home, database: Database) -> Iterator[Check]:
    if schema_version(home.database) < SCHEMA_VERSION:
        return
    number = database.reader().execute("SELECT count(*) FROM secrets").fetchone()[0]
    if problem := Secrets(database, home).problem():
        step = "put the master key back from where it was kept apart from the backups, or give the secrets anew"
        yield Check("secrets", "fail", problem, step)
    elif number:
        yield Check("secrets", "ok", f"{number} open; no backup holds their master key: keep a copy elsewhere")
    else:
        yield Check("secrets", "ok", "there are none")


def _machines(home: Home, database: Database) -> Iterator[Check]:
    """Look whether what machines may take is there, and whether hosts answer."""
    if schema_version(home.database) < SCHEMA_VERSION:
        return
    connection = database.reader()
    told = box_warnings(connection)
    for line in told:
        yield Check("machines", "warn", line, "lower the maximum scale or the machines' limits of an environment")
    if not told:
        yield Check("machines", "ok", "what the environments of this box may take is there")
    rows = connection.execute(
        "SELECT h.* FROM hosts h JOIN environments v ON v.id = h.environment_id"
        " WHERE h.deleted_at IS NULL AND v.enabled ORDER BY h.name"
    ).fetchall()
    away = [row for row in rows if row["health"] == "refused" or (row["health"] == "down" and not row["start_command"])]
    for row in away[:_SHOWN]:
        sentence = health_sentence(row["name"], row["health"], row["health_at"], row["health_detail"])
        yield Check("hosts", "warn", sentence, f"look at it with `shoal hosts test {row['name']}`")
    if rows and not away:
        up = sum(row["health"] == "up" for row in rows)
        yield Check("hosts", "ok", f"{up} of {len(rows)} answered when the scheduler looked last")


def _scheduler(home: Home, database: Database) -> Iterator[Check]:
    held, last = is_held(home), holder(database.reader())
    rows = database.reader().execute("SELECT status, sum(number) FROM execution_counts GROUP BY status")
    counts = {status: number for status, number in rows if number}
    waiting = counts.get("created", 0) + counts.get("queued", 0)
    running = counts.get("started", 0) + counts.get("stopping", 0)
    if held and last is not None and time.time() - last.renewed_at > STALE_AFTER:
        message = f"{last.name} gave no sign of life for {age(time.time() - last.renewed_at)}"
        yield Check("scheduler", "fail", message, "end that process and start `shoal up`: containers go on")
    elif held:
        yield Check("scheduler", "ok", f"{last.name if last else 'one'} runs, {_waiting(waiting)}")
    elif waiting or running:
        under_way = "1 is under way" if running == 1 else f"{running} are under way"
        wanting = [_waiting(waiting)] * (waiting > 0) + [under_way] * (running > 0)
        yield Check("scheduler", "warn", f"none runs, and {' and '.join(wanting)}", "start one with `shoal up`")
    else:
        yield Check("scheduler", "ok", "none runs, and nothing waits")


def _waiting(number: int) -> str:
    return "1 execution waits" if number == 1 else f"{number} executions wait"


def _alarms(home: Home, database: Database) -> Iterator[Check]:
    """Yield what is alarming, but for what is looked at here more closely."""
    from core.alarms import look  # noqa: PLC0415 - needs a database of this release

    current = schema_version(home.database) == SCHEMA_VERSION
    for alarm in look(database.reader(), home, time.time()) if current else ():
        if alarm.kind not in {"scheduler", "disk"}:
            yield Check("alarm", alarm.level, alarm.sentence, f"look at `{alarm.address}` in the console")


def _clock(database: Database) -> Iterator[Check]:
    now = time.time()
    newest = database.reader().execute("SELECT at FROM changes ORDER BY seq DESC LIMIT 1").fetchone()
    step = "set the clock, and let it be kept (systemd-timesyncd, chrony)"
    if now < _SOFTWARE_WRITTEN:
        yield Check("clock", "fail", f"it shows {time.strftime('%Y-%m-%d', time.gmtime(now))}", step)
    elif newest is not None and newest["at"] > now + _CLOCK_SLACK:
        yield Check("clock", "warn", f"the last change is {age(newest['at'] - now)} in the future", step)
    else:
        yield Check("clock", "ok", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)))


def _networks(database: Database) -> frozenset[str]:
    rows = database.reader().execute("SELECT DISTINCT network FROM environments WHERE enabled AND deleted_at IS NULL")
    return frozenset(row["network"] for row in rows)


def _waiting_images(database: Database) -> list[str]:
    rows = database.reader().execute(
        "SELECT DISTINCT image FROM executions WHERE status IN ('created', 'queued') LIMIT ?", (_SHOWN,)
    )
    return [row["image"] for row in rows]


def _docker(networks: frozenset[str], images: list[str]) -> Iterator[Check]:
    """Look at the Docker Engine, and at what the enabled environments and the waiting executions need of it."""
    from core.scheduler.engines.docker_connection import DockerConnection, docker_host  # noqa: PLC0415

    docker = DockerConnection()
    try:
        information: dict[str, Any] = docker.ask("/info") or {}
        yield Check("docker", "ok", f"{information.get('ServerVersion', 'unknown version')} at {docker_host()}")
        missing = [
            name for name, key in (("memory", "MemoryLimit"), ("CPU", "CpuCfsQuota")) if not information.get(key)
        ]
        if missing:
            message = f"the kernel gives no {' and '.join(missing)} limit to containers"
            yield Check("limits", "warn", message, "boot with cgroup_enable=memory, or set no such limits")
        else:
            yield Check("limits", "ok", f"memory and CPU, cgroup v{information.get('CgroupVersion', '1')}")
        if "bridge" in networks and docker_host().startswith("unix://"):
            yield _bridge(docker)
        if images:
            yield _images(docker, images)
    finally:
        docker.close()


def _bridge(docker: DockerConnection) -> Check:
    options = (docker.ask("/networks/bridge") or {}).get("Options") or {}
    name = str(options.get("com.docker.network.bridge.name", "docker0"))
    if Path("/sys/class/net", name).exists():
        return Check("network", "ok", f"the bridge {name}")
    step = "restart the Docker Engine, or `shoal environments set ENVIRONMENT --network host`"
    return Check("network", "fail", f"Docker's bridge {name} is gone: no container on it can start", step)


def _images(docker: DockerConnection, images: list[str]) -> Check:
    absent = [image for image in images if docker.ask(f"/images/{quote(image, safe='/:@')}/json") is None]
    if not absent:
        return Check("images", "ok", "what the waiting executions need is here")
    return Check("images", "warn", f"{', '.join(absent)} will be pulled first", "see that a registry can be reached")


def _git() -> Check:
    if shutil.which("git"):
        return Check("git", "ok", "is installed")
    return Check("git", "warn", "is not installed: only ad-hoc code runs", "install git")
