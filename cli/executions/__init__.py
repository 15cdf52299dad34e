"""`shoal executions`: list, look into, follow, stop and repeat what runs."""

from __future__ import annotations

import click

from cli.resource_group import ResourceGroup


@click.group(
    cls=ResourceGroup,
    resource="executions",
    lazy={
        "ls": "cli.executions.ls:ls",
        "show": "cli.executions.show:show",
        "why": "cli.executions.why:why",
        "logs": "cli.executions.logs:logs",
        "metadata": "cli.executions.metadata:metadata",
        "stop": "cli.executions.stop:stop",
        "copy": "cli.executions.copy:copy",
    },
    aliases={"list": "ls", "info": "show", "again": "copy"},
    elsewhere={"run": "shoal run STEP", "watch": "shoal executions logs -f NUMBER", "outputs": "shoal files ls"},
)
def executions() -> None:
    """List, follow, stop and repeat executions."""
