"""`shoal environments`: where executions run, and within which limits."""

from __future__ import annotations

import click

from cli.lazy_group import LazyGroup


@click.group(
    cls=LazyGroup,
    lazy={
        "ls": "cli.environments.ls:ls",
        "set": "cli.environments.change:set_limits",
        "create": "cli.environments.change:create",
    },
    aliases={"list": "ls"},
)
def environments() -> None:
    """See and change where executions run."""
