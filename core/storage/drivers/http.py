"""http:// and https://: public files of web servers."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from core.errors import InvalidInputError, UnavailableError
from core.quantities import size
from core.storage.checksums import CHUNK, Hasher, write_all
from core.storage.drivers.source import Fetched, Found
from core.storage.names import base_name, printable_name
from core.storage.threads import in_thread

if TYPE_CHECKING:
    import httpx

    from core.projects.service import Project
    from core.session import Session
    from core.storage.checksums import Checksums
    from core.storage.drivers.source import Fetching
    from core.storage.incoming import IncomingFile

BACKOFF = (0.5, 2.0, 8.0)
"""Seconds between the tries of one download."""

CONNECT_TIMEOUT = 15
READ_TIMEOUT = 60
"""Seconds without a byte after which a try has failed."""

URL_LENGTH = 8192
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})


def resolve(session: Session, project: Project, uri: str) -> list[Found]:  # noqa: ARG001 - every driver takes these
    """Return the file that a URL names, by the last part of its path; nothing is asked of the server yet.

    Raises:
        InvalidInputError: the URL has no host, holds a password or a wildcard, or is no URL at all.
    """
    url = _checked(uri)
    parts = [unquote(part).replace("/", "%2F") for part in url.path.split("/") if part]
    full = printable_name("/".join(parts) or str(url.hostname))
    return [Found(url._replace(fragment="").geturl(), full=full, suffix=base_name(full))]


async def fetch(uri: str, validator: str | None, fetching: Fetching) -> Fetched | None:
    """Download a URL, or return None where the server says that it did not change since `validator` was made.

    Raises:
        UnavailableError: the server refused, or failed at every try.
    """
    import httpx  # noqa: PLC0415 - costs 60 ms

    pauses = iter(BACKOFF)
    while True:
        try:
            return await _try(uri, validator, fetching)
        except (httpx.TransportError, _TemporaryError) as error:
            pause = None if isinstance(error, httpx.UnsupportedProtocol) else next(pauses, None)
            if pause is None:
                raise _failure(uri, _reason(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _failure(uri, _reason(error)) from error
        await asyncio.sleep(pause)


def new_client() -> httpx.AsyncClient:
    """Return the client of one staging, whose connections its downloads share."""
    import httpx  # noqa: PLC0415

    return httpx.AsyncClient(
        follow_redirects=True,
        max_redirects=10,
        timeout=httpx.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT, pool=None),
        headers={"user-agent": "shoal", "accept": "*/*", "accept-encoding": "identity"},
    )


class _TemporaryError(Exception):
    """The server answered that trying again may help."""


def _checked(uri: str) -> SplitResult:
    if len(uri) > URL_LENGTH or not uri.isprintable() or " " in uri:
        message = f"{uri!r:.200} is no URL: spaces and control characters are written as %20 and the like"
        raise InvalidInputError(message, field="inputs")
    try:
        url = urlsplit(uri)
        usable = bool(url.hostname) and url.port != 0
    except ValueError:
        url, usable = SplitResult("", "", "", "", ""), False
    if not usable:
        message = f"{uri!r} is no URL: write https://host/path"
        raise InvalidInputError(message, field="inputs")
    if url.username is not None or url.password is not None:
        shown = f"{url.scheme}://…@{url.hostname}"
        message = f"{shown}: a URL may hold no user name or password, which would be stored and shown in plain text"
        raise InvalidInputError(message, field="inputs")
    if "*" in url.path:
        message = f"{uri!r}: a web server lists no files, so that wildcards work with file:// only; %2A is a plain *"
        raise InvalidInputError(message, field="inputs")
    return url


async def _try(uri: str, validator: str | None, fetching: Fetching) -> Fetched | None:
    fetching.incoming.clear()
    async with fetching.client().stream("GET", uri, headers=_conditions(validator)) as response:
        if response.status_code == 304 and validator is not None:
            return None
        if response.status_code != 200:
            what = f"the server answered {response.status_code} {response.reason_phrase}"
            if response.status_code in _WORTH_ANOTHER_TRY:
                raise _TemporaryError(what)
            raise _failure(uri, what)
        return Fetched(await _receive(response, fetching), _validator(response))


async def _receive(response: httpx.Response, fetching: Fetching) -> Checksums:
    hasher = Hasher()
    announced = response.headers.get("content-length", "")
    total = int(announced) if announced.isdecimal() else 0
    _refuse_what_does_not_fit(str(response.url), total, fetching.incoming)
    done = 0
    # The bytes as they are sent: a file that is itself compressed stays so.
    async for piece in response.aiter_raw(CHUNK):
        await in_thread(_take, piece, fetching.incoming, hasher)
        done += len(piece)
        fetching.advance(done, max(done, total))
    return hasher.result()


def _refuse_what_does_not_fit(uri: str, total: int, incoming: IncomingFile) -> None:
    disk = os.fstatvfs(incoming.descriptor)
    free = disk.f_bavail * disk.f_frsize
    if total > free:
        reason = f"it has {size(total)}, and the disk of Shoal's home only {size(free)} free: make room there"
        raise _failure(uri, reason)


def _take(piece: bytes, incoming: IncomingFile, hasher: Hasher) -> None:
    write_all(incoming.descriptor, piece)
    hasher.update(piece)


def _conditions(validator: str | None) -> dict[str, str]:
    known = json.loads(validator) if validator else {}
    names = {"etag": "if-none-match", "last-modified": "if-modified-since"}
    return {names[header]: value for header, value in known.items()}


def _validator(response: httpx.Response) -> str | None:
    known = {name: response.headers.get(name, "") for name in ("etag", "last-modified")}
    # Only what can be sent back as it came.
    usable = {name: value for name, value in known.items() if value.isascii() and value.isprintable() and value}
    return json.dumps(usable) if usable else None


def _reason(error: Exception) -> str:
    import httpx  # noqa: PLC0415

    if isinstance(error, httpx.ReadTimeout):
        return f"not one byte came for {READ_TIMEOUT} s"
    return str(error) or type(error).__name__


def _failure(uri: str, reason: str) -> UnavailableError:
    return UnavailableError(f"{uri} could not be downloaded: {reason}", field="inputs")
