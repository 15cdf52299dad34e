"""`shoal files`: list, bring in, take out, and trace where they came from."""

from __future__ import annotations

import click

from cli.lazy_group import LazyGroup


@click.group(
    cls=LazyGroup,
    lazy={
        "ls": "cli.files.ls:ls",
        "upload": "cli.files.upload:upload",
        "download": "cli.files.download:download",
        "trace": "cli.files.trace:trace",
    },
    aliases={"list": "ls"},
)
def files() -> None:
    """List, upload, download and trace files."""
