"""The command `shoal`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from cli.exit_codes import ClosedPipeError
from cli.lazy_group import LazyGroup

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = {
    "console": "cli.console:console",
    "init": "cli.init:init",
    "lint": "cli.lint:lint",
    "run": "cli.run:run",
    "executions": "cli.executions:executions",
    "queue": "cli.queue:queue",
    "files": "cli.files:files",
    "environments": "cli.environments:environments",
    "costs": "cli.costs:costs",
    "alarms": "cli.alarms:alarms",
    "activity": "cli.activity:activity",
    "settings": "cli.settings:settings",
    "up": "cli.up:up",
    "doctor": "cli.doctor:doctor",
    "about": "cli.about:about",
    "backup": "cli.backup:backup",
    "restore": "cli.backup:restore",
    "demo": "cli.demo:demo",
    "keys": "cli.keys:keys",
    "completion": "cli.completion:completion",
}

_EPILOG = """\
Exit codes: 0 done, and an execution that was watched is complete · 1 it ended otherwise, or something unexpected
happened · 2 the input is wrong · 3 not found · 4 not allowed · 5 not possible in this state · 6 something needed does
not answer · 7 written by a newer Shoal · 130 interrupted.

Every list takes --json, for scripts, and --plain, for cut, grep and screen readers. SHOAL_HOME names the home,
SHOAL_PROJECT the project where the directory is linked to none.
"""


def _version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001
    if value:
        from importlib.metadata import version  # noqa: PLC0415 - costs more than a list

        click.echo(f"shoal {version('shoal')}")
        context.exit()


class _Root(LazyGroup):
    """The command. Every resource without a group of its own here gets one from its declaration."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from core.resources.registry import names  # noqa: PLC0415 - most commands are written by hand

        written = super().list_commands(ctx)
        return [*written, *(name for name in names() if name not in written)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or self._declared(ctx, cmd_name)

    def _declared(self, ctx: click.Context, name: str) -> click.Command | None:
        from core.errors import NotFoundError  # noqa: PLC0415
        from core.resources.registry import resource  # noqa: PLC0415

        try:
            declared = resource(name)
        except NotFoundError:
            return None
        if (written := super().get_command(ctx, declared.name)) is not None:
            return written
        from cli.resource_group import resource_group  # noqa: PLC0415

        return resource_group(declared.name)

    # click would end the process with 1 where nobody reads, as if something had failed.

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:  # noqa: ANN401 - as click's own
        try:
            return super().make_context(*args, **kwargs)
        except BrokenPipeError as error:
            raise ClosedPipeError from error

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ClosedPipeError from error


_ALIASES = {
    "exec": "executions",
    "execution": "executions",
    "ps": "cli.executions.ls:ls",
    "data": "files",
    "file": "files",
    "env": "environments",
    "environment": "environments",
}
"""Words of other tools for what is here; no list shows them."""


@click.group(
    cls=_Root,
    lazy=_COMMANDS,
    aliases=_ALIASES,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
@click.option(
    "--version", is_flag=True, callback=_version, expose_value=False, is_eager=True, help="Print the version and exit."
)
@click.pass_context
def shoal(context: click.Context) -> object:
    """Run machine-learning steps on your own machines, and know where every file came from."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        context.color = False
    if context.invoked_subcommand is None:
        return _alone(context)
    return None


def _alone(context: click.Context) -> object:
    """Open the console on a terminal; print the help where there is none."""
    if sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        from cli.console import console  # noqa: PLC0415 - the other commands need no screen

        return context.invoke(console)
    click.echo(context.get_help())
    return 0


def _open_what_is_closed() -> None:
    """Let what a process was started without, as `>&-` does, lead nowhere.

    The first file that is opened would take its number otherwise, and get what is printed.
    """
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with the process's arguments and return its exit code."""
    _open_what_is_closed()
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = shoal.main(given, prog_name="shoal", standalone_mode=False)
        sys.stdout.flush()
    except BaseException as error:
        from cli.failures import report  # noqa: PLC0415 - most commands do not fail

        code = report(error, as_json="--json" in given)
        if code is None:
            raise
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main())
