"""`shoal completion`."""

from __future__ import annotations

import click

_WHERE = {
    "bash": 'Put `eval "$(shoal completion bash)"` into ~/.bashrc.',
    "zsh": 'Put `eval "$(shoal completion zsh)"` into ~/.zshrc.',
    "fish": "Write it to ~/.config/fish/completions/shoal.fish.",
}


@click.command(epilog=" ".join(_WHERE.values()))
@click.argument("shell", type=click.Choice(sorted(_WHERE)))
def completion(shell: str) -> None:
    """Print a shell's completion script.

    It completes commands, steps, parameters, projects, environments, files and execution numbers.
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415

    from cli.main import shoal  # noqa: PLC0415

    kind = get_completion_class(shell)
    if kind is None:
        raise AssertionError(shell)
    click.echo(kind(shoal, {}, "shoal", "_SHOAL_COMPLETE").source())
