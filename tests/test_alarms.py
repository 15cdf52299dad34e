"""What somebody should see to, and what is no alarm."""

from __future__ import annotations

import json
import os
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from core.alarms import Alarm, alarms, docker_root
from core.doctor import examine
from core.machines import usage as machine_usage
from core.resources.alarms import ALARMS
from core.scheduler.carry_out import write_reasons
from core.scheduler.lease import Lease
from core.scheduler.machines import give_up, launch, lease, release
from core.scheduler.reasons import WAITS_RIGHTLY, Code
from tests.resources.conftest import listed

if TYPE_CHECKING:
    from pathlib import Path

    from core.executions.execution import Execution
    from core.session import Session
    from core.shoal import Shoal
    from tests.enacted import Enacted


@pytest.fixture
def scheduler(shoal: Shoal) -> Lease:
    """A scheduler that holds the home and does nothing."""
    held = Lease(shoal.home, shoal.database)
    held.acquire()
    return held


@pytest.fixture(autouse=True)
def disks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, int]:
    """How many percent of the one disk are taken."""
    taken = {"percent": 50}

    def statvfs(_: object) -> Any:
        free = 1000 - 10 * taken["percent"]
        return SimpleNamespace(f_blocks=1100, f_bfree=free + 100, f_bavail=free, f_frsize=10**7)

    monkeypatch.setattr("core.alarms.os.statvfs", statvfs)
    monkeypatch.setattr("core.alarms.docker_root", lambda: tmp_path)
    return taken


def sentences(session: Session, later: float = 0.0) -> list[str]:
    return [alarm.sentence for alarm in alarms(session, time.time() + later)]


def reason(
    system: Session, execution: Execution, code: Code, text: str = "{whose} machine is late, {age} so far"
) -> None:
    key = (execution.environment_id, execution.user_id, 0, execution.status)
    with system.write("execution.run") as connection:
        write_reasons(connection, {key: (code.value, text, None)})


def test_an_installation_where_nothing_happens_has_no_alarm(session: Session) -> None:
    assert alarms(session) == []


def test_work_without_a_scheduler(session: Session, enacted: Enacted) -> None:
    enacted.create("train")
    assert alarms(session) == [Alarm("fail", "scheduler", "no scheduler runs: `shoal up` starts one", "about")]


def test_a_scheduler_that_hangs_is_told_only_while_there_is_work(
    session: Session, enacted: Enacted, scheduler: Lease
) -> None:
    assert sentences(session, 3600) == []
    enacted.create("train")
    assert sentences(session) == []
    (sentence,) = sentences(session, 60)
    assert sentence.startswith("the scheduler ")
    assert "does not answer since" in sentence
    scheduler.renew()
    assert sentences(session, 60) == [sentence]  # the same words as long as nothing changes


@pytest.mark.usefixtures("scheduler")
@pytest.mark.parametrize("code", sorted(set(Code) - {Code.ENGINE}))
def test_what_could_run_and_does_not_is_an_alarm_after_a_while(
    session: Session, system: Session, enacted: Enacted, code: Code
) -> None:
    execution = enacted.create("train")
    reason(system, execution, code)
    with system.write("execution.run") as connection:
        connection.execute("UPDATE leases SET renewed_at = renewed_at + 10000")
    assert sentences(session, 590) == []
    found = alarms(session, time.time() + 601)
    if code in WAITS_RIGHTLY:
        assert found == []
    else:
        (alarm,) = found
        assert (alarm.level, alarm.kind, alarm.address) == ("fail", "stuck", "environment local")
        assert alarm.sentence.startswith("work waits in local since ")
        assert alarm.sentence.endswith(" and nothing begins: machine is late")
    session.settings.set("alarm_after", 0)
    assert sentences(session, 601) == []


def test_why_work_waits_is_told_once(session: Session, system: Session, enacted: Enacted) -> None:
    reason(system, enacted.create("train"), Code.STARTING)
    _stuck(system, 700)
    assert [alarm.kind for alarm in alarms(session)] == ["scheduler"]


def _stuck(system: Session, seconds: float) -> None:
    with system.write("execution.run") as connection:
        connection.execute("UPDATE waiting_reasons SET able_since = able_since - ?", (seconds,))


@pytest.mark.usefixtures("scheduler")
def test_time_counts_from_when_it_could_run(session: Session, system: Session, enacted: Enacted) -> None:
    execution = enacted.create("train")
    reason(system, execution, Code.LAUNCHING)
    _stuck(system, 700)
    reason(system, execution, Code.LAUNCH_FAILED, "it failed")  # another reason of the same kind
    assert len(sentences(session)) == 1
    reason(system, execution, Code.BUSY)
    assert sentences(session) == []
    reason(system, execution, Code.LAUNCHING)  # it begins anew
    assert sentences(session) == []


