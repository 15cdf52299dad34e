"""Executions on a real Docker Engine: what the container sees, how it ends, what is kept of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from core.environments.loads import load
from tests.workbench import manifest, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.workbench import Workbench

pytestmark = pytest.mark.docker


def test_a_step_runs_with_its_parameters_and_ends_complete(workbench: Workbench, busybox: str) -> None:
    yaml = manifest(
        busybox,
        "echo args {parameters}",
        "pwd",
        "cat /valohai/config/parameters.json",
        "echo oops >&2",
        extra="parameters:\n  - {name: rate, type: float, default: 0.5}\n  - {name: name, type: string, default: a b}",
    )
    execution = workbench.run(yaml, parameters={"rate": "0.25"})
    assert (execution.status, execution.exit_code, execution.reason) == ("complete", 0, "")
    printed = workbench.printed(execution)
    assert printed[0] == "args --rate=0.25 --name=a b"
    assert printed[1] == "/valohai/repository"
    assert json.loads("".join(printed[2:])) == {"rate": 0.25, "name": "a b"}
    assert workbench.printed(execution, "stderr") == ["oops"]
    assert execution.image_digest is not None
    assert execution.image_digest.startswith("sha256:")


def test_the_container_is_told_what_it_is(workbench: Workbench, busybox: str) -> None:
    yaml = manifest(
        busybox,
        "env",
        "cat /valohai/config/execution.json > /valohai/outputs/execution.json",
        "ls /valohai/config",
        extra="environment-variables:\n  - {name: MODE, default: fast}",
    )
    execution = workbench.run(yaml, title="A title")
    variables = dict(line.split("=", 1) for line in workbench.printed(execution) if "=" in line)
    assert variables["VH_JOB_ID"] == f"exec-{execution.uuid}"
    assert variables["VH_EXECUTION_ID"] == execution.uuid
    assert variables["VH_OUTPUTS_DIR"] == "/valohai/outputs"
    assert variables["MODE"] == "fast"
    names = [
        f"{name}.{ending}"
        for name in ("api", "execution", "inputs", "parameters", "runtime")
        for ending in ("json", "yaml")
    ]
    assert workbench.printed(execution)[-len(names) :] == names
    facts = json.loads(workbench.content(workbench.outputs(execution)[0]))
    assert facts["valohai.execution-id"] == execution.uuid
    assert facts["valohai.execution-step"] == "step"
    assert facts["valohai.execution-title"] == "A title"
    assert facts["valohai.commit-identifier"] == execution.commit


def test_the_status_is_that_of_the_last_command(workbench: Workbench, busybox: str) -> None:
    assert workbench.run(manifest(busybox, "false", "true")).status == "complete"
    execution = workbench.run(manifest(busybox, "true", "exit 3"))
    assert (execution.status, execution.exit_code) == ("error", 3)
    assert "exit code 3" in execution.reason


def test_joined_with_and_the_first_failure_ends_it(workbench: Workbench, busybox: str) -> None:
    workbench.project = workbench.session.projects.set(workbench.project, command_joiner="and")
    execution = workbench.run(manifest(busybox, "false", "echo not reached"))
    assert (execution.status, workbench.printed(execution)) == ("error", [])


def test_a_first_line_that_names_an_interpreter_is_obeyed(workbench: Workbench, busybox: str) -> None:
    execution = workbench.run(manifest(busybox, "#!/bin/cat\nthis is printed by cat"))
    assert workbench.printed(execution) == ["#!/bin/cat", "this is printed by cat"]


def test_code_lies_in_the_repository_and_may_be_written_to(workbench: Workbench, busybox: str) -> None:
    (workbench.directory / "pkg").mkdir()
    (workbench.directory / "pkg" / "data.txt").write_text("from the project")
    execution = workbench.run(manifest(busybox, "cat pkg/data.txt", "echo changed > pkg/data.txt", "cat pkg/data.txt"))
    assert "".join(workbench.printed(execution)) == "from the projectchanged"
    assert (workbench.directory / "pkg" / "data.txt").read_text() == "from the project"
    again = workbench.run(manifest(busybox, "cat pkg/data.txt"))
    assert workbench.printed(again) == ["from the project"]


def test_inputs_are_there_verified_and_cannot_be_changed(workbench: Workbench, busybox: str, tmp_path: Path) -> None:
    source = tmp_path / "data.csv"
    source.write_text("1,2\n")
    file = workbench.session.files.upload(workbench.project, source)
    yaml = manifest(
        busybox,
        "cat /valohai/inputs/data/data.csv",
        "echo x >> /valohai/inputs/data/data.csv",
        "cat /valohai/config/inputs.json > /valohai/outputs/inputs.json",
        extra="inputs:\n  - name: data\n  - {name: more, optional: true}",
    )
    execution = workbench.run(yaml, inputs={"data": [file.uri]})
    assert workbench.printed(execution) == ["1,2"]
    assert "Read-only" in " ".join(workbench.printed(execution, "stderr"))
    assert workbench.content(file) == b"1,2\n"
    (entry,) = json.loads(workbench.content(workbench.outputs(execution)[0]))["data"]["files"]
    assert entry["datum_id"] == file.uuid
    assert entry["checksums"]["sha256"] == file.sha256
    (recorded,) = workbench.session.executions.inputs(execution)
    assert (recorded.file_id, recorded.sha256) == (file.id, file.sha256)


def test_outputs_keep_their_names_and_their_properties(workbench: Workbench, busybox: str) -> None:
    yaml = manifest(
        busybox,
        "mkdir -p /valohai/outputs/train",
        "echo model > /valohai/outputs/train/model.bin",
        "echo other > /valohai/outputs/other.txt",
        "cd /valohai/outputs",
        """echo '{"valohai.tags": ["a", "b"], "valohai.alias": "best", "k": [1]}' > other.txt.metadata.json""",
        """echo '{"file": "train/model.bin", "metadata": {"valohai.alias": "m", "f1": 1}}' > valohai.metadata.jsonl""",
    )
    other, model = workbench.outputs(workbench.run(yaml))
    assert (other.name, set(other.tags), other.aliases, other.properties) == (
        "other.txt",
        {"a", "b"},
        ("best",),
        {"k": [1]},
    )
    assert (model.name, model.aliases, model.properties) == ("train/model.bin", ("m",), {"f1": 1})
    assert workbench.content(model) == b"model\n"


def test_a_file_made_read_only_is_kept_at_once_and_a_second_one_of_its_name_beside_it(
    workbench: Workbench, busybox: str
) -> None:
    yaml = manifest(
        busybox,
        "cd /valohai/outputs",
        "echo one > live.txt && chmod 444 live.txt",
        "while [ -e live.txt ]; do sleep 0.1; done",
        "echo two > live.txt && chmod 444 live.txt",
        "while [ -e live.txt ]; do sleep 0.1; done",
        "echo seen",
    )
    execution = workbench.run(yaml)
    assert execution.status == "complete"
    assert [workbench.content(file) for file in workbench.outputs(execution)] == [b"one\n", b"two\n"]
    assert {file.name for file in workbench.outputs(execution)} == {"live.txt"}


def test_outputs_that_are_not_files_are_refused_and_lead_nowhere(workbench: Workbench, busybox: str) -> None:
    yaml = manifest(
        busybox,
        "cd /valohai/outputs",
        "ln -s /etc/passwd link; ln -s / directory; mkfifo pipe; mkdir empty; echo good > good.txt",
        "printf x > $'esc\\033[31m.txt'; printf y > $'new\\nline'",
        "ln -s /etc ../outputs/sub; echo z > 'a b [red].txt'",
    )
    execution = workbench.run(yaml)
    names = [file.name for file in workbench.outputs(execution)]
    assert len(names) == 4
    assert {"good.txt", "a b [red].txt"} <= set(names)
    assert all(name.isprintable() for name in names)
    refused = [line for line in workbench.printed(execution, "status") if "not kept" in line]
    assert len(refused) == 4


def test_outputs_are_kept_after_a_crash(workbench: Workbench, busybox: str) -> None:
    execution = workbench.run(manifest(busybox, "echo partial > /valohai/outputs/p.txt", "kill -9 $$"))
    assert execution.status == "error"
    assert [file.name for file in workbench.outputs(execution)] == ["p.txt"]


def test_lines_that_are_json_objects_are_metadata(workbench: Workbench, busybox: str) -> None:
    loop = """for i in 1 2 3; do echo "{\\"epoch\\": $i, \\"loss\\": 0.$i}"; done"""
    execution = workbench.run(manifest(busybox, loop, "echo '[1]'"))
    assert workbench.session.executions.metadata_latest(execution) == {"epoch": 3, "loss": 0.3}
    points = workbench.session.executions.metadata(execution, "loss")
    assert [point.value for point in points] == [0.1, 0.2, 0.3]


def test_a_stop_lets_the_command_finish_what_it_does_on_sigterm(workbench: Workbench, busybox: str) -> None:
    inner = "trap 'echo cleaned > /valohai/outputs/late.txt; exit 0' TERM; echo ready; while true; do sleep 0.1; done"
    execution = workbench.create(manifest(busybox, f'sh -c "{inner}"', "echo never"))
    until(lambda: "ready" in workbench.printed(execution))
    workbench.session.executions.stop(workbench.now(execution))
    ended = workbench.ended(execution)
    assert (ended.status, ended.reason) == ("stopped", f"stopped by {workbench.session.actor.name}")
    assert [file.name for file in workbench.outputs(execution)] == ["late.txt"]
    assert "never" not in workbench.printed(execution)


def test_one_that_ignores_sigterm_is_killed_after_the_grace_period(workbench: Workbench, busybox: str) -> None:
    workbench.session.settings.set("stop_grace_period", 1)
    execution = workbench.create(manifest(busybox, "trap '' TERM; echo ready; while true; do sleep 0.1; done"))
    until(lambda: "ready" in workbench.printed(execution))
    workbench.session.executions.stop(workbench.now(execution))
    ended = workbench.ended(execution)
    assert (ended.status, ended.exit_code) == ("stopped", 137)


def test_an_execution_that_waits_is_stopped_at_once(idle_workbench: Workbench, busybox: str) -> None:
    execution = idle_workbench.create(manifest(busybox, "true"))
    assert idle_workbench.session.executions.stop(execution).status == "stopped"


def test_the_time_limit_ends_it(workbench: Workbench, busybox: str) -> None:
    execution = workbench.run(manifest(busybox, "echo begun", "sleep 1000", extra="time-limit: 1s"))
    assert (execution.status, execution.reason) == ("stopped", "time limit of 1 s reached")
    assert workbench.printed(execution) == ["begun"]


def test_silence_ends_it(workbench: Workbench, busybox: str) -> None:
    execution = workbench.run(manifest(busybox, "sleep 1000", extra="no-output-timeout: 1s"))
    assert (execution.status, execution.reason) == ("stopped", "no output for 1 s")


def test_a_stop_condition_ends_it(workbench: Workbench, busybox: str) -> None:
    loop = """i=0; while true; do i=$((i+1)); echo "{\\"epoch\\": $i}"; sleep 0.1; done"""
    execution = workbench.run(manifest(busybox, loop, extra="stop-condition: epoch >= 3"))
    assert (execution.status, execution.reason) == ("stopped", "stop condition met: epoch >= 3")


def test_out_of_memory_is_told_from_failure(workbench: Workbench, busybox: str) -> None:
    workbench.session.environments.set("local", memory="16m")
    execution = workbench.run(manifest(busybox, "exec tail /dev/zero"))
    assert (execution.status, execution.out_of_memory) == ("error", True)
    assert "16 MiB" in execution.reason


def test_a_missing_image_is_a_clear_error(workbench: Workbench) -> None:
    execution = workbench.run(manifest("shoal-test/no-such-image:1", "true"))
    assert execution.status == "error"
    assert "shoal-test/no-such-image:1" in execution.reason


def test_a_missing_command_is_a_clear_error(workbench: Workbench, busybox: str) -> None:
    execution = workbench.run(manifest(busybox, "no-such-command"))
    assert (execution.status, execution.exit_code) == ("error", 127)
    assert "not found" in execution.reason


def test_strict_isolation_is_not_root_has_no_capability_and_writes_only_where_it_may(
    workbench: Workbench, busybox: str, tmp_path: Path
) -> None:
    workbench.session.environments.set("local", isolation="strict")
    source = tmp_path / "in.txt"
    source.write_text("readable")
    file = workbench.session.files.upload(workbench.project, source)
    yaml = manifest(
        busybox,
        "id -u; grep -E 'CapEff|NoNewPrivs' /proc/self/status; cat /valohai/inputs/data/in.txt; echo",
        "touch /x || echo refused; touch here && echo o > /valohai/outputs/o.txt && touch /tmp/t && echo allowed",
        extra="inputs:\n  - name: data",
    )
    execution = workbench.run(yaml, inputs={"data": [file.uri]})
    printed = [line.replace("\t", " ") for line in workbench.printed(execution)]
    assert printed[0] != "0"
    assert printed[1:] == ["CapEff: 0000000000000000", "NoNewPrivs: 1", "readable", "refused", "allowed"]
    assert [output.name for output in workbench.outputs(execution)] == ["o.txt"]


def test_a_machine_s_limits_are_the_container_s(workbench: Workbench, busybox: str) -> None:
    workbench.session.environments.set("local", memory="64m", cpus="0.5", pids="50", network="none")
    names = "memory/memory.limit_in_bytes memory.max pids/pids.max pids.max"
    probe = f"cd /sys/fs/cgroup; for name in {names}; do cat $name 2>/dev/null; done"
    execution = workbench.run(manifest(busybox, probe, "ls /sys/class/net"))
    assert {"67108864", "50"} <= set(workbench.printed(execution))
    assert workbench.printed(execution)[-1] == "lo"


def test_a_line_of_100_mb_and_binary_are_kept_whole(workbench: Workbench, busybox: str) -> None:
    yaml = manifest(busybox, "head -c 100000000 /dev/zero | tr '\\0' y; echo; printf 'a\\000\\377b\\n'")
    execution = workbench.run(yaml)
    assert execution.status == "complete"
    pieces = [line for line in workbench.log(execution) if line.stream == "stdout"]
    assert sum(len(piece.text) for piece in pieces[:-1]) == 100_000_000
    assert [piece.partial for piece in pieces[:-1]] == [True] * (len(pieces) - 2) + [False]
    assert pieces[-1].text == "a\0\ufffdb"


def test_many_lines_a_second_all_arrive_in_order(workbench: Workbench, busybox: str) -> None:
    execution = workbench.run(manifest(busybox, "seq 1 200000"))
    assert workbench.printed(execution) == [str(number) for number in range(1, 200_001)]
    assert execution.log_lines == 200_000 + len(workbench.printed(execution, "status"))


def test_a_price_makes_a_cost(workbench: Workbench, busybox: str) -> None:
    workbench.session.environments.set("local", price_per_hour="3600")
    execution = workbench.run(manifest(busybox, "true"))
    assert execution.ended_at is not None
    assert execution.started_at is not None
    assert execution.cost == pytest.approx((execution.ended_at - execution.started_at) * 1e6, rel=1e-3)


def test_nobody_has_more_machines_than_the_quota_and_the_maximum_allows(workbench: Workbench, busybox: str) -> None:
    workbench.session.environments.set("local", per_user_quota="2", maximum_scale="3")
    executions = [workbench.create(manifest(busybox, "sleep 0.3")) for _ in range(6)]
    seen = set()
    while not all(workbench.now(execution).is_final for execution in executions):
        running = workbench.session.executions.counts()["started"]
        seen.add(running)
        waiting = workbench.session.executions.list(statuses=["created"]).rows
        assert all("machines are in use" in e.reason or "not looked" in e.reason for e in waiting)
    assert max(seen) <= 2
    assert {workbench.now(execution).status for execution in executions} == {"complete"}


def test_an_idle_machine_goes_after_its_grace_period(workbench: Workbench, busybox: str) -> None:
    workbench.session.environments.set("local", scale_down_grace_period="1s")
    workbench.run(manifest(busybox, "true"))
    environment = workbench.session.environments.get("local")
    until(lambda: not load(workbench.session, environment).machines, "the machine's going")
    row = workbench.shoal.database.reader().execute("SELECT gone_at - idle_since FROM machines").fetchone()
    assert row is not None
    gone = (
        workbench.shoal.database.reader()
        .execute("SELECT m.gone_at - e.ended_at FROM machines m JOIN executions e ON e.machine_id = m.id")
        .fetchone()[0]
    )
    assert gone >= 1


def test_a_copy_runs_with_the_same_files_though_the_alias_moved(
    workbench: Workbench, busybox: str, tmp_path: Path
) -> None:
    sources = []
    for text in ("old", "new"):
        source = tmp_path / f"{text}.txt"
        source.write_text(text)
        sources.append(workbench.session.files.upload(workbench.project, source))
    workbench.session.files.set_alias(workbench.project, "data", sources[0])
    yaml = manifest(busybox, "cat /valohai/inputs/data/*.txt", extra="inputs:\n  - name: data")
    first = workbench.run(yaml, inputs={"data": ["datum://data"]})
    workbench.session.files.set_alias(workbench.project, "data", sources[1])
    copy = workbench.ended(workbench.session.executions.copy(first))
    assert workbench.printed(copy) == workbench.printed(first) == ["old"]
    assert copy.copied_from == first.id


def test_nothing_is_left_behind(workbench: Workbench, busybox: str) -> None:
    from core.scheduler.engines.docker import DockerEngine
    from core.scheduler.sweep import instance_of

    execution = workbench.run(manifest(busybox, "mkdir /valohai/outputs/d; echo x > /valohai/outputs/d/x"))
    label = f"shoal.instance={instance_of(workbench.session)}"
    until(lambda: not DockerEngine().names(label), "the container's removal")
    until(lambda: not list(workbench.shoal.home.attempts.iterdir()), "the directories' removal")
    assert execution.status == "complete"


def test_devices_deep_trees_and_long_paths_harm_nothing(workbench: Workbench, busybox: str) -> None:
    deep = "d=/valohai/outputs; i=0; while [ $i -lt 70 ]; do d=$d/n; i=$((i+1)); done; mkdir -p $d; echo x > $d/x"
    name = "a" * 200
    long = f"cd /valohai/outputs; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do mkdir {name}; cd {name}; done; echo y > y"
    yaml = manifest(
        busybox,
        "mknod /valohai/outputs/c.metadata.json c 1 5; echo c > /valohai/outputs/c",
        deep,
        long,
        "echo last > /valohai/outputs/zz",
    )
    execution = workbench.run(yaml)
    assert execution.status == "complete"
    assert [workbench.content(file) for file in workbench.outputs(execution)] == [b"y\n", b"c\n", b"last\n"]
    refused = [line for line in workbench.printed(execution, "status") if "not kept" in line]
    assert len(refused) == 2


def test_lines_that_cannot_be_stored_as_metadata_are_lines_all_the_same(workbench: Workbench, busybox: str) -> None:
    deep = "[" * 1000 + "]" * 1000
    yaml = manifest(busybox, f"""echo '{{"a": {deep}}}'; echo '{{"\\ud800": 1}}'; echo '{{"ok": NaN}}'""")
    execution = workbench.run(yaml)
    assert execution.status == "complete"
    assert len(workbench.printed(execution)) == 3
    assert list(workbench.session.executions.metadata_latest(execution)) == ["ok"]


def test_a_sidecar_without_its_file_is_an_output_and_a_line_about_nothing_is_told(
    workbench: Workbench, busybox: str
) -> None:
    yaml = manifest(
        busybox,
        "cd /valohai/outputs; echo '{\"a\": 1}' > model.metadata.json; echo hi > keep.txt",
        'echo \'{"file": "nowhere.txt", "metadata": {"k": 1}}\' > valohai.metadata.jsonl',
    )
    execution = workbench.run(yaml)
    names = [file.name for file in workbench.outputs(execution)]
    assert names == ["keep.txt", "model.metadata.json", "valohai.metadata.jsonl"]
    assert any("nowhere.txt, which is no output" in line for line in workbench.printed(execution, "status"))


def test_a_tree_of_any_depth_is_left_behind_by_nobody(workbench: Workbench, busybox: str) -> None:
    dig = "i=0; while [ $i -lt 1100 ]; do mkdir d; cd d; i=$((i+1)); done"
    execution = workbench.run(manifest(busybox, f"cd /valohai/outputs; echo important > model.bin; {dig}"))
    assert [file.name for file in workbench.outputs(execution)] == ["model.bin"]
    until(lambda: not list(workbench.shoal.home.attempts.iterdir()), "the directories' removal")
    workbench.scheduler.stop()
    workbench.scheduler.start()
    assert workbench.run(manifest(busybox, "true")).status == "complete"


@pytest.mark.parametrize("isolation", ["standard", "strict"])
def test_outputs_of_any_mode_are_kept_and_none_stays_behind(workbench: Workbench, busybox: str, isolation: str) -> None:
    workbench.session.environments.set("local", isolation=isolation)
    yaml = manifest(
        busybox,
        "cd /valohai/outputs; mkdir -p a/b r/o; echo 1 > a/b/x; chmod 500 a/b; echo 2 > r/o/x; chmod 555 r/o r",
        "echo 3 > zero; chmod 000 zero; mkdir /valohai/repository/d; touch /valohai/repository/d/f",
        "chmod 000 /valohai/repository/d",
    )
    execution = workbench.run(yaml)
    assert execution.status == "complete"
    assert [workbench.content(file) for file in workbench.outputs(execution)] == [b"1\n", b"2\n", b"3\n"]
    until(lambda: not list(workbench.shoal.home.attempts.iterdir()), "the directories' removal")
