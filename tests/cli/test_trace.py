"""`shoal files trace` in its several forms."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from core.projects.manifest import read_manifest
from core.projects.specification import specify
from core.storage.checksums import checksum

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from core.session import Session
    from tests.cli.conftest import Ran


@pytest.fixture
def made(linked: Session, system: Session, directory: Path, tmp_path: Path) -> None:
    """rows.csv → #1 → model.bin → #2."""
    penguins = linked.projects.get("penguins")
    (tmp_path / "rows.csv").write_text("a,b\n")
    rows = linked.files.upload(penguins, tmp_path / "rows.csv")
    commit = linked.projects.commit_working_tree(penguins, directory)
    train = partial(specify, read_manifest(commit.yaml), "train")
    first = linked.executions.create(penguins, commit, train(inputs={"dataset": [rows.uri]}))
    (tmp_path / "model.bin").write_bytes(b"model")
    model = system.files.add_output(first.id, tmp_path / "model.bin", "model.bin", checksum(tmp_path / "model.bin"))
    linked.executions.create(penguins, commit, train(inputs={"dataset": [model.uri]}))


@pytest.mark.usefixtures("made")
def test_a_tree_in_words(run: Callable[[str], Ran]) -> None:
    lines = run("files trace model.bin --plain").out.splitlines()
    assert lines[0].startswith("model.bin, 5 B, sha256 ")
    assert lines[1] == "came from:"
    assert lines[2].startswith("  #1 train, created 0 s ago, ")
    assert lines[3].startswith("    rows.csv, 4 B")
    assert lines[4] == "went into:"
    assert lines[5].startswith("  #2 train, created")
    assert not set("".join(lines)) & set("│├└─↑↓")
    assert "went into:" not in run("files trace model.bin --plain --up").out


@pytest.mark.usefixtures("made")
def test_a_path(run: Callable[[str], Ran]) -> None:
    lines = run("files trace 2 --path-to rows.csv").out.splitlines()
    assert [line.split("  ")[line.startswith("  ")] for line in lines] == [
        "rows.csv",
        "↓ #1 train",
        "↓ model.bin",
        "↓ #2 train",
    ]
    assert run("files trace rows.csv --path-to model.bin --plain").out.splitlines()[1].startswith("led to #1 train, ")
    assert [node["kind"] for node in run("files trace rows.csv --path-to 2 --json").json] == [
        "file",
        "execution",
        "file",
        "execution",
    ]
    assert run("files trace rows.csv --path-to model.bin --dot").out.count(" -> ") == 2
    assert run("files trace rows.csv --path-to model.bin --mermaid").out.count(" --> ") == 2
    assert run("files trace rows.csv --path-to rows.csv").code == 2
    assert run("files trace rows.csv --path-to nothing").code == 3


@pytest.mark.usefixtures("made")
def test_an_execution_can_be_traced_and_a_file_of_that_name_comes_first(
    run: Callable[[str], Ran], directory: Path
) -> None:
    assert run("files trace 1 --json").json["label"] == "#1 train"
    (directory / "1").write_text("x")
    run("files upload 1")
    assert run("files trace 1 --json").json["label"] == "1"
    assert run("files trace '#2' --json").json["label"] == "#2 train"


@pytest.mark.usefixtures("made")
def test_one_form_at_a_time(run: Callable[[str], Ran]) -> None:
    assert run("files trace model.bin --mermaid").out.startswith("flowchart LR\n")
    ran = run("files trace model.bin --dot --mermaid")
    assert (ran.code, "--dot and --mermaid are several forms" in ran.err) == (2, True)
    assert run("files trace model.bin --json --plain").code == 2
