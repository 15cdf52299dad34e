"""The installation, session and project that a command works on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from core.projects.service import Project
    from core.session import Session
    from core.shoal import Shoal

_KEY = "cli.shoal"


def opened(*, create: bool = False) -> Shoal:
    """Return the installation, opened once a command; set up first where it is missing and `create` is given."""
    from core.shoal import Shoal  # noqa: PLC0415 - `--help` needs none

    context = click.get_current_context()
    shoal: Shoal | None = context.meta.get(_KEY)
    if shoal is None:
        shoal = Shoal.create() if create else Shoal.open()
        context.meta[_KEY] = shoal
        context.find_root().call_on_close(shoal.close)
    return shoal


def session() -> Session:
    """Return the session of the person who runs the command."""
    return opened().session()


def project_of(session: Session, name: str | None) -> Project:
    """Return the project called `name`, else the one that the working directory is linked to, else `$SHOAL_PROJECT`.

    Raises:
        NotFoundError: there is none; the message says what to do.
    """
    if name is not None:
        return session.projects.get(name)
    from core.errors import NotFoundError  # noqa: PLC0415

    try:
        return session.projects.linked(Path.cwd())
    except NotFoundError as error:
        if named := os.environ.get("SHOAL_PROJECT"):
            return session.projects.get(named)
        message = f"{error.message}, or name one with --project"
        raise NotFoundError(message, field="project") from error
