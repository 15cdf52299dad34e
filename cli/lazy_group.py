"""A group whose commands are imported when they are used, so that a list costs no more than a list."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from core.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping


class LazyGroup(click.Group):
    """A group of commands, each named as `module:attribute`; they are listed in the order given.

    `aliases` are other names, of a command here or of one named as the commands are, that no list shows; `elsewhere`
    says what to type for words that people look for here.
    """

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - as click's own
        lazy: Mapping[str, str],
        aliases: Mapping[str, str] | None = None,
        elsewhere: Mapping[str, str] | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = lazy
        self._aliases = aliases or {}
        self._elsewhere = elsewhere or {}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of the commands."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command and return it; None where there is no such command."""
        name = self._aliases.get(cmd_name, cmd_name)
        place = name if ":" in name else self._lazy.get(name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, each with the whole first sentence of its help."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, _first_sentence(command.help or "")) for name, command in commands if command is not None]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first argument names.

        Raises:
            NotFoundError: there is none; the message offers the most similar, or says what to type.
        """
        word = args[0] if args else "-"
        if self.get_command(ctx, word) is None and not word.startswith("-"):
            raise NotFoundError(self._missing(ctx, word), field="command")
        return super().resolve_command(ctx, args)

    def _missing(self, ctx: click.Context, word: str) -> str:
        from core.projects.manifest import close_match  # noqa: PLC0415 - for a mistake only

        command = f"{ctx.command_path} {word}"
        if word in self._elsewhere:
            return f"there is no command {command!r}: type `{self._elsewhere[word]}`"
        known = self.list_commands(ctx)
        return f"there is no command {command!r}{close_match(word, known)}; commands: {', '.join(known)}"


def _first_sentence(text: str) -> str:
    paragraph = " ".join(text.strip().partition("\n\n")[0].split())
    return paragraph.partition(". ")[0].removesuffix(".")
