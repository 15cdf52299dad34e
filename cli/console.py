"""`shoal console`: the screens for people; everything on them is to be had from the other commands, too."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.completing import complete_projects
from core.errors import NotFoundError, UnavailableError

if TYPE_CHECKING:
    from core.projects.service import Project
    from core.session import Session


@click.command()
@click.argument("address", nargs=-1)
@click.option("--read-only", is_flag=True, help="Change nothing, whatever key is pressed.")
@click.option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal.")
@click.option(
    "--project", metavar="NAME", shell_complete=complete_projects, help="The project to begin with; * is all."
)
@click.option("--theme", metavar="NAME", help="Colours for this visit, such as shoal-light or ansi-dark.")
@click.option("--keymap", metavar="FILE", type=click.Path(dir_okay=False), help="Keys of your own (see `shoal keys`).")
def console(
    *,
    address: tuple[str, ...],
    read_only: bool,
    no_mouse: bool,
    project: str | None,
    theme: str | None,
    keymap: str | None,
) -> int:
    """Open the console, at ADDRESS where one is given: `shoal console executions status=error`.

    Inside it, `?` shows the keys, `:` goes to any place, and `:q` leaves. Lists and details are also to be had as text:
    `shoal executions ls --plain`.
    """
    from tui import terminal  # noqa: PLC0415 - the other commands need no screen

    if problem := terminal.problem():
        message = f"{problem}: use the commands, such as `shoal executions ls`, which take --plain and --json"
        raise UnavailableError(message)
    from cli.opened import opened  # noqa: PLC0415
    from tui.app import Console, run  # noqa: PLC0415
    from tui.console_log import log_to_file  # noqa: PLC0415
    from tui.themes import known  # noqa: PLC0415

    # Whoever looks for the first time finds the first steps; nothing is made for one who only wants to look.
    who = opened(create=not read_only).session()
    log_to_file()
    shown = Console(
        who,
        project=project_to_begin_with(who, project),
        address=(address[0] if len(address) == 1 else shlex.join(address)) or first_place(who),
        read_only=read_only,
        theme="" if theme is None else known(theme),
    )
    shown.keymap_file = None if keymap is None else Path(keymap)
    return run(shown, mouse=not no_mouse)


def first_place(session: Session) -> str:
    """Return the address to open with: the executions, or the first steps where nothing ran yet or is to be linked."""
    if not any(session.executions.counts().values()):
        return "start"
    return "start" if not os.environ.get("SHOAL_PROJECT") and _can_be_linked(session) else "executions"


def _can_be_linked(session: Session) -> bool:
    """Whether this directory holds a manifest, and no project knows of it."""
    try:
        if not Path("valohai.yaml").exists():
            return False
        session.projects.linked(Path.cwd())
    except NotFoundError:
        return True
    except OSError:
        pass
    return False


def project_to_begin_with(session: Session, name: str | None) -> Project | None:
    """Return the project that is named, else `$SHOAL_PROJECT`, the directory's, the last one, the only one; else None.

    Raises:
        NotFoundError: there is no project of the name that was given.
    """
    if name == "*":
        return None
    if name := name or os.environ.get("SHOAL_PROJECT"):
        return session.projects.get(name)
    try:
        return session.projects.linked(Path.cwd())
    except (NotFoundError, OSError):
        pass
    last = session.preferences.all().get("project")
    if last == "*":
        return None
    if isinstance(last, str):
        try:
            return session.projects.get(last)
        except NotFoundError:
            pass
    every = session.projects.list()
    return every[0] if len(every) == 1 else None
