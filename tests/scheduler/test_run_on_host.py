"""Executions on a host that is reached over SSH and shares no file system with this box."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from core.scheduler.attempts import container_name
from core.scheduler.engines.docker import DockerEngine
from core.scheduler.sweep import instance_of
from tests.second_host import SecondHost, skip_without_second_host
from tests.workbench import Workbench, manifest, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.executions.execution import Execution

pytestmark = pytest.mark.docker

COUNTING = 'i=0; while [ $i -lt {n} ]; do echo "line $i"; echo "{{\\"i\\": $i}}"; i=$((i+1)); sleep 0.1; done'


@dataclass
class HostBench:
    """A workbench whose default environment has one machine, on a second host."""

    bench: Workbench
    host: SecondHost

    def name(self, execution: Execution, number: int = 1) -> str:
        return container_name(instance_of(self.bench.session), execution.uuid, number)

    def is_running(self, execution: Execution, number: int = 1) -> bool:
        state = self.host.engine.observe(self.name(execution, number))
        return state is not None and state.status == "running"

    def leftovers(self) -> list[str]:
        label = f"shoal.instance={instance_of(self.bench.session)}"
        engine = self.host.engine
        places = [path.name for path in self.bench.shoal.home.attempts.iterdir()]
        return [*engine.names(label), *engine.volumes(label), *places]

    def numbers(self) -> list[tuple[int, str]]:
        rows = self.bench.shoal.database.reader().execute("SELECT number, state FROM attempts ORDER BY id")
        return [tuple(row) for row in rows]


@pytest.fixture
def host() -> Iterator[SecondHost]:
    skip_without_second_host()
    host = SecondHost("gpu-2")
    try:
        host.start()
        yield host
    finally:
        host.remove()


@pytest.fixture
def far(idle_workbench: Workbench, host: SecondHost, tmp_path: Path) -> HostBench:
    """Nothing is scheduled yet, and the host has no image."""
    session = idle_workbench.session
    session.environments.create("far", kind="hosts", network="none", host_timeout="3", scale_down_grace_period="1h")
    session.hosts.create(
        host.name,
        "far",
        host.address,
        private_key=host.private_key,
        docker_socket=host.docker_socket,
        host_key=host.host_key,
        slots="2",
    )
    session.settings.set("file_roots", [str(tmp_path)])
    return HostBench(idle_workbench, host)


def yaml(image: str, *commands: str, extra: str = "") -> str:
    return manifest(image, *commands, extra=f"environment: far\n{extra}")


def test_code_inputs_outputs_metadata_and_log_are_what_they_are_here(
    far: HostBench, busybox: str, tmp_path: Path
) -> None:
    content = os.urandom(3 * 1024 * 1024 + 17)
    (tmp_path / "data.bin").write_bytes(content)
    bench = far.bench
    (bench.directory / "tools").mkdir()
    (bench.directory / "tools/say").write_text("#!/bin/sh\necho said\n")
    (bench.directory / "tools/say").chmod(0o755)
    (bench.directory / "link").symlink_to("tools/say")
    bench.scheduler.start()
    execution = bench.run(
        yaml(
            busybox,
            "./link; pwd; id -u",
            "cp /valohai/inputs/data/data.bin /valohai/outputs/copy.bin",
            'cat /valohai/config/parameters.json | tr -d " \\n"; echo',
            "mkdir -p /valohai/outputs/a/b; : > /valohai/outputs/a/b/empty; printf 'x y' > '/valohai/outputs/a/ä ö'",
            "echo made > made-here; echo '{\"loss\": 0.5}'; echo oops >&2",
            'echo \'{"valohai.tags": ["t"]}\' > /valohai/outputs/copy.bin.metadata.json',
            "head -c 52428800 /dev/zero | tr '\\000' 'z' > /valohai/outputs/big",
            "! echo x > /valohai/inputs/data/no; ! echo x > /valohai/config/no",
            extra=f"inputs:\n  - name: data\n    default: file://{tmp_path}/data.bin\n"
            "parameters:\n  - {name: rate, type: float, default: 0.25}",
        )
    )
    assert (execution.status, execution.reason) == ("complete", "")
    assert bench.printed(execution)[:4] == ["said", "/valohai/repository", "0", '{"rate":0.25}']
    assert bench.printed(execution, "stderr")[0] == "oops"
    assert [point.value for point in bench.session.executions.metadata(execution, "loss")] == [0.5]
    outputs = {file.name: bench.content(file) for file in bench.outputs(execution)}
    assert sorted(outputs) == ["a/b/empty", "a/ä ö", "big", "copy.bin"]
    assert (outputs["a/b/empty"], outputs["a/ä ö"], outputs["copy.bin"]) == (b"", b"x y", content)
    assert hashlib.sha256(outputs["big"]).digest() == hashlib.sha256(b"z" * 52428800).digest()
    until(lambda: not far.leftovers(), "the tidying")
    assert execution.machine is not None
    assert not DockerEngine().names(f"shoal.instance={instance_of(bench.session)}")


def test_the_image_is_copied_to_a_host_that_lacks_it_or_has_an_older_one(far: HostBench, busybox: str) -> None:
    far.bench.scheduler.start()
    execution = far.bench.run(yaml(busybox, "echo ran"))
    assert execution.status == "complete", execution.reason
    said = [line.text for line in far.bench.log(execution) if line.stream == "status"]
    assert f"copying image {busybox} to gpu-2" in said
    ours = DockerEngine().image(busybox)
    assert ours is not None
    assert execution.image_digest == ours.digest
    again = far.bench.run(yaml(busybox, "echo ran"))
    assert not [line for line in far.bench.log(again) if "copying" in line.text]


def test_an_image_that_nobody_has_is_an_error_that_names_it(far: HostBench) -> None:
    far.bench.scheduler.start()
    execution = far.bench.run(yaml("127.0.0.1:9/none:1", "true"))
    assert execution.status == "error"
    assert "127.0.0.1:9/none:1" in execution.reason
    until(lambda: not far.leftovers(), "the tidying")


def test_a_strict_container_reads_and_writes_as_nobody(far: HostBench, busybox: str) -> None:
    far.bench.session.environments.set("far", isolation="strict")
    far.bench.scheduler.start()
    execution = far.bench.run(
        yaml(busybox, "id -u; echo x > here; mkdir /valohai/outputs/d; echo y > /valohai/outputs/d/y; umask 077")
    )
    assert (execution.status, far.bench.printed(execution)) == ("complete", ["65534"])
    assert [(file.name, far.bench.content(file)) for file in far.bench.outputs(execution)] == [("d/y", b"y\n")]


def test_hostile_outputs_stay_where_they_belong(far: HostBench, busybox: str, tmp_path: Path) -> None:
    far.bench.scheduler.start()
    secret = tmp_path / "secret"
    secret.write_text("not yours")
    execution = far.bench.run(
        yaml(
            busybox,
            "cd /valohai/outputs",
            f"ln -s {secret} stolen; ln -s / root; ln -s {tmp_path} d; mkfifo pipe",
            "echo one > first; ln first second; chmod 000 first",
            "printf x > \"$(printf 'new\\nline')\"",
            "printf x > \"$(printf 'bad\\377name')\"; echo > '..x'; echo > '-rf'",
            "i=0; p=.; while [ $i -lt 70 ]; do p=$p/d$i; i=$((i+1)); done; mkdir -p $p; echo deep > $p/deep",
            "mknod dev c 1 3 || true; exit 3",
        )
    )
    assert (execution.status, execution.exit_code) == ("error", 3)
    names = [file.name for file in far.bench.outputs(execution)]
    assert "first" in names
    assert "second" in names
    assert not {"stolen", "root", "d", "pipe"} & set(names)
    contents = [far.bench.content(file) for file in far.bench.outputs(execution)]
    assert contents.count(b"one\n") == 2
    assert b"not yours" not in contents
    refusals = [line.text for line in far.bench.log(execution) if "not kept" in line.text]
    assert any("stolen" in line and "a link" in line for line in refusals)
    assert any("pipe" in line for line in refusals)
    assert secret.read_text() == "not yours"
    until(lambda: not far.leftovers(), "the tidying")


@pytest.mark.parametrize("moment", ["staging", "running", "fetching"])
def test_a_scheduler_that_is_killed_is_followed_by_one_that_goes_on(
    far: HostBench, busybox: str, tmp_path: Path, moment: str
) -> None:
    big = tmp_path / "big"
    big.write_bytes(os.urandom(20 * 1024 * 1024))
    bench = far.bench
    far.host.load(busybox)
    bench.scheduler.start()
    execution = bench.create(
        yaml(
            busybox,
            "echo ran; echo x >> /valohai/repository/runs",
            COUNTING.format(n=15),
            "cp /valohai/inputs/big/big /valohai/outputs/; cat /valohai/inputs/big/big > /valohai/outputs/more",
            extra=f"inputs:\n  - name: big\n    default: file://{big}",
        )
    )
    if moment == "staging":
        until(lambda: far.host.engine.volumes(f"shoal.instance={instance_of(bench.session)}"), "the staging")
    elif moment == "running":
        until(lambda: "line 3" in bench.printed(execution), "the running")
    else:
        until((bench.shoal.home.attempts / far.name(execution) / "outputs/big").exists, "the fetching")
    bench.scheduler.kill()
    bench.scheduler.start()
    ended = bench.ended(execution)
    assert (ended.status, ended.reason) == ("complete", "")
    assert bench.printed(ended)[0] == "ran"
    assert [line for line in bench.printed(ended) if line.startswith("line")] == [f"line {i}" for i in range(15)]
    assert [point.value for point in bench.session.executions.metadata(ended, "i")] == list(range(15))
    files = bench.outputs(ended)
    assert [file.name for file in files] == ["big", "more"]
    assert all(bench.content(file) == big.read_bytes() for file in files)
    assert far.numbers() == [(1, "closed")]
    until(lambda: not far.leftovers(), "the tidying")


@pytest.mark.parametrize("silently", [True, False])
def test_a_cut_line_is_waited_for_and_the_run_is_found_again(far: HostBench, busybox: str, *, silently: bool) -> None:
    far.bench.session.environments.set("far", host_timeout="5m")
    bench = far.bench
    bench.scheduler.start()
    execution = bench.create(yaml(busybox, COUNTING.format(n=40), "echo done > /valohai/outputs/done"))
    until(lambda: "line 3" in bench.printed(execution), "the running")
    far.host.cut(silently=silently)
    until(
        lambda: bench.shoal.database.reader().execute("SELECT health FROM hosts").fetchone()[0] == "down",
        "the loss of the line",
    )
    until(lambda: "gpu-2 does not answer" in bench.now(execution).reason, "the reason")
    assert bench.now(execution).status == "started"
    far.host.mend()
    until(lambda: bench.now(execution).reason == "", "the reason's end")
    ended = bench.ended(execution)
    assert (ended.status, ended.reason) == ("complete", "")
    assert [line for line in bench.printed(ended) if line.startswith("line")] == [f"line {i}" for i in range(40)]
    assert [point.value for point in bench.session.executions.metadata(ended, "i")] == list(range(40))
    assert [file.name for file in bench.outputs(ended)] == ["done"]
    assert far.numbers() == [(1, "closed")]


def test_a_host_that_dies_is_told_from_a_program_that_fails(far: HostBench, busybox: str) -> None:
    bench = far.bench
    bench.scheduler.start()
    execution = bench.create(yaml(busybox, "echo x > /valohai/outputs/x; echo begun; sleep 1000"))
    stopping = bench.create(yaml(busybox, "trap '' TERM; echo begun; sleep 1000"))
    until(lambda: "begun" in bench.printed(execution) and "begun" in bench.printed(stopping))
    far.host.kill()
    bench.session.executions.stop(bench.now(stopping))
    ended = bench.ended(execution)
    assert ended.status == "crashed"
    assert "was lost" in ended.reason
    assert "gpu-2" in ended.reason
    assert "the program did not fail" in ended.reason
    assert bench.outputs(ended) == []
    assert bench.ended(stopping).status == "stopped"
    far.host.start()
    until(lambda: not far.leftovers(), "the sweep")
    assert bench.run(yaml(busybox, "echo again")).status == "complete"


def test_what_a_dead_host_ran_is_started_again_where_that_is_allowed(far: HostBench, busybox: str) -> None:
    far.bench.session.environments.set("far", restart_lost="on", price_per_hour="3600")
    bench = far.bench
    bench.scheduler.start()
    execution = bench.create(
        yaml(
            busybox,
            "echo begun >> /valohai/outputs/x; echo begun",
            "sleep 6",
        )
    )
    until(lambda: "begun" in bench.printed(execution))
    far.host.kill()
    until(lambda: bench.now(execution).status == "queued", "the loss")
    far.host.start()
    ended = bench.ended(execution)
    assert (ended.status, ended.reason) == ("complete", "")
    assert bench.printed(ended) == ["begun", "begun"]
    assert [bench.content(file) for file in bench.outputs(ended)] == [b"begun\n"]
    assert far.numbers() == [(1, "closed"), (2, "closed")]
    reader = bench.shoal.database.reader()
    accounts = reader.execute(
        "SELECT count(*), sum(cost) FROM machine_usage WHERE execution_id = ?", (execution.id,)
    ).fetchone()
    assert tuple(accounts) == (2, ended.cost)
    kinds = [event.kind for event in bench.session.executions.events(ended)]
    assert kinds.count("lost") == 1
    assert kinds.count("complete") == 1
    until(lambda: not far.leftovers(), "the sweep")


def test_a_zombie_on_a_host_that_comes_back_is_ended_and_gives_nothing(far: HostBench, busybox: str) -> None:
    bench = far.bench
    bench.scheduler.start()
    execution = bench.create(yaml(busybox, "echo x > /valohai/outputs/x; echo begun; sleep 1000"))
    until(lambda: "begun" in bench.printed(execution))
    far.host.cut()
    ended = bench.ended(execution)
    assert ended.status == "crashed"
    assert far.is_running(execution)
    far.host.mend()
    until(lambda: not far.leftovers(), "the fencing")
    assert bench.now(execution) == ended
    assert bench.outputs(ended) == []
    assert bench.printed(ended) == ["begun"]


def test_a_directory_of_the_host_is_mounted(far: HostBench, busybox: str, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "data").write_text("of the host")
    far.bench.session.environments.set("far", mount_roots=str(shared))
    far.bench.scheduler.start()
    execution = far.bench.run(
        yaml(
            busybox,
            "cat /data/data; ! echo x > /data/no",
            extra=f"mounts:\n  - {{source: {shared}, destination: /data, readonly: true}}",
        )
    )
    assert (execution.status, far.bench.printed(execution)) == ("complete", ["of the host"])


def test_a_host_without_a_runtime_for_gpus_says_so(far: HostBench, busybox: str) -> None:
    (host,) = far.bench.session.hosts.list()
    far.bench.session.environments.set("far", gpus_per_machine="1")
    far.bench.session.hosts.set(host, gpu_devices="0,1")
    far.bench.scheduler.start()
    execution = far.bench.run(yaml(busybox, "echo ran"))
    assert execution.status == "crashed"
    assert "gpu-2 cannot give GPUs to containers" in execution.reason
    assert "NVIDIA Container Toolkit" in execution.reason
    until(lambda: not far.leftovers(), "the tidying")


def test_a_container_that_vanishes_on_a_host_is_lost(far: HostBench, busybox: str) -> None:
    bench = far.bench
    bench.scheduler.start()
    execution = bench.create(yaml(busybox, "echo x > /valohai/outputs/x; echo begun; sleep 1000"))
    until(lambda: "begun" in bench.printed(execution))
    far.host.docker("rm", "-f", far.name(execution))
    ended = bench.ended(execution)
    assert ended.status == "crashed"
    assert "vanished" in ended.reason
    assert bench.outputs(ended) == []
    until(lambda: not far.leftovers(), "the tidying")


def test_a_stop_while_its_inputs_are_being_sent_leaves_nothing(far: HostBench, busybox: str, tmp_path: Path) -> None:
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(300 * 1024 * 1024)
    far.host.load(busybox)
    bench = far.bench
    bench.scheduler.start()
    execution = bench.create(
        yaml(busybox, "sleep 1000", extra=f"inputs:\n  - name: big\n    default: file://{big}"),
    )
    until(lambda: far.host.engine.observe(f"{far.name(execution)}-stage"), "the sending")
    bench.session.executions.stop(bench.now(execution))
    assert bench.ended(execution).status == "stopped"
    until(lambda: not far.leftovers(), "the tidying")


@pytest.mark.parametrize("moment", ["sending", "fetching"])
def test_a_line_that_is_cut_in_a_transfer_has_it_done_again(
    far: HostBench, busybox: str, tmp_path: Path, moment: str
) -> None:
    far.bench.session.environments.set("far", host_timeout="5m")
    big = tmp_path / "big"
    big.write_bytes(os.urandom(100 * 1024 * 1024))
    bench = far.bench
    far.host.load(busybox)
    bench.scheduler.start()
    execution = bench.create(
        yaml(
            busybox,
            "echo ran; cp /valohai/inputs/big/big /valohai/outputs/",
            extra=f"inputs:\n  - name: big\n    default: file://{big}",
        )
    )
    if moment == "sending":
        until(lambda: far.host.engine.observe(f"{far.name(execution)}-stage"), "the sending")
    else:
        until((bench.shoal.home.attempts / far.name(execution) / "outputs/big").exists, "the fetching")
    far.host.cut(silently=False)
    until(lambda: "gpu-2 does not answer" in bench.now(execution).reason, "the reason")
    far.host.mend()
    ended = bench.ended(execution)
    assert (ended.status, ended.reason) == ("complete", "")
    assert bench.printed(ended) == ["ran"]
    assert [bench.content(file) for file in bench.outputs(ended)] == [big.read_bytes()]
    assert far.numbers() == [(1, "closed")]
    until(lambda: not far.leftovers(), "the tidying")
