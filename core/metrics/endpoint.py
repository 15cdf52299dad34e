"""An HTTP endpoint on loopback that gives metrics to whoever scrapes it."""

from __future__ import annotations

import socket
import threading
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import make_wsgi_app

from core.metrics.families import registry_of
from core.metrics.publishing import read_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.metrics.publishing import Figures


class _Handler(WSGIRequestHandler):
    timeout = 10
    """Seconds after which somebody who connects and says nothing is let go of."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - as its base has it
        """Say nothing: a scrape is no event."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 8
    multithread = True

    def server_bind(self) -> None:
        """Bind without looking the name up, which may take as long as it likes."""
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()


class _Server6(_Server):
    address_family = socket.AF_INET6


class Endpoint:
    """Listens from the beginning; `figures` is what it gives, from whichever thread it is set.

    Raises:
        OSError: the port is in use.
        ValueError: the address is none, or not on loopback.
    """

    def __init__(self, address: str) -> None:
        host, port = read_address(address)
        self.address = address
        self.figures: Figures | None = None
        self._app = make_wsgi_app(registry_of(lambda: self.figures))
        # A page in a browser of this machine can have any name lead to loopback: the name that it used tells it.
        self._names = {address, f"localhost:{port}"} | ({host, "localhost"} if port == 80 else set())
        self._server = (_Server6 if ":" in host else _Server)((host, port), _Handler)
        self._server.set_app(self._serve)
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - as WSGI has it
        if environ.get("HTTP_HOST", "") not in self._names:
            start_response("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8")])
            return [f"this is {self.address}: ask for it by that name\n".encode()]
        if environ.get("PATH_INFO") not in ("/", "/metrics"):
            start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
            return [b"metrics are at /metrics\n"]
        answer: Iterable[bytes] = self._app(environ, start_response)
        return answer
