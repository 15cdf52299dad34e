"""What an operator's day looks like: forty executions of three people, a quota, a maximum, and machines that go."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import pytest

from core.projects.manifest import read_manifest
from core.projects.specification import specify
from core.scheduler.engines.docker import DockerEngine
from core.scheduler.engines.engine import EngineDownError
from core.scheduler.sweep import instance_of
from tests.scheduler.farm import Farm
from tests.second_host import skip_without_second_host
from tests.workbench import Workbench, manifest, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core.session import Session
    from core.shoal import Shoal

pytestmark = [pytest.mark.docker, pytest.mark.slow]

PEOPLE = ("ada", "bob", "eve")
NUMBER = 40
QUOTA = 2
MAXIMUM = 5
GRACE = 2.0


@dataclass
class Watcher:
    """Looks again and again at how many containers run, as somebody beside Shoal would."""

    engines: Sequence[DockerEngine]
    label: str
    most: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            self.most = max(self.most, sum(self._running(engine) for engine in self.engines))

    def _running(self, engine: DockerEngine) -> int:
        with suppress(EngineDownError):  # a host that was killed runs nothing
            states = [engine.observe(name) for name in engine.names(self.label)]
            return sum(state is not None and state.status == "running" for state in states)
        return 0


def add_people(shoal: Shoal) -> None:
    """Add people who have no account of this box."""
    organization_id = shoal.session().actor.organization_id
    with shoal.database.transaction() as connection:
        for id_, name in enumerate(PEOPLE, start=100):
            connection.execute(
                "INSERT INTO users (id, uuid, name, created_at) VALUES (?, ?, ?, 0)", (id_, f"user-{name}", name)
            )
            connection.execute("INSERT INTO memberships VALUES (?, ?, 'member', 0)", (organization_id, id_))


def submit(bench: Workbench, yaml: str, environment: str) -> None:
    """Have everybody's executions created, one after the other."""
    (bench.directory / "valohai.yaml").write_text(yaml)
    commit = bench.session.projects.commit_working_tree(bench.project, bench.directory)
    specification = specify(read_manifest(commit.yaml), "step", environment=environment)
    sessions = [bench.shoal.session(name) for name in PEOPLE]
    for number in range(NUMBER):
        sessions[number % len(PEOPLE)].executions.create(bench.project, commit, specification)


def most_at_once(intervals: Sequence[tuple[float, float]]) -> int:
    """Return how many intervals overlap at most; one that begins when another ends does not overlap it."""
    moments = sorted([(begin, 1) for begin, _ in intervals] + [(end, -1) for _, end in intervals])
    most = current = 0
    for _, change in moments:
        current += change
        most = max(most, current)
    return most


def leases(session: Session, user: str | None = None) -> list[tuple[float, float]]:
    """Return from when to when machines were leased, to everybody or to one person, by the account."""
    rows = session.read("machine.see").execute(
        "SELECT x.began_at, x.ended_at FROM machine_usage x JOIN executions e ON e.id = x.execution_id"
        " JOIN users u ON u.id = e.user_id WHERE x.kind = 'execution' AND (? IS NULL OR u.name = ?)",
        (user, user),
    )
    return [(row[0], row[1]) for row in rows]


def kept_limits(session: Session) -> None:
    """Check what the account says: nobody above the quota, all together at the maximum and not above."""
    assert most_at_once(leases(session)) == MAXIMUM
    assert [most_at_once(leases(session, user)) for user in PEOPLE] == [QUOTA] * len(PEOPLE)


