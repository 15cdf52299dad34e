"""What the shell offers when a person presses tab: names that exist, read as cheaply as a list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cli.opened import project_of, session
from core.errors import ShoalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import click
    from click.shell_completion import CompletionItem

    from core.projects.manifest import Manifest

    Offers = Callable[[click.Context], Iterator[tuple[str, str]]]
    Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

_OFFERED = 30


def completer(offers: Offers) -> Completer:
    """Make a completion of what yields names and what they are; where they cannot be read, nothing is offered."""

    def complete(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - a list completes nothing

        try:
            with context.scope(cleanup=False):
                found = list(offers(context))
        except (ShoalError, OSError):
            return []
        return [CompletionItem(name, help=what) for name, what in found if name.startswith(incomplete)]

    return complete


def manifest_here() -> Manifest | None:
    """Return the valohai.yaml here, else of the nearest directory up that has one; None where none has."""
    from core.projects.manifest import read_manifest  # noqa: PLC0415

    for directory in (Path.cwd(), *Path.cwd().parents):
        path = directory / "valohai.yaml"
        if path.is_file():
            return read_manifest(path.read_bytes())
    return None


def _executions(context: click.Context) -> Iterator[tuple[str, str]]:
    here = session()
    for execution in here.executions.list(project_of(here, context.params.get("project")), limit=_OFFERED).rows:
        yield str(execution.counter), f"{execution.step}, {execution.status}"


def _environments(_context: click.Context) -> Iterator[tuple[str, str]]:
    for environment in session().environments.list():
        yield environment.slug, environment.name


def _projects(_context: click.Context) -> Iterator[tuple[str, str]]:
    for project in session().projects.list():
        yield project.name, ""


def _settings(_context: click.Context) -> Iterator[tuple[str, str]]:
    from core.settings import SETTINGS  # noqa: PLC0415

    for key, setting in SETTINGS.items():
        yield key, setting.meaning


def _files(context: click.Context) -> Iterator[tuple[str, str]]:
    here = session()
    for file in here.files.list(project_of(here, context.params.get("project")), limit=_OFFERED).rows:
        yield file.name, "upload" if file.execution_counter is None else f"of #{file.execution_counter}"


def _steps(context: click.Context) -> Iterator[tuple[str, str]]:
    """Offer the steps; after a step, its parameters."""
    manifest = manifest_here()
    if manifest is None:
        return
    words: tuple[str, ...] = context.params.get("words") or ()
    if words and words[0] in manifest.step_names():
        for name, parameter in manifest.step(words[0]).parameters.items():
            # Either spelling is one that a person may have begun.
            for spelling in dict.fromkeys((name, name.replace("_", "-"))):
                yield f"--{spelling}=", parameter.description or ""
    else:
        for name in manifest.step_names():
            yield name, ""


def _statuses(_context: click.Context) -> Iterator[tuple[str, str]]:
    from core.executions.execution import STATUSES  # noqa: PLC0415

    for status in STATUSES:
        yield status, ""


complete_executions = completer(_executions)
complete_environments = completer(_environments)
complete_projects = completer(_projects)
complete_settings = completer(_settings)
complete_files = completer(_files)
complete_steps = completer(_steps)
complete_statuses = completer(_statuses)
