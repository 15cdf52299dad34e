"""Nothing is lost and nothing happens twice, whatever is killed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.errors import ConflictError
from core.home import Home
from core.scheduler.attempts import container_name, open_attempts
from core.scheduler.engines.docker import DockerEngine
from core.scheduler.engines.engine import ContainerSpecification, ContainerState, EngineDownError, RefusedError
from core.scheduler.engines.engines import Engines
from core.scheduler.image_supply import ImageSupply
from core.scheduler.lease import Lease, is_held
from core.scheduler.runner import Runner
from core.scheduler.sweep import instance_of
from core.shoal import Shoal
from tests.docker_daemon import DockerDaemon
from tests.workbench import Workbench, manifest, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.executions.execution import Execution

pytestmark = pytest.mark.docker

CHATTER = (
    'i=0; while [ $i -lt 60 ]; do echo "line $i"; echo "error $i" >&2; echo "{\\"i\\": $i}"; i=$((i+1));'
    " [ $((i % 20)) = 0 ] && sleep 0.1; done"
)


def container(workbench: Workbench, execution: Execution) -> str:
    return container_name(instance_of(workbench.session), execution.uuid, 1)


def test_thirty_executions_survive_a_scheduler_that_is_killed_again_and_again(
    idle_workbench: Workbench, busybox: str
) -> None:
    bench = idle_workbench
    chance = random.Random(7)
    yaml = manifest(
        busybox,
        CHATTER,
        "echo live > /valohai/outputs/live.txt; chmod 444 /valohai/outputs/live.txt",
        "mkdir /valohai/outputs/d; echo out > /valohai/outputs/d/out.txt; exit {parameter-value:code}",
        extra="parameters:\n  - {name: code, type: integer, default: 0}",
    )
    executions = [bench.create(yaml, parameters={"code": number % 3}) for number in range(30)]
    kills = 0
    while not all(bench.now(execution).is_final for execution in executions):
        bench.scheduler.start()
        time.sleep(chance.uniform(0.05, 1.2))
        bench.scheduler.kill()
        kills += 1
    assert kills >= 5
    for number, execution in enumerate(executions):
        ended = bench.now(execution)
        wanted = ("complete", 0) if number % 3 == 0 else ("error", number % 3)
        assert (ended.status, ended.exit_code) == wanted, ended.reason
        lines = [line for line in bench.printed(ended) if line.startswith("line")]
        assert lines == [f"line {i}" for i in range(60)]
        assert bench.printed(ended, "stderr") == [f"error {i}" for i in range(60)]
        assert [point.value for point in bench.session.executions.metadata(ended, "i")] == list(range(60))
        assert [file.name for file in bench.outputs(ended)] == ["d/out.txt", "live.txt"]
        ends = [event for event in bench.session.executions.events(ended) if event.kind in ("complete", "error")]
        assert len(ends) == 1
    attempts = (
        bench.shoal.database.reader().execute("SELECT count(*), count(DISTINCT execution_id) FROM attempts").fetchone()
    )
    assert tuple(attempts) == (30, 30)
    bench.scheduler.start()
    until(lambda: not DockerEngine().names(f"shoal.instance={instance_of(bench.session)}"), "the sweep")
    until(lambda: not list(bench.shoal.home.attempts.iterdir()), "the sweep of directories")


def test_a_scheduler_that_is_asked_to_go_leaves_containers_to_the_next(workbench: Workbench, busybox: str) -> None:
    execution = workbench.create(manifest(busybox, "echo begun; sleep 2; echo done"))
    until(lambda: "begun" in workbench.printed(execution))
    workbench.scheduler.stop()
    assert not is_held(workbench.shoal.home)
    assert workbench.now(execution).status == "started"
    workbench.scheduler.start()
    assert workbench.ended(execution).status == "complete"
    assert workbench.printed(execution) == ["begun", "done"]


def test_a_stop_asked_for_while_no_scheduler_runs_is_carried_out(workbench: Workbench, busybox: str) -> None:
    execution = workbench.create(manifest(busybox, "echo begun; sleep 1000"))
    until(lambda: "begun" in workbench.printed(execution))
    workbench.scheduler.kill()
    workbench.session.executions.stop(workbench.now(execution))
    workbench.scheduler.start()
    assert workbench.ended(execution).status == "stopped"


def test_a_container_that_somebody_kills_is_an_error_that_says_so(workbench: Workbench, busybox: str) -> None:
    execution = workbench.create(manifest(busybox, "echo begun; echo x > /valohai/outputs/x; sleep 1000"))
    until(lambda: "begun" in workbench.printed(execution))
    subprocess.run(["docker", "kill", container(workbench, execution)], check=True, capture_output=True)
    ended = workbench.ended(execution)
    assert (ended.status, ended.exit_code) == ("error", 137)
    assert "killed from outside" in ended.reason
    assert [file.name for file in workbench.outputs(ended)] == ["x"]


def test_a_container_that_somebody_removes_is_a_crash_and_its_outputs_are_kept(
    workbench: Workbench, busybox: str
) -> None:
    execution = workbench.create(manifest(busybox, "echo x > /valohai/outputs/x; echo begun; sleep 1000"))
    until(lambda: "begun" in workbench.printed(execution))
    subprocess.run(["docker", "rm", "-f", container(workbench, execution)], check=True, capture_output=True)
    ended = workbench.ended(execution)
    assert ended.status in ("crashed", "error")
    assert [file.name for file in workbench.outputs(ended)] == ["x"]


def test_a_container_that_is_just_being_made_is_waited_for(busybox: str) -> None:
    """Docker takes the name before there is a container: who asks in between must neither fail nor make another."""
    specification = ContainerSpecification(
        name=f"shoal-test-race-{os.getpid()}",
        labels={},
        image=busybox,
        command=["true"],
        environment={},
        mounts=[],
        working_directory="/",
        network="none",
        strict=False,
    )
    answers: list[str] = []
    together = threading.Barrier(4)

    def submit() -> None:
        engine = DockerEngine()
        together.wait()
        answers.append(until(lambda: _submitted(engine, specification), "the container"))

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    DockerEngine().forget(specification.name)
    assert len(answers) == 4
    assert len(set(answers)) == 1


def _submitted(engine: DockerEngine, specification: ContainerSpecification) -> str | None:
    with suppress(EngineDownError):
        return engine.submit(specification)
    return None


def test_two_schedulers_at_once_are_refused(workbench: Workbench) -> None:
    with pytest.raises(ConflictError, match="runs already"):
        Lease(workbench.shoal.home, workbench.shoal.database).acquire()


@pytest.fixture
def daemon() -> Iterator[DockerDaemon]:
    if os.geteuid() != 0:
        pytest.skip("a Docker Engine of the test's own needs root")
    # A socket's name has room for 107 bytes only.
    directory = Path(f"/tmp/shoal-test-dockerd-{os.getpid()}")
    daemon = DockerDaemon(directory)
    daemon.start()
    yield daemon
    daemon.remove()


def test_an_engine_that_stops_in_the_middle_is_waited_for_and_the_loss_is_told_as_such(
    idle_workbench: Workbench, busybox: str, daemon: DockerDaemon
) -> None:
    bench = idle_workbench
    daemon.load(busybox)
    bench.scheduler.environment = {"DOCKER_HOST": daemon.host}
    bench.scheduler.start()
    running = bench.create(manifest(busybox, "echo begun; sleep 1000"))
    until(lambda: "begun" in bench.printed(running))
    daemon.end(signal.SIGTERM)
    waiting = bench.create(manifest(busybox, "echo later"))
    until(lambda: "does not answer" in bench.now(waiting).reason, "the reason for waiting")
    daemon.start()
    crashed, complete = bench.ended(running), bench.ended(waiting)
    assert (crashed.status, complete.status) == ("crashed", "complete")
    assert "Docker Engine was stopped" in crashed.reason
    assert bench.printed(running) == ["begun"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("a file system of the test's own needs root")
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_waited_for_and_nothing_is_lost(small_disk: Path, tmp_path: Path, busybox: str) -> None:
    shoal = Shoal.create(Home(small_disk / "home"))
    bench = Workbench(shoal, tmp_path / "project")
    bench.session.environments.set("local", network="none")
    filler = small_disk / "filler"
    bench.scheduler.start()
    execution = bench.create(manifest(busybox, "echo kept > /valohai/outputs/o.txt; echo begun; sleep 3; seq 1 3000"))
    until(lambda: "begun" in bench.printed(execution))
    with suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(b"x" * 65536)
            file.flush()
    until(lambda: shutil.disk_usage(small_disk).free == 0, "the disk to be full")
    until(lambda: DockerEngine().observe(container(bench, execution)).status == "exited", "the container's end")  # type: ignore[union-attr]
    assert not bench.now(execution).is_final
    filler.unlink()
    ended = bench.ended(execution)
    assert ended.status == "complete"
    assert bench.printed(ended) == ["begun", *(str(number) for number in range(1, 3001))]
    assert [file.name for file in bench.outputs(ended)] == ["o.txt"]
    bench.scheduler.kill()
    shoal.close()


def test_an_execution_is_stopped_though_the_disk_is_full(small_disk: Path, tmp_path: Path, busybox: str) -> None:
    shoal = Shoal.create(Home(small_disk / "home"))
    bench = Workbench(shoal, tmp_path / "project")
    bench.session.environments.set("local", network="none")
    filler = small_disk / "filler"
    bench.scheduler.start()
    execution = bench.create(manifest(busybox, "echo begun; while true; do echo more; sleep 0.1; done"))
    until(lambda: "begun" in bench.printed(execution))
    bench.session.executions.stop(bench.now(execution))
    with suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(b"x" * 65536)
            file.flush()
    until(lambda: DockerEngine().observe(container(bench, execution)).status == "exited", "the container's end")  # type: ignore[union-attr]
    filler.unlink()
    assert bench.ended(execution).status == "stopped"
    bench.scheduler.kill()
    shoal.close()


class CuttingProxy(threading.Thread):
    """A way to the Docker Engine that loses the answer of the first `start`."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self.cut = 0

    def run(self) -> None:
        while True:
            client, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        engine = socket.socket(socket.AF_UNIX)
        engine.connect("/var/run/docker.sock")
        threading.Thread(target=self._answers, args=(engine, client), daemon=True).start()
        with suppress(OSError):
            while data := client.recv(65536):
                if b"/start HTTP" in data and not self.cut:
                    self.cut += 1
                    engine.sendall(data)
                    time.sleep(1)
                    client.shutdown(socket.SHUT_RDWR)
                    return
                engine.sendall(data)

    @staticmethod
    def _answers(engine: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := engine.recv(65536):
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)


