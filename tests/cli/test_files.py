"""`shoal files`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.storage.checksums import checksum

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from core.executions.execution import Execution
    from core.session import Session
    from tests.cli.conftest import Ran


def test_a_file_goes_in_and_comes_out(run: Callable[[str], Ran], linked: Session, directory: Path) -> None:  # noqa: ARG001
    (directory / "rows.csv").write_text("a,b\n")
    put = run("files upload rows.csv --tag raw --alias newest --json")
    assert put.json[0]["size"] == 4
    (listed,) = run("files ls --tag raw --json").json
    assert (listed["name"], listed["aliases"], listed["execution"]) == ("rows.csv", ["newest"], None)
    assert run("files upload rows.csv").out.split()[0] == listed["uri"]
    assert run("files download newest -o out.csv").code == 0
    assert (directory / "out.csv").read_text() == "a,b\n"
    refused = run("files download newest -o out.csv")
    assert (refused.code, "exists already" in refused.err) == (5, True)
    assert run(f"files download {listed['uuid']} -o out.csv --overwrite").code == 0


def test_the_list_names_what_made_a_file(
    run: Callable[[str], Ran], execution: Callable[..., Execution], system: Session, tmp_path: Path
) -> None:
    made = output(system, execution(), tmp_path)
    assert f"#{made.execution_counter}" in run("files ls").out
    assert run("files ls --execution 1 --json").json[0]["name"] == "model.bin"
    assert run("files ls --name *.bin --limit 1").out.splitlines()[1].split()[0] == "model.bin"
    assert run("files ls --name *.csv --json").json == []


def output(system: Session, execution: Execution, tmp_path: Path):  # type: ignore[no-untyped-def]  # noqa: ANN201
    source = tmp_path / "model.bin"
    source.write_bytes(b"model")
    return system.files.add_output(execution.id, source, "model.bin", checksum(source), properties=None)


def test_a_trace_is_a_tree(
    run: Callable[[str], Ran],
    execution: Callable[..., Execution],
    system: Session,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output(system, execution(), tmp_path)
    lines = run("files trace model.bin --up").out.splitlines()
    assert lines[0].startswith("model.bin  5 B")
    assert lines[1].startswith("└─ #1 train  created")
    assert "learning_rate=0.1 layers=[1] verbose=false · commit" in lines[1]
    both = run("files trace model.bin").out.splitlines()
    assert both[-1].startswith("↑ ")
    assert both[1].startswith("└─ ↑ #1 train")
    assert run("files trace model.bin --json").json["children"][0]["label"] == "#1 train"
    dot = run("files trace model.bin --dot").out
    assert dot.startswith("digraph lineage {")
    assert '[label="model.bin", shape=note]' in dot
    assert " -> " in dot
    monkeypatch.setenv("COLUMNS", "30")
    assert all(len(line) <= 30 for line in run("files trace model.bin").out.splitlines())


def test_a_trace_finds_a_file_by_the_end_of_its_name(
    run: Callable[[str], Ran], linked: Session, tmp_path: Path
) -> None:
    (tmp_path / "a").write_text("a")
    linked.files.upload(linked.projects.get("penguins"), tmp_path / "a", name="deep/model[1].bin")
    assert run("files trace model[1].bin --json").json["label"] == "deep/model[1].bin"
    ran = run("files trace modl[1].bin")
    assert (ran.code, "did you mean" in ran.err) == (3, True)


def test_mistakes(run: Callable[[str], Ran], linked: Session, directory: Path) -> None:  # noqa: ARG001
    (directory / "a").write_text("a")
    assert run("files trace nothing").code == 3
    assert run("files download nothing").code == 3
    assert run("files upload missing").code == 2
    assert run("files upload .").code == 2
    assert run("files upload a valohai.yaml --name b").code == 2
    assert run("files ls --json").json == []
