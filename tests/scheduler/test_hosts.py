"""Machines of hosts that are reached through a real sshd: up and down, brought up and down, refused and lost."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.errors import ConflictError, UnavailableError
from core.home import Home
from core.machines.host_address import read_address
from core.machines.host_keys import fingerprint
from core.scheduler.engines.engine import EngineDownError
from core.scheduler.engines.engines import Engines
from core.scheduler.engines.ssh_tunnel import Target
from core.shoal import Shoal
from tests.scheduler.farm import Farm, begun, waits_for
from tests.second_host import skip_without_second_host
from tests.workbench import Workbench, manifest, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.docker


@pytest.fixture
def farm(shoal: Shoal) -> Iterator[Farm]:
    skip_without_second_host()
    farm = Farm(shoal)
    yield farm
    farm.close()


def test_machines_come_from_a_host_that_is_up_and_are_gone_with_it(farm: Farm) -> None:
    behind = farm.add(slots="2")
    farm.set(minimum_scale="2")
    farm.scheduler.start()
    first = farm.until_machines(2, "idle")
    assert {machine.host for machine in first} == {"gpu-1"}
    assert farm.until_health("up").health_detail == ""
    behind.kill()
    gone = farm.until_machines(2, "gone")
    assert all("host gpu-1 does not answer since" in machine.reason for machine in gone)
    assert farm.until_health("down").health_detail.startswith("does not answer")
    behind.start()
    assert len(farm.until_machines(2, "idle")) == 2
    assert [what.partition(":")[0] for what in farm.told()] == ["created", "up", "down", "up"]


def test_machines_are_spread_over_hosts_and_never_more_than_their_slots(farm: Farm) -> None:
    farm.add(slots="2")
    farm.add(slots="2")
    farm.set(minimum_scale="3", maximum_scale="9")
    farm.scheduler.start()
    farm.until_health("up", 1)
    farm.until_health("up", 2)
    hosts = sorted(machine.host or "" for machine in farm.until_machines(3, "idle"))
    assert hosts in (["gpu-1", "gpu-1", "gpu-2"], ["gpu-1", "gpu-2", "gpu-2"])
    farm.set(minimum_scale="9")
    assert len(farm.until_machines(4, "idle")) == 4


def test_a_host_without_a_pinned_key_or_with_another_one_is_refused(farm: Farm) -> None:
    behind = farm.add(trusted=False)
    farm.set(minimum_scale="1")
    farm.scheduler.start()
    assert "no pinned host key" in farm.until_health("refused").health_detail
    with pytest.raises(ConflictError, match="fetch it first"):
        farm.session.hosts.pin(farm.host(), "SHA256:whatever")
    offered = farm.session.hosts.fetch_key(farm.host())
    assert offered.offered_fingerprint == fingerprint(behind.host_key)
    farm.session.hosts.pin(offered, offered.offered_fingerprint)
    farm.until_machines(1, "idle")
    old = behind.host_key
    behind.new_host_key()
    refused = farm.until_health("refused")
    assert refused.health_detail.startswith(f"CHANGED its host key to {fingerprint(behind.host_key)}")
    assert fingerprint(old) in refused.health_detail
    farm.until_machines(0)
    with pytest.raises(UnavailableError, match="CHANGED"):
        farm.session.hosts.test(refused)
    shown = farm.session.hosts.fetch_key(refused)
    farm.session.hosts.pin(shown, shown.offered_fingerprint)
    farm.until_machines(1, "idle")
    assert "Docker" in farm.session.hosts.test(farm.host())


def test_a_host_that_does_not_know_our_key_is_refused(farm: Farm) -> None:
    farm.add(private_key="")
    farm.scheduler.start()
    assert "does not let our key in as root" in farm.until_health("refused").health_detail


@pytest.fixture
def no_docker() -> Iterator[str]:
    """A socket on which something else than Docker listens."""
    path = f"/tmp/shoal-no-docker-{os.getpid()}"
    with suppress(FileNotFoundError):
        Path(path).unlink()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.recv(1000)
                connection.sendall(b"220 this is something else\r\n")
                connection.close()

    threading.Thread(target=serve, daemon=True).start()
    yield path
    listener.close()
    Path(path).unlink()


def test_a_host_without_docker_is_told_from_one_that_is_down(farm: Farm, no_docker: str) -> None:
    farm.add(docker_socket="/nothing.sock")
    farm.add(docker_socket=no_docker)
    farm.scheduler.start()
    nothing, other = farm.until_health("down", 1), farm.until_health("down", 2)
    assert nothing.health_detail.startswith("answered, but no Docker Engine listens at /nothing.sock")
    assert other.health_detail == f"answered, but what listens at {no_docker} is no Docker Engine"


def test_a_host_is_brought_up_by_its_start_command_and_down_when_its_last_machine_leaves(
    farm: Farm, tmp_path: Path
) -> None:
    started, stopped = tmp_path / "started", tmp_path / "stopped"
    behind = farm.add(on=False, slots="2", start_command=waits_for(started), stop_command=waits_for(stopped))
    farm.scheduler.start()
    farm.until_health("down")
    farm.set(minimum_scale="2")
    farm.until_machines(2, "starting")
    until(lambda: begun(started), "the start command")
    assert farm.host().command == "start"
    behind.start()
    started.touch()
    farm.until_machines(2, "idle")
    until(lambda: farm.host().command is None, "the end of the start command")
    assert [(run.kind, run.exit_code) for run in farm.session.hosts.commands(farm.host())] == [("start", 0)]
    farm.set(minimum_scale="0", scale_down_grace_period="0")
    farm.until_machines(0)
    until(lambda: begun(stopped), "the stop command")
    farm.set(minimum_scale="1")
    stopped.touch()
    until(lambda: farm.host().command is None, "the end of the stop command")
    assert not farm.machines()
    behind.kill()
    farm.until_machines(1, "starting")
    assert [run.kind for run in farm.session.hosts.commands(farm.host())][-2:] == ["stop", "start"]


def test_a_start_command_that_hangs_is_ended_with_all_that_it_started(farm: Farm, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    command = f"echo knocking; echo at the door >&2; sleep 1000 & echo $! > {pid}; wait"
    farm.add(on=False, start_command=command, command_timeout="1s")
    farm.set(minimum_scale="1")
    farm.scheduler.start()
    (gone,) = farm.until_machines(1, "gone")
    assert gone.reason.startswith("start command of gpu-1 took too long")
    run = farm.session.hosts.commands(farm.host())[-1]
    assert run.exit_code == 124
    assert run.output.splitlines()[:2] == ["knocking", "at the door"]
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()
    assert farm.host().failures == 1


def test_a_start_command_that_fails_is_not_tried_again_at_once_not_even_by_the_next_scheduler(farm: Farm) -> None:
    farm.add(on=False, start_command="echo no such domain; exit 3")
    farm.set(minimum_scale="1")
    farm.scheduler.start()
    (gone,) = farm.until_machines(1, "gone")
    assert gone.reason == "start command of gpu-1 failed (exit code 3): `shoal hosts show gpu-1` has what it printed"
    assert "no such domain" in farm.session.hosts.commands(farm.host())[0].output
    assert "no such domain" not in farm.host().failure + " ".join(farm.told())
    farm.scheduler.kill()
    farm.scheduler.start()
    farm.set(maximum_scale="3")
    farm.until_health("down")
    assert not farm.machines()
    assert len(farm.session.hosts.commands(farm.host())) == 1
    host = farm.host()
    assert host.failures == 1
    assert host.failure == gone.reason
    assert f"launch failed: {gone.reason}" in farm.told()
    farm.session.hosts.set(host, start_command="exit 0")
    farm.until_machines(1, "starting")


def test_a_stop_command_that_fails_is_tried_again_later_and_only_where_nothing_runs(farm: Farm) -> None:
    farm.add(stop_command="echo busy; exit 1")
    farm.set(minimum_scale="1", scale_down_grace_period="0")
    farm.scheduler.start()
    farm.until_machines(1, "idle")
    assert not farm.session.hosts.commands(farm.host())
    farm.set(minimum_scale="0")
    until(lambda: [run.exit_code for run in farm.session.hosts.commands(farm.host())] == [1], "the stop command")
    farm.scheduler.kill()
    farm.scheduler.start()
    farm.until_health("up")
    farm.set(minimum_scale="1")
    (machine,) = farm.until_machines(1, "idle")
    assert machine.host == "gpu-1"
    assert len(farm.session.hosts.commands(farm.host())) == 1
    assert farm.told().count("up") == 1


def test_a_machine_that_does_not_come_up_is_given_up(farm: Farm) -> None:
    farm.add(on=False, start_command="true")
    farm.set(minimum_scale="1", launch_timeout="2s")
    farm.scheduler.start()
    (gone,) = farm.until_machines(1, "gone")
    assert gone.reason.startswith("it did not come up within 2")
    assert "does not answer" in gone.reason
    assert farm.host().failures == 1
    assert gone.ready_at is None


def test_a_command_under_way_when_the_scheduler_was_killed_is_ended_and_run_again(farm: Farm, tmp_path: Path) -> None:
    started = tmp_path / "started"
    behind = farm.add(on=False, start_command=waits_for(started))
    farm.set(minimum_scale="1")
    farm.scheduler.start()
    until(lambda: begun(started), "the start command")
    farm.scheduler.kill()
    Path(f"{started}.begun").unlink()
    farm.scheduler.start()
    until(lambda: begun(started), "the start command, again")
    runs = farm.session.hosts.commands(farm.host())
    assert [(run.ended_at is None, run.exit_code) for run in runs] == [(True, None), (False, None)]
    assert runs[1].output == "the scheduler ended while this ran"
    behind.start()
    started.touch()
    farm.until_machines(1, "idle")
    assert len(farm.machines("gone")) == 0


def test_a_cordoned_host_gets_no_machines_and_a_drained_one_loses_its_idle_ones(farm: Farm) -> None:
    farm.add(slots="2")
    farm.add(slots="1")
    farm.set(minimum_scale="3")
    farm.scheduler.start()
    farm.until_machines(3, "idle")
    farm.session.hosts.cordon(farm.host(1))
    assert [machine.cordoned for machine in farm.machines() if machine.host == "gpu-1"] == [True, True]
    farm.session.hosts.drain(farm.host(1))
    assert [machine.host for machine in farm.until_machines(1)] == ["gpu-2"]
    assert [machine.reason for machine in farm.machines("gone")] == ["drained", "drained"]
    farm.session.hosts.uncordon(farm.host(1))
    farm.until_machines(3, "idle")
    with pytest.raises(ConflictError, match="already"):
        farm.session.hosts.set(farm.host(1), name="gpu-2")
    farm.set(minimum_scale="0")
    farm.session.hosts.delete(farm.host(1))
    assert [machine.host for machine in farm.machines()] == ["gpu-2"]
    assert [host.name for host in farm.session.hosts.list()] == ["gpu-2"]


def test_tunnels_end_with_a_scheduler_that_is_killed(farm: Farm) -> None:
    farm.add()
    farm.scheduler.start()
    farm.until_health("up")
    assert _tunnels(farm)
    farm.scheduler.kill()
    until(lambda: not _tunnels(farm), "the tunnel's end")


def _tunnels(farm: Farm) -> list[int]:
    """Return the pids of tunnels into this home."""
    found = []
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if process.name.isdecimal() and (process / "cwd").readlink() == farm.shoal.home.tunnels:
                found.append(int(process.name))
    return found


@pytest.fixture
def bench(farm: Farm, tmp_path: Path, busybox: str) -> Workbench:
    """A project whose executions run on two hosts that have the image."""
    bench = Workbench(farm.shoal, tmp_path / "project")
    for _ in range(2):
        farm.add().load(busybox)
    return bench


def test_a_machine_that_drains_goes_after_what_it_runs(farm: Farm, bench: Workbench, busybox: str) -> None:
    farm.scheduler.start()
    execution = bench.create(manifest(busybox, "sleep 3; echo done"), environment="farm")
    until(lambda: farm.machines("leased"), "the start")
    (machine,) = farm.machines("leased")
    farm.session.machines.drain(machine)
    assert farm.session.machines.get(machine.name).state == "draining"
    assert bench.ended(execution).status == "complete"
    (gone,) = farm.until_machines(1, "gone")
    assert (gone.name, gone.reason, gone.ran) == (machine.name, "drained", 1)


def test_what_ran_on_a_host_that_died_is_lost_after_its_time_and_runs_elsewhere(
    farm: Farm, bench: Workbench, busybox: str
) -> None:
    farm.set(host_timeout="2s", restart_lost="on")
    farm.scheduler.start()
    execution = bench.create(manifest(busybox, "sleep 2; echo done"), environment="farm")
    until(lambda: farm.machines("leased"), "the start")
    (machine,) = farm.machines("leased")
    until(lambda: any(container.strip() for container in _containers(farm)), "its container")
    number = int((machine.host or "")[-1])
    farm.machines_behind[number - 1].kill()
    ended = bench.ended(execution)
    assert ended.status == "complete"
    assert ended.machine != machine.name
    gone = farm.session.machines.get(machine.name)
    assert (gone.state, gone.reason) == ("gone", f"host gpu-{number} did not answer for 2.0 s")
    attempts = farm.session.read("execution.see").execute("SELECT number, state FROM attempts ORDER BY number")
    assert [tuple(row) for row in attempts] == [(1, "closed"), (2, "closed")]


def _containers(farm: Farm) -> list[str]:
    return [behind.docker("ps", "-q") for behind in farm.machines_behind]


def test_an_engine_of_this_box_that_is_down_holds_up_no_host(farm: Farm, bench: Workbench, busybox: str) -> None:
    farm.scheduler.environment["DOCKER_HOST"] = "unix:///run/shoal-no-such.sock"
    farm.scheduler.start()
    waiting = bench.create(manifest(busybox, "echo here"))
    assert bench.run(manifest(busybox, "echo there"), environment="farm").status == "complete"
    assert bench.now(waiting).status == "queued"
    until(lambda: "/run/shoal-no-such.sock does not answer" in (bench.now(waiting).reason or ""), "the reason")


def test_a_scheduler_that_is_killed_finds_what_runs_on_hosts_again(farm: Farm, bench: Workbench, busybox: str) -> None:
    farm.set(restart_lost="on")
    farm.scheduler.start()
    execution = bench.create(manifest(busybox, "sleep 4; echo once"), environment="farm")
    until(lambda: any(container.strip() for container in _containers(farm)), "its container")
    farm.scheduler.kill()
    farm.scheduler.start()
    assert bench.ended(execution).status == "complete"
    assert bench.printed(execution) == ["once"]
    assert farm.session.read("execution.see").execute("SELECT count(*) FROM attempts").fetchone()[0] == 1
    assert [machine.ran for machine in farm.machines()] == [1]


def test_a_home_may_lie_deeper_than_a_socket_s_path_is_long(farm: Farm, tmp_path: Path) -> None:
    behind = farm.add()
    shoal = Shoal.create(Home(tmp_path / ("deep" * 20) / ("down" * 20)))
    session = shoal.session()
    session.environments.create("farm", kind="hosts")
    given = {"docker_socket": behind.docker_socket, "private_key": behind.private_key, "host_key": behind.host_key}
    host = session.hosts.create("gpu-1", "farm", behind.address, **given)
    engines = Engines(shoal.system_session())
    target = Target(host.id, host.name, read_address(host.address), host.docker_socket, host.host_key)
    engines.watch([target])
    until(lambda: (seen := engines.seen(host.id)) is not None and seen.health == "up", "the tunnel")
    engine = engines.open(host.id)
    assert engine.information().cpus > 0
    engine.close()
    engines.close()
    assert not [*shoal.home.tunnels.iterdir()]
    with pytest.raises(EngineDownError):
        engines.open(host.id)
    shoal.close()


def test_a_line_that_is_cut_shows_and_is_found_again(farm: Farm) -> None:
    behind = farm.add()
    farm.set(minimum_scale="1")
    farm.scheduler.start()
    farm.until_machines(1, "idle")
    behind.cut()
    assert farm.until_health("down").health_detail.startswith(("does not answer", "gives no answer"))
    farm.until_machines(0)
    behind.mend()
    farm.until_machines(1, "idle")