def went_after_their_grace(session: Session) -> None:
    """Check that every machine was idle for its grace period before it went."""
    until(lambda: present(session) == 0, "the end of the last machine")
    rows = (
        session.read("machine.see")
        .execute(
            "SELECT m.name, sum(x.ended_at - x.began_at) FROM machines m JOIN machine_usage x ON x.machine_id = m.id"
            " WHERE x.kind IN ('grace', 'idle') AND x.began_at >= (SELECT max(y.ended_at) FROM machine_usage y"
            " WHERE y.machine_id = m.id AND y.kind = 'execution') GROUP BY m.id"
        )
        .fetchall()
    )
    assert rows
    for name, idle in rows:
        assert idle >= GRACE - 0.001, f"{name} went after {idle} s"


def present(session: Session) -> int:
    """Return how many machines are present."""
    row = session.read("machine.see").execute("SELECT count(*) FROM machines WHERE state != 'gone'").fetchone()
    return int(row[0])


def statuses(session: Session) -> dict[str, int]:
    """Return how many executions are in each status that any is in."""
    return {status: number for status, number in session.executions.counts().items() if number}


@pytest.fixture
def farm(bench: Workbench) -> Iterator[Farm]:
    """The same people's environment of hosts."""
    skip_without_second_host()
    farm = Farm(bench.shoal)
    yield farm
    bench.scheduler.kill()
    farm.close()


@pytest.fixture
def bench(idle_workbench: Workbench) -> Workbench:
    """A project of three people whose scheduler runs."""
    add_people(idle_workbench.shoal)
    idle_workbench.scheduler.start()
    return idle_workbench


def limits() -> dict[str, str]:
    """Return the settings of an environment that three people share."""
    return {"maximum_scale": str(MAXIMUM), "per_user_quota": str(QUOTA), "scale_down_grace_period": str(GRACE)}


def test_forty_executions_of_three_people_keep_every_limit(bench: Workbench, busybox: str) -> None:
    session = bench.session
    session.environments.create("shared", network="none", **limits())
    submit(bench, manifest(busybox, "sleep 0.5", "echo done > /valohai/outputs/done.txt"), "shared")
    with Watcher([DockerEngine()], f"shoal.instance={instance_of(session)}") as watcher:
        until(lambda: statuses(session) == {"complete": NUMBER}, "the end of all")
    assert 1 < watcher.most <= MAXIMUM
    kept_limits(session)
    went_after_their_grace(session)
    assert attempts(session) == [1] * NUMBER
    assert len(session.files.list(bench.project, limit=1000).rows) == NUMBER


def test_a_host_killed_in_the_middle_loses_nothing(bench: Workbench, farm: Farm, busybox: str) -> None:
    session = bench.session
    farm.set(**limits(), host_timeout="3s", restart_lost="on")
    hosts = [farm.add(slots="3"), farm.add(slots="2")]
    for host in hosts:
        host.load(busybox)
    farm.until_health("up", 1)
    farm.until_health("up", 2)
    submit(bench, manifest(busybox, "sleep 0.5", "echo done > /valohai/outputs/done.txt"), "farm")
    with Watcher([host.engine for host in hosts], f"shoal.instance={instance_of(session)}") as watcher:
        until(lambda: statuses(session).get("complete", 0) >= 5 and leased_of(farm, "gpu-2"), "work on both hosts")
        hosts[1].kill()
        until(lambda: sum(number > 1 for number in attempts(session)), "what was lost to be started again")
        until(lambda: statuses(session) == {"complete": NUMBER}, "the end of all")
    assert 1 < watcher.most <= MAXIMUM
    kept_limits(session)
    assert max(attempts(session)) == 2
    assert len(session.files.list(bench.project, limit=1000).rows) == NUMBER
    farm.set(maximum_scale="0")
    until(lambda: present(session) == 0, "the end of the last machine")


def leased_of(farm: Farm, host: str) -> int:
    """Return how many machines of a host run something."""
    return sum(machine.host == host for machine in farm.machines("leased"))


def attempts(session: Session) -> list[int]:
    """Return how many attempts each execution took."""
    rows = session.read("execution.see").execute("SELECT max(number) FROM attempts GROUP BY execution_id")
    return [row[0] for row in rows]
