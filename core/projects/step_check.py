"""What the library accepts in a step, and Shoal cannot run, or cannot run safely."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

from core.projects.findings import Finding
from core.projects.image_name import is_image_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valohai_yaml.objs import Step
    from valohai_yaml.objs.parameter import Parameter

MAXIMUM_EXPRESSION = 2000
"""Characters of a stop condition."""
_UNCLOSED_BRACES = 1000
_MAXIMUM_WIDTH = 999
_LISTS = {"inputs": "input", "parameters": "parameter", "environment-variables": "environment variable"}
_IGNORED = {
    "mounts": "where an environment allows no mounts they are left out, elsewhere they must lie below its mount_roots",
    "environment-variable-groups": "groups of environment variables are ignored: name the variables in the step",
}

Remark = tuple[Finding, list[str | int]]
"""A finding without its line, and the path from the step to what it is about."""


def step_remarks(step: Step) -> Iterator[Remark]:
    """Yield what is wrong with a step that the library could parse."""
    if not step.name.isprintable() or not step.name.strip():
        yield _error(step, "the name must be printable text", "name")
    if not step.image.strip():
        yield _error(step, "image is empty: name a Docker image", "image")
    elif not is_image_name(step.image.strip()):
        message = f"step {step.name!r}: {step.image!r:.200} is not the name of a Docker image: the step cannot run"
        yield Finding("warning", message, None), ["image"]
    yield from _command_remarks(step)
    yield from _limit_remarks(step)
    for key, ignored in _IGNORED.items():
        if entries(step, key):
            yield Finding("warning", f"step {step.name!r}: {ignored}", None), [key]
    for key, word in _LISTS.items():
        yield from _list_remarks(step, key, word)


def entries(step: Step, key: str) -> list[Any]:
    """Return a list of the step as the file has it; of what has a name twice, the library keeps only the last."""
    data: Any = step._original_data  # noqa: SLF001 - the only place that has it
    return list(data.get(key) or ())


def _error(step: Step, problem: str, *path: str | int) -> Remark:
    return Finding("error", f"step {step.name!r}: {problem}", None), list(path)


def _command_remarks(step: Step) -> Iterator[Remark]:
    commands = [step.command] if isinstance(step.command, str) else step.command
    if not any(command.strip() for command in commands):
        yield _error(step, "command is empty", "command")
    if any(_unclosed_braces(command) > _UNCLOSED_BRACES for command in commands):
        yield _error(step, "a line of the command opens too many braces that it never closes", "command")


def _unclosed_braces(command: str) -> int:
    # The library searches `{…}` in each line; from every brace that is never closed it searches the whole rest.
    return max((line.rpartition("}")[2].count("{") for line in command.split("\n")), default=0)


def _limit_remarks(step: Step) -> Iterator[Remark]:
    if step.stop_condition is not None and len(step.stop_condition) > MAXIMUM_EXPRESSION:
        yield _error(step, f"stop-condition is longer than {MAXIMUM_EXPRESSION} characters", "stop-condition")
    for key, value in (("time-limit", step.time_limit), ("no-output-timeout", step.no_output_timeout)):
        if value is not None and value.total_seconds() < 0:
            yield _error(step, f"{key} is negative: give seconds, or leave it out for no limit", key)


def _list_remarks(step: Step, key: str, word: str) -> Iterator[Remark]:
    seen: set[str] = set()
    for index, entry in enumerate(entries(step, key)):
        name = entry["name"]
        problem = _name_problem(word, name)
        if word == "parameter":
            problem = problem or _pass_as_problem(step.parameters[name])
        if problem:
            yield _error(step, f"{word} {name!r}: {problem}", key, index)
        if name in seen:
            message = f"step {step.name!r}: {name!r} stands twice in {key}: this one, the last, holds"
            yield Finding("warning", message, None), [key, index]
        seen.add(name)


def _name_problem(word: str, name: str) -> str | None:
    if not name.isprintable() or not name:
        return "the name must be printable text"
    if word == "input" and (name in {".", ".."} or "/" in name or len(name.encode()) > 255):
        return "the name becomes a directory: it must not be '.' or '..', hold '/', nor have more than 255 bytes"
    if word == "environment variable" and "=" in name:
        return "the name must not hold '='"
    return None


def _pass_as_problem(parameter: Parameter) -> str | None:
    """Return why the parameter's template cannot be used, or None.

    The library gives templates to `str.format`: a width of 9999999999 would fill the memory, and `{name.…}` reach
    into Python. What is left is what a command line needs: `{name}`, `{value}`, `{v}`, with a short format.
    """
    for template in (parameter.pass_as, parameter.pass_true_as, parameter.pass_false_as):
        if template is not None and (problem := _template_problem(str(template))):
            return f"the template {template!r} {problem}"
    return None


def _template_problem(template: str) -> str | None:
    try:
        fields = list(string.Formatter().parse(template))
    except ValueError as error:
        return f"cannot be read: {error}"
    for _text, field, form, _conversion in fields:
        if field is None:
            continue
        if field not in {"name", "value", "v"}:
            return f"holds {{{field}}}: only {{name}}, {{value}} and {{v}} have a meaning"
        if "{" in (form or "") or any(len(number) > 3 for number in _numbers(form or "")):
            return f"formats a value wider than {_MAXIMUM_WIDTH} characters"
    return None


def _numbers(form: str) -> list[str]:
    return "".join(character if character.isdecimal() else " " for character in form).split()
