"""From a step, and what a person gave for it, to everything that an execution needs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from core.errors import InvalidInputError
from core.projects.image_name import is_image_name
from core.projects.manifest import close_match
from core.projects.parameter_values import default_value, described, given_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from valohai_yaml.objs import Step
    from valohai_yaml.objs.input import Input

    from core.projects.manifest import Manifest

MAXIMUM_COMMAND = 4 * 1024 * 1024
"""Characters of a command after its parameters were put in."""
MAXIMUM_URI = 8192
_NONE: Mapping[str, Any] = MappingProxyType({})
_REFERENCE = re.compile(r"\{parameter(?:-value)?:(.+?)\}")
_UNPASSABLE = re.compile("[\x00\ud800-\udfff]")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class InputRequest:
    """The files that one input asks for, before any address is resolved."""

    uris: list[str]
    keep_directories: Literal["none", "full", "suffix"] = "none"
    filename: str | None = None
    optional: bool = False
    download: Literal["always", "on-demand"] = "always"


@dataclass(frozen=True, slots=True)
class MountRequest:
    """A directory of the machine that a step asks to see in its container; `kind` is empty for a plain directory."""

    source: str
    target: str
    read_only: bool = False
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Specification:
    """Everything that an execution needs beside its code. Times are seconds.

    `command` holds the lines as they run, exactly as the valohai-yaml library builds them from `parameters`, which
    are typed; a parameter is None where it is optional, or a flag, and nothing says more. `is_environment_of_step` says
    that nobody but valohai.yaml names the environment; `restart_lost` that it may start again when its machine is lost.
    """

    step: str
    image: str
    command: list[str]
    parameters: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, InputRequest] = field(default_factory=dict)
    environment: str | None = None
    environment_variables: dict[str, str] = field(default_factory=dict)
    time_limit: float | None = None
    no_output_timeout: float | None = None
    stop_condition: str | None = None
    upload_store: str | None = None
    is_environment_of_step: bool = False
    mounts: tuple[MountRequest, ...] = ()
    restart_lost: bool = False


def specify(  # noqa: PLR0913 - what a step says, each replaced by what a person gives
    manifest: Manifest,
    step_name: str,
    *,
    parameters: Mapping[str, object] = _NONE,
    inputs: Mapping[str, Sequence[str]] = _NONE,
    environment: str | None = None,
    image: str | None = None,
    environment_variables: Mapping[str, str] = _NONE,
    time_limit: float | None = None,
    restart_lost: bool | None = None,
) -> Specification:
    """Return the specification of one execution of a step.

    Values given as text become the parameter's type. What is given replaces the default; an input given as an empty
    list has no files. `time_limit` 0 means none.

    Raises:
        NotFoundError: the manifest has no such step.
        InvalidInputError: a value is unknown, missing or not allowed; `field` is its name.
    """
    step = manifest.step(step_name)
    values = _parameters(step, parameters)
    return Specification(
        step=step.name,
        image=_image(step, image),
        command=build_command(step, values),
        parameters=values,
        inputs=_inputs(step, inputs, values),
        environment=environment or step.environment,
        is_environment_of_step=environment is None and step.environment is not None,
        environment_variables=_environment_variables(step, environment_variables),
        time_limit=_time_limit(step, time_limit),
        no_output_timeout=step.no_output_timeout.total_seconds() or None if step.no_output_timeout else None,
        stop_condition=step.stop_condition or None,
        upload_store=step.upload_store,
        mounts=tuple(
            MountRequest(str(mount.source), str(mount.destination), mount.readonly, mount.type or "")
            for mount in step.mounts
        ),
        restart_lost=bool(step.autorestart) if restart_lost is None else restart_lost,
    )


def build_command(step: Step, values: Mapping[str, Any]) -> list[str]:
    """Return the step's command lines with `values` put in, as the library does it.

    A flag without a value stays out of the values, as the Valohai client leaves it out: it is neither true nor false.
    """
    sent = {name: value for name, value in values.items() if value is not None or step.parameters[name].type != "flag"}
    _refuse_huge_command(step, sent)
    for name, value in sent.items():
        _refuse_unfit_template(step, name, value)
    return list(step.build_command(sent))


def _refuse_unfit_template(step: Step, name: str, value: Any) -> None:  # noqa: ANN401
    # Asked before the library builds the command, for it would leave the whole line as it is, with a mere warning.
    try:
        step.parameters[name].format_cli(value)
    except (ValueError, TypeError, LookupError) as error:
        message = f"step {step.name!r}: parameter {name!r} cannot be passed ({error}): correct its `pass-as`"
        raise InvalidInputError(message, field=name) from error


def _parameters(step: Step, given: Mapping[str, object]) -> dict[str, Any]:
    for name in given:
        if name not in step.parameters:
            raise _unknown(step, "parameter", name, list(step.parameters))
    values: dict[str, Any] = {}
    for name, parameter in step.parameters.items():
        values[name] = given_value(parameter, given[name]) if name in given else default_value(parameter)
        if values[name] is None and not parameter.optional:
            message = (
                f"step {step.name!r} needs a value for parameter {name!r}: give --{name}=… ({described(parameter)})"
            )
            raise InvalidInputError(message, field=name)
    return values


def _refuse_huge_command(step: Step, values: Mapping[str, Any]) -> None:
    text = step.command if isinstance(step.command, str) else "\n".join(step.command)
    # Quoting makes a character at most five; a template or a name stands beside each value.
    single = max((5 * len(str(value)) + 1000 * _atoms(value) + len(name) for name, value in values.items()), default=0)
    whole = sum(5 * len(str(value)) + 100 * _atoms(value) + len(name) for name, value in values.items())
    places = text.count("{parameter:") + text.count("{parameter-value:")
    size = len(text) + single * places + whole * (text.count("{parameters}") + text.count("{params}"))
    if size > MAXIMUM_COMMAND * 10:
        message = f"step {step.name!r}: the command would grow too long: give long values in a file, as an input"
        raise InvalidInputError(message, field="command")


def _atoms(value: object) -> int:
    return len(value) if isinstance(value, list) else 1


def _inputs(step: Step, given: Mapping[str, Sequence[str]], values: Mapping[str, Any]) -> dict[str, InputRequest]:
    for name in given:
        if name not in step.inputs:
            raise _unknown(step, "input", name, list(step.inputs))
    return {name: _input(step, declared, given.get(name), values) for name, declared in step.inputs.items()}


def _input(step: Step, declared: Input, given: Sequence[str] | None, values: Mapping[str, Any]) -> InputRequest:
    raw = declared.default if given is None else given
    listed = [raw] if isinstance(raw, str) else list(raw or ())
    uris = [_interpolated(step, declared.name, uri.strip(), values) for uri in listed if uri.strip()]
    nothing_allowed = declared.optional or (given is None and declared.default is not None)
    if not uris and not nothing_allowed:
        message = (
            f"step {step.name!r} needs files for input {declared.name!r}: give --input {declared.name}=… "
            "(datum://…, https://…, file://…)"
        )
        raise InvalidInputError(message, field=declared.name)
    return InputRequest(
        uris, declared.keep_directories.value, declared.filename, declared.optional, declared.download.value
    )


def _interpolated(step: Step, input_name: str, uri: str, values: Mapping[str, Any]) -> str:
    def value_of(match: re.Match[str]) -> str:
        name = match[1]
        if name not in step.parameters:
            hint = close_match(name, step.parameters)
            message = f"input {input_name!r}: {uri!r} names the parameter {name!r}, which the step has not{hint}"
            raise InvalidInputError(message, field=input_name)
        value = values[name]
        if value is None:
            message = f"input {input_name!r}: {uri!r} needs a value for parameter {name!r}: give --{name}=…"
            raise InvalidInputError(message, field=name)
        if isinstance(value, list):
            return str(step.parameters[name].multiple_separator.join(map(str, value)))
        return str(value)

    if _UNPASSABLE.search(uri) or len(uri) > MAXIMUM_URI:
        message = (
            f"input {input_name!r}: {uri[:100]!r} is not an address: it holds a byte that is not text, "
            f"or more than {MAXIMUM_URI} characters"
        )
        raise InvalidInputError(message, field=input_name)
    return _REFERENCE.sub(value_of, uri)


def _environment_variables(step: Step, given: Mapping[str, str]) -> dict[str, str]:
    variables = {
        name: str(declared.default)
        for name, declared in step.environment_variables.items()
        if declared.default is not None
    }
    for name, value in given.items():
        if not _VARIABLE.fullmatch(name) and name not in step.environment_variables:
            message = f"{name!r} is no name of an environment variable: it has letters, digits and _, no digit first"
            raise InvalidInputError(message, field=name or "environment_variables")
        if _UNPASSABLE.search(value):
            message = f"environment variable {name!r} cannot be set: its value holds a byte that is not text, or NUL"
            raise InvalidInputError(message, field=name)
        variables[name] = value
    for name, declared in step.environment_variables.items():
        if not declared.optional and name not in variables:
            message = f"step {step.name!r} needs the environment variable {name!r}: give --env {name}=…"
            raise InvalidInputError(message, field=name)
    return variables


def _image(step: Step, given: str | None) -> str:
    image = step.image.strip() if given is None else given.strip()
    if not is_image_name(image):
        message = f"{image!r:.200} is not the name of a Docker image: it looks like registry/name:tag, in lower case"
        raise InvalidInputError(message, field="image")
    return image


def _time_limit(step: Step, given: float | None) -> float | None:
    if given is None:
        return (step.time_limit.total_seconds() or None) if step.time_limit else None
    if not 0 <= given < float("inf"):
        message = f"the time limit {given} is not a number of seconds: give 0 for none, or more"
        raise InvalidInputError(message, field="time_limit")
    return float(given) or None


def _unknown(step: Step, what: str, name: str, known: list[str]) -> InvalidInputError:
    names = ", ".join(map(repr, known)) or "none"
    message = f"step {step.name!r} has no {what} {name!r}{close_match(name, known)}; its {what}s: {names}"
    return InvalidInputError(message, field=name)
