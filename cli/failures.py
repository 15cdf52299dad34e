"""What a person sees when a command fails: one message, an exit code, and never a stack trace unless asked for."""

from __future__ import annotations

import os
import sys
import time
import traceback
from contextlib import suppress

import click

from cli.exit_codes import BROKEN_PIPE, INTERRUPTED, ClosedPipeError
from core.database_errors import explained
from core.errors import ShoalError
from core.home import Home
from core.json_text import json_text
from core.text import plain


def report(error: BaseException, *, as_json: bool) -> int | None:
    """Print why the command failed and return its exit code; None for what is no failure."""
    if isinstance(error, (BrokenPipeError, ClosedPipeError)):
        return _leave_quietly()
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        click.echo("shoal: interrupted", err=True)
        return INTERRUPTED
    if not isinstance(error, Exception):
        return None
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        alone = error.ctx.parent is None
        click.echo(error.format_message(), err=not alone)
        return 0 if alone else _UsageError.exit_code
    if os.environ.get("SHOAL_DEBUG"):
        traceback.print_exception(error)
    known = _known(error)
    _print(known, as_json=as_json)
    return known.exit_code


def _known(error: Exception) -> ShoalError:
    if isinstance(error, ShoalError):
        return error
    if isinstance(error, click.UsageError):
        return _UsageError(error)
    if isinstance(error, click.ClickException):
        return _UsageError(click.UsageError(error.format_message()))
    return explained(error) or _UnexpectedError(error)


class _UsageError(ShoalError):
    code = "usage"
    exit_code = 2

    def __init__(self, error: click.UsageError) -> None:
        hint = f"\nSee `{error.ctx.command_path} --help`." if error.ctx else ""
        super().__init__(error.format_message() + hint)


class _UnexpectedError(ShoalError):
    code = "unexpected"

    def __init__(self, error: Exception) -> None:
        super().__init__(
            f"something unexpected happened ({type(error).__name__}: {error}): {_written_down(error)}; please report it"
        )


def _written_down(error: Exception) -> str:
    path = Home.default().root / "errors.log"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError:
        return "run it again with SHOAL_DEBUG=1 to see the details"
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
        file.write(time.strftime("%Y-%m-%dT%H:%M:%SZ\n", time.gmtime()) + "".join(traceback.format_exception(error)))
    return f"the details are in {path}"


def _print(error: ShoalError, *, as_json: bool) -> None:
    if as_json:
        record = {"error": error.code, "field": error.field, "message": error.message}
        click.echo(json_text(record, indent=False), err=True)
        return
    findings = getattr(error, "findings", None)
    if findings is not None:
        from cli.findings import finding_lines  # noqa: PLC0415

        for line in finding_lines(getattr(error, "name", "valohai.yaml"), findings):
            click.echo(line, err=True)
        return
    lines = [plain(line) for line in error.message.splitlines()] or [error.code]
    click.echo("\n".join([f"shoal: {lines[0]}", *lines[1:]]), err=True)


def _leave_quietly() -> int:
    """Nobody reads any more: let the interpreter flush into nothing at its end."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE
