"""The first valohai.yaml: written where there is none, and runs as it is."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Literal

import pytest

from core.errors import UnavailableError
from core.projects.first_manifest import FIRST_MANIFEST, write_first_manifest
from core.projects.manifest import read_manifest
from core.projects.script import script
from core.projects.specification import specify

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_written_where_there_is_none(tmp_path: Path) -> None:
    assert write_first_manifest(tmp_path) == tmp_path / "valohai.yaml"
    assert (tmp_path / "valohai.yaml").read_text() == FIRST_MANIFEST
    assert [path.name for path in tmp_path.iterdir()] == ["valohai.yaml"]
    assert write_first_manifest(tmp_path, "ml/valohai.yaml") == tmp_path / "ml" / "valohai.yaml"


@pytest.mark.parametrize("make", ["write_text", "symlink_to", "mkdir"])
def test_what_is_there_is_left_alone(make: str, tmp_path: Path) -> None:
    target = tmp_path / "valohai.yaml"
    getattr(target, make)(*([] if make == "mkdir" else ["mine"]))
    before = target.lstat()
    assert write_first_manifest(tmp_path) is None
    assert target.lstat().st_ino == before.st_ino
    assert [path.name for path in tmp_path.iterdir()] == ["valohai.yaml"]


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnavailableError, match="cannot be written"):
        write_first_manifest(tmp_path / "file")


@pytest.mark.parametrize("joiner", ["newline", "and"])
def test_it_has_no_remarks_and_its_step_runs(joiner: Literal["newline", "and"], tmp_path: Path) -> None:
    manifest = read_manifest(FIRST_MANIFEST)
    assert manifest.findings == []
    text = script(specify(manifest, manifest.step_names()[0]).command, joiner)
    text = text.replace("/valohai/outputs", str(tmp_path))
    result = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=True)
    greeting, *metadata = result.stdout.splitlines()
    assert greeting == "Hello, shoal"
    assert [json.loads(line)["epoch"] for line in metadata] == [1, 2, 3]
    assert (tmp_path / "made-at.txt").stat().st_size > 0
