"""The group of commands of a resource: those that are written by hand, and all others from its declaration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.lazy_group import LazyGroup

if TYPE_CHECKING:
    import click


class ResourceGroup(LazyGroup):
    """The commands of the resource called `resource`; an alias can put one written by hand in the place of another."""

    def __init__(self, *args: Any, resource: str, **kwargs: Any) -> None:  # noqa: ANN401 - as click's own
        super().__init__(*args, **kwargs)
        self._resource = resource

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands; what is declared and not written by hand comes last."""
        from cli.resource_commands import command_names  # noqa: PLC0415 - a list needs no declaration of all others

        written = super().list_commands(ctx)
        return [*written, *(name for name in command_names(self._resource) if not self._has(name))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, or make it from the declaration; None where there is no such command."""
        if self._has(cmd_name):
            return super().get_command(ctx, cmd_name)
        from cli.resource_commands import command_of  # noqa: PLC0415 - most commands are written by hand

        return command_of(self._resource, self._aliases.get(cmd_name, cmd_name))

    def _has(self, name: str) -> bool:
        return self._aliases.get(name, name) in self._lazy


def resource_group(name: str) -> click.Group:
    """Return the group of a resource of which no command is written by hand."""
    from core.resources.registry import resource  # noqa: PLC0415 - named when it is used

    declared = resource(name)
    return ResourceGroup(
        declared.name,
        resource=declared.name,
        lazy={},
        aliases={"list": "ls", "info": "show"},
        help=f"{declared.name.capitalize()}: {declared.meaning}.",
        no_args_is_help=True,
    )
