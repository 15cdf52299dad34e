"""A Docker Engine of the test's own, which it may stop and kill."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from core.scheduler.engines.docker import DockerEngine
from core.scheduler.engines.engine import EngineDownError
from tests.workbench import until


class DockerDaemon:
    """`dockerd` with its own data, without a bridge; needs root."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.host = f"unix://{directory}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True)

    def start(self) -> None:
        directory = self._directory
        for name in ("docker.pid", "docker.sock"):
            (directory / name).unlink(missing_ok=True)
        # The directory may be of a file system that overlay does not work on; vfs works on all.
        # Without a bridge it takes the machine's docker0 away, and with it every other container's network: it gets a
        # network namespace of its own.
        command = [
            "unshare",
            "--net",
            "dockerd",
            "--host",
            self.host,
            "--data-root",
            f"{directory}/data",
            "--exec-root",
            f"{directory}/exec",
        ]
        command += [
            "--pidfile",
            f"{directory}/docker.pid",
            "--bridge",
            "none",
            "--iptables=false",
            "--storage-driver",
            "vfs",
        ]
        with (directory / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        until(self.answers, "the daemon's start")

    def answers(self) -> bool:
        try:
            DockerEngine(self.host).ping()
        except EngineDownError:
            return False
        return True

    def load(self, image: str) -> None:
        """Copy an image from the machine's engine."""
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as save:
            subprocess.run(["docker", "--host", self.host, "load"], stdin=save.stdout, check=True, capture_output=True)

    def end(self, number: signal.Signals) -> None:
        """Stop it (SIGTERM ends its containers) or kill it (SIGKILL leaves them to themselves)."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=60)
            self._process = None

    def remove(self) -> None:
        """End it and everything that it left."""
        self.end(signal.SIGTERM)
        with suppress(FileNotFoundError, ProcessLookupError, ValueError):
            os.kill(int((self._directory / "exec/containerd/containerd.pid").read_text()), signal.SIGKILL)
        for line in reversed(Path("/proc/mounts").read_text().splitlines()):
            if (place := line.split()[1]).startswith(str(self._directory)):
                subprocess.run(["umount", "-l", place], check=False, capture_output=True)
        shutil.rmtree(self._directory, ignore_errors=True)
