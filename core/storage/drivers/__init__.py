"""One file for each kind of place that an input can come from, and the table that tells which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import InvalidInputError

if TYPE_CHECKING:
    from core.storage.drivers.source import Resolver, Source

FORMS = "datum://<id or alias>, file:///directory/file (also with * and **), http://… and https://…"


def resolver_of(uri: str) -> Resolver:
    """Return the driver that tells which files `uri` names; it is imported only now.

    Raises:
        InvalidInputError: no driver understands `uri`.
    """
    if scheme_of(uri) == "datum":
        from core.storage.drivers import datum  # noqa: PLC0415

        return datum
    return source_of(uri)


def source_of(uri: str) -> Source:
    """Return the driver that can bring the content of `uri`, which does not lie in Shoal's store.

    Raises:
        InvalidInputError: no driver can.
    """
    scheme = scheme_of(uri)
    if scheme == "file":
        from core.storage.drivers import local_file  # noqa: PLC0415

        return local_file
    if scheme in ("http", "https"):
        from core.storage.drivers import http  # noqa: PLC0415

        return http
    what = f"{scheme}:// is no kind of input here" if scheme else f"{uri!r:.200} is no input"
    message = f"{what}: use {FORMS}"
    raise InvalidInputError(message, field="inputs")


def scheme_of(uri: str) -> str:
    """Return the scheme of `uri` in lower case, `file` for an absolute path, empty where there is none."""
    if uri.startswith("/"):
        return "file"
    scheme, separator, _ = uri.partition("://")
    return scheme.lower() if separator and scheme.isascii() and scheme.isalnum() else ""
