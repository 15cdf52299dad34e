"""A group whose commands are imported when they are used, so that a list costs no more than a list."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from core.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping


class LazyGroup(click.Group):
    """A group of commands, each named as `module:attribute`; they are listed in the order given."""

    def __init__(self, *args: Any, lazy: Mapping[str, str], **kwargs: Any) -> None:  # noqa: ANN401 - as click's own
        super().__init__(*args, **kwargs)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of the commands."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command and return it; None where there is no such command."""
        place = self._lazy.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first argument names.

        Raises:
            NotFoundError: there is none; the message offers the most similar.
        """
        if args and args[0] not in self._lazy and not args[0].startswith("-"):
            from core.projects.manifest import close_match  # noqa: PLC0415 - for a mistake only

            message = (
                f"there is no command {ctx.command_path + ' ' + args[0]!r}{close_match(args[0], self._lazy)};"
                f" commands: {', '.join(self._lazy)}"
            )
            raise NotFoundError(message, field="command")
        return super().resolve_command(ctx, args)
