"""A kept-alive connection to the Docker Engine API (https://docs.docker.com/reference/api/engine/).

Paths carry no version, so the engine answers in its own: 20.10 and 29 have no version in common, and what is used
here has been the same in all of them.

The `docker` package costs 300 ms and 25 MB to import and about 10 ms a container over this; it serves where that does
not count.
"""

from __future__ import annotations

import getpass
import http.client
import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import orjson

from core.scheduler.engines.engine import EngineDownError, MissingError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

DEFAULT_HOST = "unix:///var/run/docker.sock"
ANSWER_TIMEOUT = 120.0
TRANSFER_TIMEOUT = 600.0
"""Seconds in which an engine takes a part of an archive, or says what it made of it."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float | None) -> None:
        super().__init__("docker", timeout=timeout or 0)
        self._path = path
        self._timeout = timeout

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self._timeout)
        self.sock.connect(self._path)


def docker_host() -> str:
    """Return where the Docker Engine listens: `$DOCKER_HOST`, else the socket of a standard installation."""
    return os.environ.get("DOCKER_HOST") or DEFAULT_HOST


def _open(host: str, timeout: float | None) -> http.client.HTTPConnection:
    try:
        parts = urlsplit(host)
        name, port = parts.hostname, parts.port
    except ValueError:
        parts, name, port = urlsplit(""), None, None
    if parts.scheme == "unix" and parts.path:
        return _UnixConnection(parts.path, timeout)
    if parts.scheme in ("tcp", "http") and name:
        return http.client.HTTPConnection(name, port or 2375, timeout=timeout)
    message = f"DOCKER_HOST is {host!r}: use unix:///path or tcp://host:port"
    raise EngineDownError(message, field="DOCKER_HOST")


class DockerConnection:
    """One connection, used by one thread at a time."""

    def __init__(self, host: str | None = None) -> None:
        self._host = host or docker_host()
        self._connection: http.client.HTTPConnection | None = None

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,  # noqa: ANN401
        *,
        repeat: bool = True,
    ) -> tuple[int, Any]:
        """Send one request and return its status and its answer, decoded.

        A connection that the engine closed while it was idle is opened again and the request repeated; with `repeat`
        False it is sent once at most.

        Raises:
            EngineDownError: nobody answers, or somebody who is no Docker Engine.
        """
        for last in (False, True):
            final = last or not repeat or self._connection is None
            try:
                return self._exchange(method, path, query, body)
            # ValueError: an answer that is no JSON, a host name that cannot be one.
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.close()
                if final:
                    raise EngineDownError(_down(self._host, error)) from error
        raise AssertionError

    def ask(self, path: str, query: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Return what the engine says of something, None where there is no such thing.

        An engine that answers a question with a fault of its own (500 and above) counts as one that does not answer.
        """
        status, answer = self.call("GET", path, query)
        if status == 404:
            return None
        if status >= 500:
            message = f"the Docker Engine at {self._host} cannot say ({message_of(answer)}): look at its own log"
            raise EngineDownError(message)
        if status >= 400:
            raise RefusedError(message_of(answer))
        return answer

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, method: str, path: str, query: Mapping[str, Any] | None, body: Any) -> tuple[int, Any]:  # noqa: ANN401
        if self._connection is None:
            self._connection = _open(self._host, ANSWER_TIMEOUT)
        payload = b"" if body is None else orjson.dumps(body)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        self._connection.request(method, _target(path, query), payload, headers)
        response = self._connection.getresponse()
        content = response.read()
        if _is_of_another(response):
            self.close()
            raise EngineDownError(_no_engine(self._host, f"{response.status} {response.reason}"))
        if response.getheader("Content-Type", "").startswith("application/json") and content:
            return response.status, orjson.loads(content)
        return response.status, content


class DockerStream:
    """An answer without an end, on a connection of its own."""

    def __init__(self, host: str | None, path: str, query: Mapping[str, Any] | None = None) -> None:
        self._host = host or docker_host()
        self._connection = _open(self._host, None)
        try:
            self._connection.request("GET", _target(path, query))
            # Kept apart: http.client forgets the socket of a connection that will close, close() must still reach it.
            self._socket = self._connection.sock
            self._response = self._connection.getresponse()
            if self._response.status >= 400:
                answer = self._response.read()
                self.close()
                raise (MissingError if self._response.status == 404 else RefusedError)(message_of(answer))
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise EngineDownError(_down(self._host, error)) from error

    def chunks(self) -> Iterator[bytes]:
        """Yield bytes as they come."""
        try:
            while data := self._response.read1(65536):
                yield data
        # AttributeError: what http.client raises where close() took the connection away under its read.
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            raise EngineDownError(_down(self._host, error)) from error

    def close(self) -> None:
        """Shut the connection down, which ends a read that another thread waits in."""
        if (held := getattr(self, "_socket", None)) is not None:
            with suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)
        self._connection.close()


def send(host: str, method: str, path: str, query: Mapping[str, Any], chunks: Iterable[bytes]) -> tuple[int, Any]:
    """Send a request whose body comes in parts, on a connection of its own; return its status and its answer.

    What `chunks` raises ends the sending: the engine sees a body that was cut.
    """
    connection = _open(host, TRANSFER_TIMEOUT)
    try:
        connection.connect()
    except OSError as error:
        raise EngineDownError(_down(host, error)) from error
    try:
        connection.putrequest(method, _target(path, query))
        connection.putheader("Content-Type", "application/x-tar")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        _send_chunks(connection, chunks)
        response = connection.getresponse()
        return response.status, response.read()
    except (ConnectionError, TimeoutError, http.client.HTTPException) as error:
        raise EngineDownError(_down(host, error)) from error
    finally:
        connection.close()


def _send_chunks(connection: http.client.HTTPConnection, chunks: Iterable[bytes]) -> None:
    """Send a body in parts; an engine that stops reading has answered already."""
    for chunk in chunks:
        if not chunk:
            continue
        try:
            connection.send(b"%x\r\n" % len(chunk))
            connection.send(chunk)
            connection.send(b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            return
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.send(b"0\r\n\r\n")


def message_of(answer: Any) -> str:  # noqa: ANN401
    """Return the engine's own words from an error answer."""
    if isinstance(answer, bytes):
        with suppress(orjson.JSONDecodeError):
            answer = orjson.loads(answer)
    if isinstance(answer, dict):
        return str(answer.get("message", answer))
    return answer.decode(errors="replace") if isinstance(answer, bytes) else str(answer)


def _target(path: str, query: Mapping[str, Any] | None) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _is_of_another(response: http.client.HTTPResponse) -> bool:
    """Tell whether an answer is none of a Docker Engine, which names its version in every one.

    What stands between may refuse or fail by itself.
    """
    between = response.status in (401, 403, 407) or response.status >= 500
    return response.getheader("Api-Version") is None and not between


def _no_engine(host: str, answer: str) -> str:
    return f"what answers at {host} is no Docker Engine (it said {answer!r:.80}): set DOCKER_HOST to where one listens"


def _down(host: str, error: Exception) -> str:
    if isinstance(error, PermissionError):
        user = _user()
        return f"you may not use the Docker Engine at {host}: `sudo usermod -aG docker {user}`, then log in again"
    if isinstance(error, http.client.HTTPException) and not isinstance(error, (OSError, http.client.IncompleteRead)):
        return _no_engine(host, str(error))
    reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error) or "no answer"
    return f"the Docker Engine at {host} does not answer ({reason}): start it, or look at it with `shoal doctor`"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "USER"
