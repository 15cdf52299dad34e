"""A second machine for tests, on this box: a Docker Engine of its own behind a real sshd.

What is real: the engine has its own images, containers, volumes, process ids and network, and shares nothing with the
machine's own engine but the kernel and the file system below it (which Shoal must not rely on); the sshd is OpenSSH's,
with its own host key, and lets a generated key in, which may forward to the engine's socket. Both die at `kill()` as
in a power failure, with every container; after `start()` images and dead containers are there again. `cut()` is a
cable that was pulled: whoever is connected hears nothing more, the containers go on; `mend()` plugs it in again.

What is not: its containers have no network but `none` and `host` (there is no bridge), and its clock and its disk are
this box's. It needs root and Debian's openssh-server and docker.io. Several may run at once.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from core.scheduler.engines.docker import DockerEngine
from core.scheduler.engines.engine import EngineDownError
from tests.workbench import until

TOOLS = ("sshd", "ssh-keygen", "dockerd", "docker-init", "unshare")
MACHINE = ("unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--propagation", "private")
"""Process ids and mounts of its own: with the first process all others die."""
CONFIGURATION = """
ListenAddress 127.0.0.1
Port {port}
HostKey {directory}/host_key
AuthorizedKeysFile {directory}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowStreamLocalForwarding yes
StreamLocalBindUnlink yes
MaxStartups 100
"""


class SecondHost:
    """One such machine. `docker_socket` is its engine's, as seen from the host and, in tests only, from here."""

    def __init__(self, name: str = "host") -> None:
        self.name = name
        # Short: the path of a socket has room for 107 bytes.
        self._directory = Path(tempfile.mkdtemp(prefix=f"shoal-{name[:16]}-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.user = "root"
        self._engine: subprocess.Popen[bytes] | None = None
        self._sshd: subprocess.Popen[bytes] | None = None
        self._make_key("host_key")
        self._make_key("client_key")
        shutil.copy(self._directory / "client_key.pub", self._directory / "authorized_keys")
        configuration = CONFIGURATION.format(port=self.port, directory=self._directory)
        (self._directory / "sshd_config").write_text(configuration)

    @property
    def address(self) -> str:
        """Where it is reached."""
        return f"ssh://{self.user}@127.0.0.1:{self.port}"

    @property
    def docker_socket(self) -> str:
        """The path of its engine's socket."""
        return f"{self._directory}/docker.sock"

    @property
    def docker_host(self) -> str:
        """Its engine for `docker --host` and DockerEngine, around SSH: for tests to look what is there."""
        return f"unix://{self.docker_socket}"

    @property
    def host_key(self) -> str:
        """Type and key, as `ssh-keyscan` writes them after the name."""
        return " ".join((self._directory / "host_key.pub").read_text().split()[:2])

    @property
    def private_key(self) -> str:
        """The key that it lets in."""
        return (self._directory / "client_key").read_text()

    @property
    def engine(self) -> DockerEngine:
        """A connection to its engine around SSH: for tests to look what is there."""
        return DockerEngine(self.docker_host)

    def start(self) -> None:
        """Switch it on, and wait until engine and sshd answer."""
        # What a real machine keeps in memory is gone after a power failure.
        shutil.rmtree(self._directory / "exec", ignore_errors=True)
        for name in ("docker.pid", "docker.sock"):
            (self._directory / name).unlink(missing_ok=True)
        self._engine = self._run([*MACHINE, "--net", *_daemon(self._directory)], "dockerd.log")
        self._start_sshd()
        until(self._engine_answers, "the second host's Docker Engine")

    def kill(self) -> None:
        """Switch it off: sshd, engine and containers die where they stand."""
        _kill(self._sshd)
        self._sshd = None
        _kill(self._engine)
        self._engine = None
        self._remove_control_groups()

    def cut(self, *, silently: bool = True) -> None:
        """Make it unreachable while its containers go on; not `silently`: who is connected is told, and refused."""
        if silently:
            self._signal_sshd(signal.SIGSTOP)
        else:
            _kill(self._sshd)
            self._sshd = None

    def mend(self) -> None:
        """Make it reachable again."""
        if self._sshd is None:
            self._start_sshd()
        else:
            self._signal_sshd(signal.SIGCONT)

    def signal_engine(self, number: signal.Signals) -> None:
        """Signal its Docker Engine alone: one that is stopped is reached and never answers."""
        for pid in _descendants(self._engine.pid) if self._engine is not None else ():
            if Path(f"/proc/{pid}/comm").read_text().strip() == "dockerd":
                os.kill(pid, number)

    def new_host_key(self) -> str:
        """Give it another host key, as a machine has that was installed anew or is somebody else's."""
        for name in ("host_key", "host_key.pub"):
            (self._directory / name).unlink()
        self._make_key("host_key")
        if self._sshd is not None:
            _kill(self._sshd)
            self._sshd = None
            self._start_sshd()
        return self.host_key

    def load(self, image: str) -> None:
        """Copy an image from the machine's engine."""
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as save:
            command = ["docker", "--host", self.docker_host, "load"]
            subprocess.run(command, stdin=save.stdout, check=True, capture_output=True)

    def docker(self, *arguments: str) -> str:
        """Return what `docker` prints over there."""
        command = ["docker", "--host", self.docker_host, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def remove(self) -> None:
        """End it and leave nothing behind."""
        self.kill()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _make_key(self, name: str) -> None:
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self.name, "-f", str(self._directory / name)]
        subprocess.run(command, check=True, capture_output=True)

    def _start_sshd(self) -> None:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        sshd = shutil.which("sshd", path=_PATH) or "/usr/sbin/sshd"
        self._sshd = self._run([*MACHINE, sshd, "-D", "-e", "-f", f"{self._directory}/sshd_config"], "sshd.log")
        until(self._sshd_answers, "the second host's sshd")

    def _run(self, command: list[str], log: str) -> subprocess.Popen[bytes]:
        with (self._directory / log).open("ab") as file:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True, env=_ENVIRONMENT
            )

    def _engine_answers(self) -> bool:
        try:
            self.engine.ping()
        except EngineDownError:
            if self._engine is not None and self._engine.poll() is not None:
                message = f"dockerd did not start: {(self._directory / 'dockerd.log').read_text()[-2000:]}"
                raise AssertionError(message) from None
            return False
        else:
            return True

    def _sshd_answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def _signal_sshd(self, number: signal.Signals) -> None:
        if self._sshd is not None:
            for pid in _descendants(self._sshd.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, number)

    def _remove_control_groups(self) -> None:
        """Containers that died with their engine leave empty control groups."""
        containers = self._directory / "data/containers"
        for container in containers.iterdir() if containers.exists() else ():
            for group in Path("/sys/fs/cgroup").glob(f"*/docker/{container.name}"):
                with suppress(OSError):
                    group.rmdir()


_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
_ENVIRONMENT = {**os.environ, "PATH": _PATH}


def skip_without_second_host() -> None:
    """Skip the test where this box cannot play a second one."""
    if os.geteuid() != 0:
        pytest.skip("a second host needs root")
    missing = [tool for tool in TOOLS if shutil.which(tool, path=_PATH) is None]
    if missing:
        pytest.skip(f"a second host needs {', '.join(missing)} (Debian: openssh-server, docker.io)")


def _daemon(directory: Path) -> list[str]:
    # docker-init reaps what containers leave behind, as the first process of a machine does.
    return [
        *("docker-init", "-s", "--", "dockerd", "--host", f"unix://{directory}/docker.sock"),
        *("--data-root", f"{directory}/data", "--exec-root", f"{directory}/exec"),
        *("--pidfile", f"{directory}/docker.pid", "--bridge", "none", "--iptables=false"),
    ]


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    pending = [pid]
    while pending:
        with suppress(OSError):
            parent = pending.pop()
            children = [int(each) for each in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
            found += children
            pending += children
    return found


def _kill(process: subprocess.Popen[bytes] | None) -> None:
    """Kill a machine's first process, which takes all others along."""
    if process is not None:
        for pid in _descendants(process.pid)[:1]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.kill()
        process.wait()
