"""`shoal files ls`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from cli.opened import project_of, session
from cli.options import ExecutionNumber, after_option, json_option, limit_option, plain_option, project_option
from cli.output import Column, note, print_json, print_list
from core.quantities import age, size

if TYPE_CHECKING:
    from core.storage.files import File

_COLUMNS = (
    Column("NAME", flexible=True),
    Column("SIZE", right=True),
    Column("AGE", right=True),
    Column("FROM", right=True),
    Column("ALIASES", flexible=True),
    Column("ID", needs=100),
)


@click.command()
@project_option
@click.option("--name", metavar="PATTERN", help="Only those with this name; * ? and […] match as in a shell.")
@click.option("--tag", help="Only those with this tag.")
@click.option("--execution", "number", type=ExecutionNumber(), metavar="NUMBER", help="Only this execution's outputs.")
@limit_option
@after_option
@plain_option
@json_option
def ls(project: str | None, number: Any, *, as_json: bool, as_plain: bool, **wanted: Any) -> None:  # noqa: ANN401 - name, tag, limit, after
    """List files, newest first."""
    here = session()
    of = project_of(here, project)
    maker = None if number is None else here.executions.get(of, number).id
    page = here.files.list(of, execution=maker, **wanted)
    if as_json:
        from core.resources.fields import file_fields  # noqa: PLC0415

        print_json([file_fields(file) for file in page.rows])
    elif page.rows or as_plain:
        now = time.time()
        print_list(_COLUMNS, [_cells(file, now) for file in page.rows], plainly=as_plain)
    else:
        note("no files here: `shoal files upload FILE` brings one in, executions leave theirs")
    if page.next is not None:
        note(f"more follow: --after {page.next}")


def _cells(file: File, now: float) -> tuple[str, ...]:
    return (
        file.name,
        size(file.size),
        age(now - file.created_at),
        "upload" if file.execution_counter is None else f"#{file.execution_counter}",
        ", ".join(file.aliases),
        file.uuid,
    )
