"""`shoal backup` and `shoal restore`."""

from __future__ import annotations

from pathlib import Path

import click

from cli.opened import session
from cli.output import note
from core.home import Home
from core.text import plain


@click.command()
@click.argument("destination", type=click.Path(path_type=Path))
@click.option("--files", "with_files", is_flag=True, help="Back up the store's files too (linked where possible).")
def backup(destination: Path, *, with_files: bool) -> None:
    """Back up the home while it is in use.

    DESTINATION is a new directory: it gets the database, verified, the code and the logs.
    """
    from core.backup import back_up  # noqa: PLC0415

    who = session()
    made = back_up(who, destination, with_files=with_files)
    click.echo(
        f"backed up to {plain(str(destination))}: database (verified), code, logs{', files' if with_files else ''}"
    )
    if not with_files:
        note("the files of the store, inputs and outputs, are not in it: --files backs them up too")
    if who.home.master_key.exists():
        note(
            "the master key of its secrets is not in it, so that who finds the backup opens none of them:"
            f" keep a copy of {plain(str(who.home.master_key))} in another place"
        )
    if made.missing:
        note(
            f"{len(made.missing)} of what the database knows was missing or damaged in the home already,"
            f" such as {made.missing[0]}: see `shoal doctor`"
        )


@click.command()
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Where the home is in use: move what is there aside.")
def restore(source: Path, *, replace: bool) -> None:
    """Restore the home from a backup.

    SOURCE is verified before anything changes: the database, the code, the logs and, where it has them, all files. No
    scheduler may run meanwhile.
    """
    from core.backup import described  # noqa: PLC0415
    from core.backup import restore as restore_home  # noqa: PLC0415
    from core.secrets import why_sealed  # noqa: PLC0415

    home = Home.default()
    backup = described(source)
    aside = restore_home(source, home, replace=replace)
    click.echo(f"restored {plain(str(home.root))} from {plain(str(source))}")
    if aside is not None:
        click.echo(f"what was there before is in {plain(str(aside))}")
    if not backup.with_files:
        note("the store's files are not in this backup: the home has those that lay in it before, and no others")
    if problem := why_sealed(home):
        note(problem)
