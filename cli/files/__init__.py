"""`shoal files`: list, bring in, take out, and trace where they came from."""

from __future__ import annotations

import click

from cli.resource_group import ResourceGroup


@click.group(
    cls=ResourceGroup,
    resource="files",
    lazy={
        "ls": "cli.files.ls:ls",
        "upload": "cli.files.upload:upload",
        "download": "cli.files.download:download",
        "trace": "cli.files.trace:trace",
    },
    aliases={"list": "ls", "info": "show", "add": "upload"},
)
def files() -> None:
    """List, upload, download and trace files."""
