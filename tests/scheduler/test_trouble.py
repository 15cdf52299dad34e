"""What goes wrong around a scheduler: engines that hang, a database that is held, a clock that is set, losses."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import textwrap
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.executions import transitions
from core.scheduler import machines
from core.scheduler.engines.engine import EngineDownError
from core.scheduler.engines.engines import Seen
from core.scheduler.providers import hosts
from core.scheduler.providers.hosts import HostsProvider
from tests.scheduler.farm import Farm
from tests.second_host import skip_without_second_host
from tests.workbench import Workbench, manifest, until

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import NoReturn

    from core.session import Session
    from core.shoal import Shoal
    from tests.enacted import Enacted

PATCHED_CLOCK = """
import os, time
real, place = time.time, os.environ["TESTED_CLOCK"]
time.time = lambda: real() + float(open(place).read() or 0)
"""


class UpEngines:
    """Hosts that are seen up, and whose engines do not answer for all that."""

    def __init__(self, opened: list[int]) -> None:
        self._opened = opened

    def watch(self, targets: Iterable[object], hurried: Iterable[int]) -> None:
        """Look at nothing."""

    def seen(self, host_id: int) -> Seen:  # noqa: ARG002
        return Seen("up", "")

    def open(self, host_id: int) -> NoReturn:
        self._opened.append(host_id)
        message = "the line is cut"
        raise EngineDownError(message)


@pytest.fixture
def farm(idle_workbench: Workbench) -> Iterator[Farm]:
    skip_without_second_host()
    farm = Farm(idle_workbench.shoal)
    farm.scheduler = idle_workbench.scheduler
    yield farm
    farm.close()


def test_an_execution_under_which_machines_are_lost_again_and_again_ends(enacted: Enacted, system: Session) -> None:
    enacted.session.environments.set("local", restart_lost="on")
    execution = enacted.create("train")
    for number in range(1, transitions.MOST_ATTEMPTS + 1):
        started = enacted.start(execution)
        with system.write("execution.run") as connection:
            again = transitions.lose(connection, execution.id, "host gpu-2 did not answer for 5 min")
            machines.vanish(connection, started.machine_id or 0, "")
        assert again == (number < transitions.MOST_ATTEMPTS)
    ended = enacted.session.executions.by_id(execution.id)
    assert ended.status == "crashed"
    assert "started 5 times and each machine was lost" in ended.reason
    assert "the program did not fail" not in ended.reason


@pytest.mark.docker
def test_a_scheduler_waits_for_a_database_that_another_process_holds(shoal: Shoal, workbench: Workbench) -> None:
    workbench.scheduler.stop()
    holder = sqlite3.connect(shoal.home.database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    log = shoal.home.root / "scheduler.log"
    starting = threading.Thread(target=workbench.scheduler.start)
    starting.start()
    until(lambda: "waiting for the database" in log.read_text(), "a try that failed")
    holder.rollback()
    holder.close()
    starting.join()
    assert "Traceback" not in log.read_text()


@pytest.mark.docker
def test_a_clock_that_is_set_back_keeps_no_machine(idle_workbench: Workbench, busybox: str, tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_text("0")
    (tmp_path / "sitecustomize.py").write_text(textwrap.dedent(PATCHED_CLOCK))
    scheduler = idle_workbench.scheduler
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    scheduler.environment |= {"TESTED_CLOCK": str(clock), "PYTHONPATH": path}
    idle_workbench.session.environments.set("local", scale_down_grace_period="8")
    scheduler.start()
    assert idle_workbench.run(manifest(busybox, "echo ran")).status == "complete"
    clock.write_text("-3600")
    query = "SELECT state, idle_since, gone_at FROM machines"
    reader = idle_workbench.shoal.database.reader()
    until(lambda: reader.execute(query).fetchone()["state"] == "gone", "the end of the machine")
    clock.write_text("86400")
    assert idle_workbench.run(manifest(busybox, "echo ran")).status == "complete"
    gaps = reader.execute(
        "SELECT 1 FROM machine_usage x JOIN machine_usage y ON y.machine_id = x.machine_id AND y.id > x.id"
        " AND y.began_at < x.ended_at"
    )
    assert gaps.fetchall() == []


@pytest.mark.docker
def test_what_runs_on_a_host_whose_engine_hangs_is_lost_in_its_time(
    farm: Farm, idle_workbench: Workbench, busybox: str
) -> None:
    bench, behind = idle_workbench, farm.add(slots="2")
    behind.load(busybox)
    farm.set(host_timeout="1s")
    bench.scheduler.start()
    farm.until_health("up")
    runs = bench.create(manifest(busybox, "echo begun", "sleep 1000"), environment="farm")
    sends = bench.create(manifest(busybox, "head -c 400000000 /dev/zero > /valohai/outputs/big"), environment="farm")
    until(lambda: "begun" in bench.printed(runs))
    until(lambda: list(bench.shoal.home.attempts.glob("*/outputs/big")), "the fetching")
    behind.signal_engine(signal.SIGSTOP)
    for execution in (runs, sends):
        ended = bench.ended(execution)
        assert ended.status == "crashed"
        assert "it gives no answer within 5 s" in ended.reason
    behind.signal_engine(signal.SIGCONT)
    farm.until_health("up")
    assert bench.ended(bench.create(manifest(busybox, "echo ran"), environment="farm")).status == "complete"


def test_a_sweep_that_fails_is_tried_again(system: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    system.environments.create("farm", kind="hosts")
    system.hosts.create("gpu-1", "farm", "ssh://gpu-1")
    sweeps: list[int] = []
    monkeypatch.setattr(hosts, "SWEEP_AGAIN", 0.0)
    provider = HostsProvider(system, UpEngines(sweeps), "abcdef12", lambda *_: None)  # type: ignore[arg-type]

    def swept_again() -> bool:
        provider.reconcile(0.0)
        return len(sweeps) > 1

    until(swept_again, "another sweep")


@pytest.mark.docker
def test_an_engine_of_this_box_that_hangs_from_the_beginning_holds_up_no_host(
    farm: Farm, idle_workbench: Workbench, busybox: str, tmp_path: Path
) -> None:
    place = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(place))
        silent.listen(100)
        farm.add().load(busybox)
        idle_workbench.scheduler.environment = {"DOCKER_HOST": f"unix://{place}"}
        idle_workbench.scheduler.start()
        execution = idle_workbench.create(manifest(busybox, "echo ran"), environment="farm")
        assert idle_workbench.ended(execution).status == "complete"