@pytest.mark.usefixtures("scheduler")
@pytest.mark.parametrize("what", ["begins", "ends"])
def test_where_work_begins_or_ends_nothing_is_stuck(
    session: Session, system: Session, enacted: Enacted, what: str
) -> None:
    execution = enacted.create("train")
    reason(system, execution, Code.STARTING)
    _stuck(system, 700)
    assert len(sentences(session)) == 1
    with system.write("machine.run") as connection:
        machine = launch(connection, execution.environment_id)
        assert machine is not None
        lease(connection, machine, execution.id)
        if what == "ends":
            connection.execute("UPDATE machine_usage SET began_at = began_at - 7200")
            machine_usage.leave(connection, machine, time.time())
            release(connection, machine)
    assert sentences(session) == []
    with system.write("execution.run") as connection:
        connection.execute("UPDATE machine_usage SET began_at = began_at - 7200, ended_at = ended_at - 7200")
    assert len(sentences(session)) == 1


def _host(system: Session, name: str, **values: Any) -> None:
    given = {"uuid": name, "environment_id": 1, "name": name, "address": "a", "created_at": 0.0, **values}
    with system.write("machine.run") as connection:
        columns = ", ".join(given)
        connection.execute(
            f"INSERT INTO hosts ({columns}) VALUES ({', '.join('?' * len(given))})",  # noqa: S608
            [*given.values()],
        )


def test_hosts_that_are_down_but_not_those_that_sleep(session: Session, system: Session) -> None:
    _host(system, "gpu-1", health="up")
    _host(system, "gpu-2", health="down", health_at=time.time(), health_detail="does not answer (timed out)")
    _host(system, "gpu 3", health="refused", health_detail="shows another key", start_command="wol")
    _host(system, "gpu-4", health="down", start_command="wol")
    _host(system, "gpu-5", health="down", cordoned=1)
    _host(system, "gpu-6", health="down", deleted_at=1.0)
    first, second = alarms(session)
    assert (first.sentence, first.address) == ("host gpu 3 shows another key", "host 'gpu 3'")
    assert second.sentence.startswith("host gpu-2 does not answer since ")
    with system.write("machine.run") as connection:
        machine = launch(connection, 1)
        connection.execute("UPDATE machines SET host_id = (SELECT id FROM hosts WHERE name = 'gpu-4')")
    assert machine is not None
    assert len(alarms(session)) == 3


def test_machines_that_do_not_come_up(session: Session, system: Session) -> None:
    with system.write("machine.run") as connection:
        for _ in range(3):
            machine = launch(connection, 1)
            assert machine is not None
            connection.execute("UPDATE machines SET state = 'starting', ready_at = NULL WHERE id = ?", (machine,))
            give_up(connection, machine, "the start command ended with 1")
    assert alarms(session) == [
        Alarm(
            "warn",
            "launch",
            "3 machines of local did not come up: the start command ended with 1",
            "environment local",
        )
    ]
    assert sentences(session, 700) == []


def test_a_disk_that_fills(session: Session, disks: dict[str, int]) -> None:
    disks["percent"] = 97
    (alarm,) = alarms(session)
    assert (alarm.level, alarm.sentence) == ("warn", "the disk of the home is 97 % full, 300.0 MB are free")
    disks["percent"] = 100
    assert alarms(session)[0].level == "fail"
    session.settings.set("disk_alarm", 100)
    assert alarms(session) == []
    session.settings.set("disk_alarm", 40)
    disks["percent"] = 45
    assert len(alarms(session)) == 1


@pytest.mark.usefixtures("scheduler")
def test_an_engine_that_does_not_answer_is_an_alarm_at_once(
    session: Session, system: Session, enacted: Enacted
) -> None:
    execution = enacted.create("train")
    reason(system, execution, Code.ENGINE, "since 14:02:10 the Docker Engine does not answer")
    assert sentences(session) == ["nothing starts in local: since 14:02:10 the Docker Engine does not answer"]


def test_the_worst_comes_first(session: Session, enacted: Enacted, disks: dict[str, int]) -> None:
    disks["percent"] = 98
    enacted.create("train")
    assert [alarm.level for alarm in alarms(session)] == ["fail", "warn"]
    rows = listed(session, ALARMS)
    assert [row.kind for row in rows] == ["scheduler", "disk"]
    assert [ALARMS.find(session, None, ALARMS.reference(row)) for row in rows] == rows
    assert [row.kind for row in listed(session, ALARMS, where={"level": "warn"})] == ["disk"]
    assert ALARMS.describe is not None
    assert ALARMS.describe(session, rows[0])[0].pairs[-1].address == "about"


def test_the_doctor_tells_of_what_it_does_not_look_at_itself(session: Session, system: Session) -> None:
    _host(system, "gpu-2", health="down", health_detail="does not answer")
    found = [check for check in examine(session.home) if check.name == "alarm"]
    assert [(check.state, check.message) for check in found] == [("fail", "host gpu-2 does not answer")]


def test_where_docker_keeps_its_images(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    settings = tmp_path / "daemon.json"
    monkeypatch.setattr("core.alarms.DOCKER_SETTINGS", settings)
    for written in (None, "", "[]", "{}", '{"data-root": 7}'):
        if written is not None:
            settings.write_text(written)
        assert os.fspath(docker_root()) == "/var/lib/docker"
    settings.write_text(json.dumps({"data-root": "/data/docker"}))
    assert os.fspath(docker_root()) == "/data/docker"
