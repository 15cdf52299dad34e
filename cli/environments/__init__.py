"""`shoal environments`: where executions run, and within which limits."""

from __future__ import annotations

import click

from cli.resource_group import ResourceGroup


@click.group(
    cls=ResourceGroup,
    resource="environments",
    lazy={
        "delete": "cli.environments.delete:delete",
        "simulate": "cli.environments.simulate:simulate",
    },
    aliases={"list": "ls", "info": "show", "create": "add", "set": "edit"},
)
def environments() -> None:
    """See and change where executions run."""
