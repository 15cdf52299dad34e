"""What is said where Docker should answer and something else does, or nobody."""

from __future__ import annotations

import os
import socket
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from core.scheduler.engines.docker_connection import DockerConnection
from core.scheduler.engines.engine import EngineDownError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own
        """Print nothing."""


@pytest.fixture
def web_server() -> Iterator[str]:
    """The address of a server that is no Docker Engine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"tcp://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "host", ["tcp://[x", "tcp://h:99999", "tcp://h:x", "tcp://", "unix://", "ssh://h", "", "x\x00"]
)
def test_an_address_that_is_none(host: str) -> None:
    with pytest.raises(EngineDownError, match=r"DOCKER_HOST|does not answer"):
        DockerConnection(host or "nothing").call("GET", "/info")


def test_a_host_name_that_cannot_be_one() -> None:
    with pytest.raises(EngineDownError, match="does not answer"):
        DockerConnection("tcp://a..b:1").call("GET", "/info")


@pytest.mark.parametrize("path", ["/info", "/"])
def test_a_web_server_is_no_engine(web_server: str, path: str) -> None:
    with pytest.raises(EngineDownError, match="is no Docker Engine"):
        DockerConnection(web_server).ask(path)


def test_what_speaks_no_http_is_no_engine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(EngineDownError, match="is no Docker Engine"):
            DockerConnection(f"tcp://127.0.0.1:{server.getsockname()[1]}").call("GET", "/info")
        thread.join()


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="gives rights away, which needs root")
def test_a_socket_that_one_may_not_use(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        path.chmod(0)
        for directory in (tmp_path, *tmp_path.parents):
            if directory.stat().st_uid == os.geteuid() and directory.name.startswith(("test_", "pytest-")):
                directory.chmod(0o711)
        os.seteuid(65534)
        try:
            with pytest.raises(EngineDownError, match=r"may not use .* usermod -aG docker"):
                DockerConnection(f"unix://{path}").call("GET", "/info")
        finally:
            os.seteuid(0)


@pytest.mark.docker
def test_an_engine_is_one() -> None:
    assert "ServerVersion" in DockerConnection().ask("/info")
    assert DockerConnection().ask("/containers/no-such-container/json") is None
