"""Debian packages and all that they need, downloaded without installing anything and without being root."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from core.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_TIME_LIMIT = 600


def download_packages(packages: Sequence[str], directory: Path) -> list[Path]:
    """Download packages and their whole dependency closure into `directory`; return the .deb files, sorted.

    The closure is worked out by apt against an empty list of installed packages, so that it is complete whatever this
    machine has. Where this machine's package lists are missing or too old, fresh ones are read into `directory` first:
    the system's own are left alone.

    Raises:
        UnavailableError: there is no apt here, or the packages cannot be downloaded.
    """
    archives = directory / "archives"
    (archives / "partial").mkdir(parents=True)
    (directory / "status").touch()
    options = [
        *("-o", f"Dir::State::status={directory / 'status'}"),
        *("-o", f"Dir::Cache::archives={archives}"),
        *("-o", "Debug::NoLocking=true"),
    ]
    install = ["--yes", "--download-only", "--no-install-recommends", "install", *packages]
    if _apt_get([*options, *install]).returncode != 0:
        options += _fresh_lists(directory)
        result = _apt_get([*options, *install])
        if result.returncode != 0:
            raise _unavailable(result)
    return sorted(archives.glob("*.deb"))


def _fresh_lists(directory: Path) -> list[str]:
    lists = directory / "lists"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    options = [
        *("-o", f"Dir::State::lists={lists}"),
        *("-o", "Dir::Cache::pkgcache="),
        *("-o", "Dir::Cache::srcpkgcache="),
    ]
    result = _apt_get([*options, "-o", "Debug::NoLocking=true", "update"])
    if result.returncode != 0:
        raise _unavailable(result)
    return options


def _apt_get(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["apt-get", "--quiet=2", *arguments],
            env=os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIME_LIMIT,
            check=False,
        )
    except FileNotFoundError as error:
        message = "the image cannot be made: this is no Debian system (there is no apt-get), and no registry answers"
        raise UnavailableError(message) from error
    except subprocess.TimeoutExpired as error:
        message = f"apt-get did not finish within {_TIME_LIMIT} seconds: check the network, then try again"
        raise UnavailableError(message) from error


def _unavailable(result: subprocess.CompletedProcess[str]) -> UnavailableError:
    errors = [line for line in result.stderr.splitlines() if line.startswith("E:")]
    reason = errors[-1].removeprefix("E:").strip() if errors else f"apt-get ended with {result.returncode}"
    return UnavailableError(f"Debian's packages cannot be downloaded ({reason}): check the network, then try again")
