"""A real image registry on this machine, for as long as a test needs it."""

from __future__ import annotations

import shutil
import socket
import subprocess
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

from tests.workbench import until

if TYPE_CHECKING:
    from pathlib import Path

CONFIGURATION = """
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {root}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


class Registry:
    """Debian's `docker-registry`; engines trust it without TLS because it is on loopback."""

    def __init__(self, directory: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        configuration = directory / "registry.yml"
        configuration.write_text(CONFIGURATION.format(root=directory / "registry", port=self.port))
        self._process = subprocess.Popen(
            ["docker-registry", "serve", str(configuration)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(self._answers, "the registry's start")

    @staticmethod
    def is_installed() -> bool:
        """Whether the server is on this machine."""
        return shutil.which("docker-registry") is not None

    def push(self, image: str, name: str) -> tuple[str, str]:
        """Bring an image of the engine into the registry only; return its full name and its digest."""
        full = f"127.0.0.1:{self.port}/{name}"
        for command in (["tag", image, full], ["push", "--quiet", full]):
            subprocess.run(["docker", *command], check=True, capture_output=True)
        inspected = subprocess.run(
            ["docker", "image", "inspect", "--format", "{{index .RepoDigests 0}}", full],
            check=True,
            capture_output=True,
            text=True,
        )
        subprocess.run(["docker", "rmi", full], check=True, capture_output=True)
        return full, inspected.stdout.strip().partition("@")[2]

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/v2/", timeout=1) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False
