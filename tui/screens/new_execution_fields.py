"""The questions of a new execution: what runs, with which values and files, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.executions.starting import Code, Order
from core.projects import step_form
from core.resources.form import Field
from core.resources.resource import Tone
from core.text import plain
from tui.widgets.form_layout import Heading, Note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from valohai_yaml.objs import Step

    from core.executions.execution import Execution, ExecutionInput
    from core.executions.starting import Read, Sources

DIRECTORY = "the directory as it is"
REVISION = "a commit of the repository"
DEFAULT_ENVIRONMENT = "(default)"
NORMAL, HIGH = "normal", "high"
AS_STEP_SAYS = "as the step says"
RESTARTS = {AS_STEP_SAYS: None, "start again": True, "end crashed": False}
SHOWN_FINDINGS = 20

Item = Field | Heading | Note


def codes(sources: Sources, copied: Execution | None) -> dict[str, Code]:
    """Return the code that may run, by the words from which it is chosen; the first is meant if nothing is said."""
    offered: dict[str, Code] = {}
    if copied is not None:
        for commit in sources.commits:
            if commit.id == copied.commit_id:
                offered[f"the code of #{copied.counter}, {commit.identifier[:10]}"] = Code("commit", commit=commit)
    if sources.directory is not None:
        if sources.branch is not None:
            # Where the directory is as its last commit, the commit is what somebody can find again.
            here = [(f"{DIRECTORY}, {_changes(sources)}", Code("directory")), (REVISION, Code("revision"))]
            offered |= dict(here if sources.changed else here[::-1])
        else:
            offered[DIRECTORY] = Code("directory")
    for commit in sources.commits:
        words = f"{commit.identifier[:10]} {plain(commit.description, limit=60)}".strip()
        offered.setdefault(words, Code("commit", commit=commit))
    return offered


def code_fields(projects: Sequence[str], offered: Mapping[str, Code], sources: Sources | None) -> list[Item]:
    """Return the questions about the project and its code."""
    items: list[Item] = [
        Field(key="project", label="Project", kind="choice", required=True, choices=lambda _: projects),
        Field(
            key="code",
            label="Code",
            kind="choice",
            meaning=_what_code(sources),
            required=True,
            choices=lambda _: tuple(offered),
        ),
    ]
    return items


def revision_field() -> Field:
    """Return the question for a revision."""
    return Field(
        key="revision",
        label="Commit",
        meaning="a branch, a tag or a commit's hash",
        required=True,
        default="HEAD",
    )


def _what_code(sources: Sources | None) -> str:
    if sources is None or sources.directory is None:
        return "no directory of this machine is linked to the project: a commit that it has can run"
    where = plain(str(sources.directory), limit=60)
    if sources.branch is None:
        return f"{where}, which is in no git repository"
    return f"{where} on branch {plain(sources.branch, limit=40)}, {_changes(sources)}"


def _changes(sources: Sources) -> str:
    if not sources.changed:
        return "nothing changed"
    return "1 changed file" if sources.changed == 1 else f"{sources.changed} changed files"


def finding_notes(read: Read, name: str) -> list[Item]:
    """Return what is wrong with a valohai.yaml, by line."""
    findings = sorted(read.findings, key=lambda finding: finding.severity)[:SHOWN_FINDINGS]
    if not findings:
        return []
    errors = sum(finding.severity == "error" for finding in read.findings)
    warnings = len(read.findings) - errors
    counts = [
        f"{number} {word}{'s' * (number != 1)}" for number, word in ((errors, "error"), (warnings, "warning")) if number
    ]
    notes: list[Item] = [Heading(f"{name}: {', '.join(counts)}")]
    for finding in findings:
        where = "" if finding.line is None else f"line {finding.line}: "
        is_error = finding.severity == "error"
        notes.append(
            Note(f"{'✗' if is_error else '!'} {where}{finding.message}", Tone.BAD if is_error else Tone.WAITING)
        )
    if left := len(read.findings) - len(findings):
        notes.append(Note(f"and {left} more: see `shoal lint`", Tone.DIM))
    return notes


def step_field(names: Sequence[str], step: Step) -> Field:
    """Return the question for the step."""
    meaning = plain(getattr(step, "description", None) or "", limit=300)
    return Field(key="step", label="Step", kind="choice", meaning=meaning, required=True, choices=lambda _: names)


def step_fields(step: Step, environments: Sequence[str]) -> list[Item]:
    """Return the questions about a step: values, files, and where and as what it runs."""
    items: list[Item] = []
    for title, fields in (
        ("Parameters", step_form.parameter_fields(step)),
        ("Inputs", step_form.input_fields(step)),
        ("Environment variables", step_form.variable_fields(step)),
    ):
        items += [Heading(title), *fields] if fields else []
    default = step.environment or "the project's default"
    return [
        *items,
        Heading("Run"),
        Field(
            key="environment",
            label="Environment",
            meaning=f"where it runs; {DEFAULT_ENVIRONMENT} is {plain(default, limit=60)}",
            kind="choice",
            default=DEFAULT_ENVIRONMENT,
            choices=lambda _: environments,
        ),
        Field(key="title", label="Title", meaning="for people"),
        Field(key="tags", label="Tags", meaning="between commas", check=step_form.given_tags),
        Field(
            key="time_limit",
            label="Time limit",
            meaning="seconds, or 90s, 15m, 2h; 0 for none; empty for the step's own",
            check=step_form.read_time_limit,
        ),
        Field(key="priority", label="Priority", meaning="high: before all others", kind="choice", default=NORMAL),
        Field(
            key="restart_lost",
            label="Machine lost",
            meaning="what happens when its machine is lost: it can start again by itself",
            kind="choice",
            default=AS_STEP_SAYS,
        ),
        Field(key="image", label="Image", meaning="the Docker image", required=True, default=step.image),
        Field(
            key="variables",
            label="More variables",
            meaning="environment variables, NAME=value",
            kind="lines",
            check=step_form.read_variables,
        ),
    ]


def copied_values(step: Step, copied: Execution, inputs: Sequence[ExecutionInput]) -> dict[str, str]:
    """Return the answers that would ask for what an execution was asked for."""
    values = {
        step_form.PARAMETER + name: step_form.written_value(step.parameters[name], value)
        for name, value in copied.parameters.items()
        if name in step.parameters
    }
    for name in step.inputs:
        values[step_form.INPUT + name] = "\n".join(file.requested for file in inputs if file.name == name)
    declared = {
        step_form.VARIABLE + name: value
        for name, value in copied.environment_variables.items()
        if name in step.environment_variables
    }
    others = [f"{n}={v}" for n, v in copied.environment_variables.items() if n not in step.environment_variables]
    return {
        **values,
        **declared,
        "variables": "\n".join(others),
        "environment": copied.environment,
        "title": copied.title or "",
        "tags": ", ".join(copied.tags),
        "time_limit": "" if copied.time_limit is None else f"{copied.time_limit:g}",
        "priority": HIGH if copied.priority else NORMAL,
        "image": copied.image,
    }


def ordered(step: Step, answers: Mapping[str, str], given: Mapping[str, str]) -> Order:
    """Return what answers ask for; of the values and inputs, only those that are `given` replace the step's own.

    Raises:
        InvalidInputError: an answer cannot be read.
    """
    environment = answers.get("environment", DEFAULT_ENVIRONMENT)
    image = answers.get("image", "")
    return Order(
        step=step.name,
        parameters=step_form.given_parameters(step, given),
        inputs=step_form.given_inputs(step, given),
        environment=None if environment == DEFAULT_ENVIRONMENT else environment,
        image=None if image == step.image else image,
        environment_variables=step_form.given_variables(answers),
        time_limit=step_form.read_time_limit(answers.get("time_limit", "")),
        restart_lost=RESTARTS[answers.get("restart_lost", AS_STEP_SAYS)],
        title=answers.get("title", "").strip() or None,
        tags=step_form.given_tags(answers.get("tags", "")),
        priority=1 if answers.get("priority") == HIGH else 0,
    )
