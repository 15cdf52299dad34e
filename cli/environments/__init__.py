"""`shoal environments`: where executions run, and within which limits."""

from __future__ import annotations

import click

from cli.resource_group import ResourceGroup


@click.group(
    cls=ResourceGroup,
    resource="environments",
    lazy={
        "ls": "cli.environments.ls:ls",
        "set": "cli.environments.change:set_limits",
        "create": "cli.environments.change:create",
    },
    aliases={"list": "ls", "info": "show", "add": "create", "edit": "set"},
)
def environments() -> None:
    """See and change where executions run."""
