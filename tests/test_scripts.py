"""The scripts that prepare a machine: what they say to a person who has to do something first."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"


def test_who_may_not_install_is_told_in_one_sentence(tmp_path: Path) -> None:
    for command in ("sh", "bash", "dirname", "sed", "sort", "tr"):
        (tmp_path / command).symlink_to(shutil.which(command) or "/")
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    result = run("setup-system", PATH=str(tmp_path), DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "run: sudo apt-get install --no-install-recommends " in result.stderr
    assert "git" in result.stderr.split()


def test_an_engine_elsewhere_that_does_not_answer_is_named(tmp_path: Path) -> None:
    host = f"unix://{tmp_path}/none.sock"
    result = run("docker-engine", DOCKER_HOST=host)
    assert result.returncode == 1
    assert result.stderr == f"Docker does not answer at DOCKER_HOST={host}: start it there, or unset DOCKER_HOST.\n"


@pytest.mark.docker
def test_where_everything_is_there_nothing_is_said_or_done() -> None:
    for script in ("setup-system", "docker-engine"):
        result = run(script)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script and return how it ended and what it said."""
    return subprocess.run(
        [SCRIPTS / script],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