def test_a_container_whose_start_was_not_answered_runs_once(idle_workbench: Workbench, busybox: str) -> None:
    # A socket's name has room for 107 bytes only.
    path = Path(f"/tmp/shoal-test-proxy-{os.getpid()}")
    proxy = CuttingProxy(path)
    proxy.start()
    idle_workbench.scheduler.environment = {"DOCKER_HOST": f"unix://{path}"}
    idle_workbench.scheduler.start()
    execution = idle_workbench.run(manifest(busybox, "echo ran; echo x >> /valohai/outputs/runs.txt"))
    path.unlink()
    assert proxy.cut == 1
    assert (execution.status, idle_workbench.printed(execution)) == ("complete", ["ran"])
    assert [idle_workbench.content(file) for file in idle_workbench.outputs(execution)] == [b"x\n"]


class RefusingEngine(DockerEngine):
    """An engine that will not say how a container stands, which a healthy one cannot be made to do."""

    def observe(self, name: str) -> ContainerState | None:
        message = f"no word of {name}"
        raise RefusedError(message)


def test_a_running_container_outlives_an_answer_that_nobody_expected(workbench: Workbench, busybox: str) -> None:
    execution = workbench.create(manifest(busybox, "echo x > /valohai/outputs/x; echo begun; sleep 3; echo done"))
    until(lambda: "begun" in workbench.printed(execution))
    workbench.scheduler.kill()
    system = workbench.shoal.system_session()
    (attempt,) = open_attempts(system.database.reader())
    engines = Engines(system, RefusingEngine)
    runner = Runner(system, engines, ImageSupply(engines), attempt, instance_of(system), is_new=False)
    with pytest.raises(RefusedError):
        runner.run()
    assert workbench.now(execution).status == "started"
    workbench.scheduler.start()
    assert workbench.ended(execution).status == "complete"
    assert workbench.printed(execution) == ["begun", "done"]
    assert [file.name for file in workbench.outputs(execution)] == ["x"]


def test_what_a_machine_lost_is_started_again_where_that_is_allowed(workbench: Workbench, busybox: str) -> None:
    workbench.session.environments.set("local", restart_lost="on")
    execution = workbench.create(manifest(busybox, "echo x >> /valohai/outputs/x; echo begun; sleep 3; echo done"))
    until(lambda: "begun" in workbench.printed(execution))
    subprocess.run(["docker", "rm", "-f", container(workbench, execution)], check=True, capture_output=True)
    ended = workbench.ended(execution)
    assert (ended.status, ended.reason) == ("complete", "")
    assert workbench.printed(ended) == ["begun", "begun", "done"]
    assert [workbench.content(file) for file in workbench.outputs(ended)] == [b"x\n"]
    said = [line.text for line in workbench.log(ended) if line.stream == "status"]
    assert any("was lost: its container vanished" in line for line in said)
