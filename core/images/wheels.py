"""Python packages for an image: wheels of a locked list, laid out by pip for the image's own Python."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from typing import TYPE_CHECKING

from core.errors import UnavailableError

if TYPE_CHECKING:
    from pathlib import Path

_TIME_LIMIT = 600
_GLIBC = ("2_28", "2_27", "2_26", "2_24", "2_17", "2_12", "2_5")


def install_wheels(requirements: Path, python_version: str, directory: Path) -> None:
    """Install the wheels of a locked, hashed requirements file into `directory`, for a Linux Python of that version.

    Nothing is built and nothing of the packages is run here: what runs in the image may not run on this machine.

    Raises:
        UnavailableError: a package cannot be downloaded.
    """
    try:
        result = subprocess.run(
            [*_pip(python_version), "--target", os.fspath(directory), "--requirement", os.fspath(requirements)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIME_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"the image's Python packages did not arrive within {_TIME_LIMIT} seconds: check the network"
        raise UnavailableError(message) from error
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines() or ["no reason given"]
        message = f"the image's Python packages cannot be installed ({lines[-1].strip()}): check the network"
        raise UnavailableError(message)


def _pip(python_version: str) -> list[str]:
    tags = [f"manylinux_{glibc}_{platform.machine()}" for glibc in _GLIBC]
    tags.append(f"manylinux2014_{platform.machine()}")
    return [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"),
        *("--implementation", "cp", "--python-version", python_version, "--no-compile"),
        *(argument for tag in tags for argument in ("--platform", tag)),
        *("--only-binary", ":all:", "--require-hashes"),
    ]
