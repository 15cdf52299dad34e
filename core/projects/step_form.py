"""A form made from a step: its parameters and inputs as fields, and the answers as what `specify` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.errors import InvalidInputError
from core.labels import checked_tag
from core.projects.parameter_values import default_value, described, given_value
from core.quantities import read_seconds
from core.resources.form import Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valohai_yaml.objs import Step
    from valohai_yaml.objs.input import Input
    from valohai_yaml.objs.parameter import Parameter

PARAMETER, INPUT, VARIABLE = "parameter:", "input:", "variable:"
"""What the keys of a step's fields begin with: a parameter and an input may have the same name."""
ON, OFF = "on", "off"


def parameter_fields(step: Step) -> list[Field]:
    """Return a field for each parameter of a step."""
    return [_parameter_field(parameter) for parameter in step.parameters.values()]


def input_fields(step: Step) -> list[Field]:
    """Return a field for each input of a step: one address, alias or file on a line."""
    return [_input_field(declared) for declared in step.inputs.values()]


def variable_fields(step: Step) -> list[Field]:
    """Return a field for each environment variable that a step declares."""
    return [
        Field(
            key=VARIABLE + name,
            label=name,
            meaning=declared.description or "an environment variable of the step",
            required=not declared.optional,
            default="" if declared.default is None else str(declared.default),
        )
        for name, declared in step.environment_variables.items()
    ]


def choices_of(step: Step) -> dict[str, tuple[str, ...]]:
    """Return the words from which each field is chosen that is a choice, by its key."""
    return {PARAMETER + name: words for name, parameter in step.parameters.items() if (words := _choices(parameter))}


def written_value(parameter: Parameter, value: Any) -> str:  # noqa: ANN401 - the parameter's type
    """Return a value as the answer that gives it."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(map(str, value))
    if parameter.type == "flag":
        return ON if value else OFF
    return str(value)


def given_parameters(step: Step, changed: Mapping[str, str]) -> dict[str, Any]:
    """Return the values that answers give to the parameters of a step, those that are not among them left out."""
    return {
        name: _given(parameter, changed[PARAMETER + name])
        for name, parameter in step.parameters.items()
        if PARAMETER + name in changed
    }


def given_inputs(step: Step, changed: Mapping[str, str]) -> dict[str, list[str]]:
    """Return what answers give to the inputs of a step."""
    return {name: given_lines(changed[INPUT + name]) for name in step.inputs if INPUT + name in changed}


def given_variables(answers: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables of answers: the step's own that have a value, and those of `variables`."""
    declared = {
        key.removeprefix(VARIABLE): answer for key, answer in answers.items() if key.startswith(VARIABLE) and answer
    }
    return declared | read_variables(answers.get("variables", ""))


def given_lines(text: str) -> list[str]:
    """Return the lines of an answer that hold something."""
    return [stripped for line in text.split("\n") if (stripped := line.strip())]


def given_tags(text: str) -> list[str]:
    """Return the tags of an answer, which stand between commas.

    Raises:
        InvalidInputError: one of them can be no tag.
    """
    return [checked_tag(tag) for tag in text.split(",") if tag.strip()]


def read_variables(text: str) -> dict[str, str]:
    """Return environment variables that are written NAME=value, one on a line.

    Raises:
        InvalidInputError: a line is not written so.
    """
    variables: dict[str, str] = {}
    for line in given_lines(text):
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            message = f"{line[:80]!r} is no NAME=value"
            raise InvalidInputError(message, field="variables")
        variables[name.strip()] = value
    return variables


def read_time_limit(text: str) -> float | None:
    """Return the seconds of a time limit, None where none was given.

    Raises:
        InvalidInputError: it is no duration.
    """
    try:
        return read_seconds(text) if text.strip() else None
    except ValueError as error:
        message = f"{text[:40]!r} is no duration: give seconds, or 90s, 15m, 2h; 0 for none"
        raise InvalidInputError(message, field="time_limit") from error


def _parameter_field(parameter: Parameter) -> Field:
    default = default_value(parameter)
    # A text may be empty; a number may not, so that an emptied field means no value.
    needed = not parameter.optional and (default is None or (parameter.type != "string" and not parameter.multiple))
    is_flag = parameter.type == "flag" and default is not None and not parameter.multiple
    kind = described(parameter)
    return Field(
        key=PARAMETER + parameter.name,
        label=parameter.name,
        meaning=f"{parameter.description.strip()} · {kind}" if parameter.description else kind,
        kind="flag" if is_flag else "lines" if parameter.multiple else "choice" if _choices(parameter) else "text",
        required=needed,
        default=written_value(parameter, default),
        check=lambda text: given_value(parameter, _given(parameter, text)),
    )


def _choices(parameter: Parameter) -> tuple[str, ...]:
    if parameter.multiple:
        return ()
    none = ("",) if parameter.optional else ()
    if parameter.type == "flag":
        return (*none, ON, OFF) if default_value(parameter) is None else ()
    return (*none, *map(str, parameter.choices)) if parameter.choices else ()


def _given(parameter: Parameter, text: str) -> Any:  # noqa: ANN401
    if parameter.multiple:
        return text.split("\n") if text else []
    if not text and (parameter.optional or parameter.type != "string"):
        return None
    return text


def _input_field(declared: Input) -> Field:
    default = declared.default
    listed = [default] if isinstance(default, str) else list(default or ())
    what = "files: an alias, datum://…, https://…, file://…, or a file here"
    return Field(
        key=INPUT + declared.name,
        label=declared.name,
        meaning=f"{declared.description.strip()} · {what}" if declared.description else what,
        kind="lines",
        required=not declared.optional and default is None,
        default="\n".join(listed),
    )
