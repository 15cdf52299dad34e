"""`shoal run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.completing import complete_environments, complete_steps, manifest_here
from cli.opened import session
from cli.options import json_option, pairs
from cli.output import note
from cli.started import announce, watch_option
from core.errors import InvalidInputError, ShoalError
from core.json_text import json_text
from core.text import plain

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from core.projects.manifest import Manifest
    from core.projects.service import Commit, Project
    from core.session import Session


class _RunCommand(click.Command):
    """A command whose options also are the parameters of the step; its help lists them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["cli.run.words"] = list(args)
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        return [*super().shell_complete(ctx, incomplete), *complete_steps(ctx, self.params[0], incomplete)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        try:
            manifest = manifest_here()
        except (ShoalError, OSError):
            return
        if manifest is not None:
            taken = {spelling for option in self.get_params(ctx) for spelling in option.opts}
            _write_steps(formatter, manifest, ctx.meta["cli.run.words"], taken)


@click.command(
    cls=_RunCommand,
    context_settings={"ignore_unknown_options": True},
    options_metavar="[OPTIONS] [--PARAMETER=VALUE]...",
)
@click.argument("words", metavar="STEP", nargs=-1, required=True, type=click.UNPROCESSED, shell_complete=complete_steps)
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter; repeat it for a list.")
@click.option(
    "--input", "inputs", multiple=True, metavar="NAME=URI", help="A file for an input: an address, or a file here."
)
@click.option("--adhoc", is_flag=True, help="Run the directory as it is now, not a commit.")
@click.option("--commit", "revision", metavar="REV", help="The commit to run (default: HEAD).")
@click.option("--environment", metavar="SLUG", shell_complete=complete_environments, help="Where to run it.")
@click.option("--image", help="Another Docker image than the step's.")
@click.option("--title", help="A title for people.")
@click.option("--tag", "tags", multiple=True, help="A tag; may be given several times.")
@click.option("--priority", type=int, default=0, help="0 (normal) or 1 (before all others).")
@click.option(
    "--restart-lost/--no-restart-lost",
    default=None,
    help="Start it again by itself when its machine is lost; else as valohai.yaml says (autorestart).",
)
@click.option("--env", "variables", multiple=True, metavar="NAME=VALUE", help="An environment variable.")
@watch_option
@json_option
def run(
    words: tuple[str, ...],
    parameters: tuple[str, ...],
    inputs: tuple[str, ...],
    revision: str | None,
    variables: tuple[str, ...],
    *,
    adhoc: bool,
    watch: bool,
    as_json: bool,
    **given: Any,  # noqa: ANN401 - environment, image, title, tags, priority, restart_lost
) -> None:
    """Run a step of valohai.yaml.

    The beginning of the STEP's name is enough where only one begins so. Parameters of the step are options:
    --learning-rate=0.1. See them with `shoal run STEP --help`.
    """
    from cli.inputs import collected, uploaded  # noqa: PLC0415
    from cli.parameters import SHORT, gathered, option_pairs, refusal_of_short  # noqa: PLC0415
    from core.projects.specification import specify  # noqa: PLC0415

    if words[0] in SHORT:
        raise refusal_of_short(words[0])
    here = session()
    project, commit, manifest = _code(here, revision, adhoc=adhoc)
    step = manifest.step(_step_name(manifest, words[0]))
    options: dict[str, Any] = {
        "parameters": gathered([*pairs(parameters, "param"), *option_pairs(step, words[1:])]),
        "environment": given["environment"],
        "image": given["image"],
        "environment_variables": dict(pairs(variables, "env")),
        "restart_lost": given["restart_lost"],
    }
    files = collected(pairs(inputs, "input"))
    labels = {"title": given["title"] or None, "tags": given["tags"], "priority": given["priority"]}
    # Everything is checked before the first upload.
    remark = here.executions.check(project, specify(manifest, step.name, inputs=files, **options), **labels)
    if remark is not None:
        note(remark)
    specification = specify(manifest, step.name, inputs=uploaded(here, project, files), **options)
    execution = here.executions.create(project, commit, specification, **labels)
    announce(here, execution, watch=watch, as_json=as_json)


def _code(here: Session, revision: str | None, *, adhoc: bool) -> tuple[Project, Commit, Manifest]:
    from cli.progress import progress_bar  # noqa: PLC0415
    from core.projects.manifest import read_manifest  # noqa: PLC0415

    if adhoc and revision is not None:
        message = "--adhoc runs the directory, --commit a commit: give one of them"
        raise InvalidInputError(message, field="commit")
    project = here.projects.linked(Path.cwd())
    directory = here.projects.linked_directory(Path.cwd())
    if adhoc:
        with progress_bar("packing") as progress:
            commit = here.projects.commit_working_tree(project, directory, progress)
    else:
        commit = here.projects.commit(project, directory, revision or "HEAD")
        if revision is None:
            _note_changes(directory)
    return project, commit, read_manifest(commit.yaml, name=project.yaml_path)


def _note_changes(directory: Path) -> None:
    """Say that the directory holds what the commit does not: a person who edits a file expects it to run."""
    from core.projects.git import changed_files  # noqa: PLC0415

    try:
        changed = changed_files(directory)
    except ShoalError:
        return
    if changed:
        note(
            f"{changed} changed file{' is' if changed == 1 else 's are'} not in this commit:"
            f" --adhoc runs {'it' if changed == 1 else 'them'}"
        )


def _step_name(manifest: Manifest, given: str) -> str:
    """Return the step that `given` is, or is the beginning of; else `given`, which the manifest then refuses."""
    names = manifest.step_names()
    if given in names:
        return given
    begun = [name for name in names if name.lower().startswith(given.lower())]
    if len(begun) > 1:
        message = f"{given!r} begins {len(begun)} steps: {', '.join(map(repr, begun))}; give more of the name"
        raise InvalidInputError(message, field="step")
    return begun[0] if begun else given


def _write_steps(formatter: click.HelpFormatter, manifest: Manifest, words: list[str], taken: set[str]) -> None:
    from core.projects.parameter_values import described  # noqa: PLC0415

    named = next((word for word in words if not word.startswith("-")), None)
    try:
        step = manifest.step(_step_name(manifest, named)) if named is not None else None
    except ShoalError:
        step = None
    if step is None:
        with formatter.section("Steps"):
            formatter.write_dl([(plain(name), "") for name in manifest.step_names()] or [("none", "")])
        return
    if step.parameters:
        with formatter.section(f"Parameters of {plain(step.name)}"):
            formatter.write_dl(
                [
                    (plain(_option(name, taken)), plain(_explained(item.description, described(item), item.default)))
                    for name, item in step.parameters.items()
                ]
            )
    if step.inputs:
        with formatter.section(f"Inputs of {plain(step.name)}"):
            formatter.write_dl(
                [
                    (f"--input {plain(name)}=…", plain(_explained(item.description, "", item.default)))
                    for name, item in step.inputs.items()
                ]
            )


def _option(name: str, taken: set[str]) -> str:
    """Return how a parameter is given, where one of the command's own options may have its name."""
    clashes = taken & {f"--{name}", f"--{name.replace('_', '-')}"}
    return f"--param {name}=…" if clashes else f"--{name}"


def _explained(description: str | None, kind: str, default: object) -> str:
    parts = [text for text in (description, kind) if text]
    if default is not None:
        parts.append(f"default: {default if isinstance(default, str) else json_text(default, indent=False)}")
    return "; ".join(parts)
