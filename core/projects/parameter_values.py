"""What a parameter's value may be: text from a command line becomes the parameter's type, or a clear refusal."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from core.errors import InvalidInputError

if TYPE_CHECKING:
    from valohai_yaml.objs.parameter import Parameter

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_UNPASSABLE = re.compile("[\x00\ud800-\udfff]")
_TYPES = {"integer": "a whole number", "float": "a number", "string": "a text", "flag": "true or false"}


def given_value(parameter: Parameter, value: object) -> Any:  # noqa: ANN401 - the parameter's type
    """Return `value`, as a person gave it, in the parameter's type; None stays None.

    A list, or a text joined with the parameter's separator, gives a parameter that is `multiple` its values.

    Raises:
        InvalidInputError: the type, range or choice is wrong; the message says what is allowed.
    """
    if value is None:
        return None
    default = default_value(parameter)
    if type(value) is type(default) and value == default:
        return default  # a copy gives what the first one had, also a default outside its own range
    if parameter.type == "flag":
        return _flag(parameter, value)
    return _validated(parameter, _plain(parameter, _split(parameter, value)))


def default_value(parameter: Parameter) -> Any:  # noqa: ANN401
    """Return the default in the parameter's type where it can be, else as the file has it.

    A default outside its own range or choices is used all the same: lint warns of it, and a project that runs
    elsewhere runs here.
    """
    default = parameter.default
    if default is None:
        return None
    if parameter.multiple:
        return [_default_atom(parameter, atom) for atom in default]
    return _default_atom(parameter, default)


def described(parameter: Parameter) -> str:
    """Return what the parameter accepts, in words: `a whole number, at least 1, at most 10`."""
    parts = [_TYPES[parameter.type]]
    if parameter.choices and parameter.type != "flag":
        parts = ["one of " + ", ".join(map(repr, parameter.choices))]
    if parameter.min is not None:
        parts.append(f"at least {parameter.min}")
    if parameter.max is not None:
        parts.append(f"at most {parameter.max}")
    text = ", ".join(parts)
    return f"a list, each {text}" if parameter.multiple else text


def _default_atom(parameter: Parameter, atom: Any) -> Any:  # noqa: ANN401
    if parameter.type == "flag":
        return bool(atom)
    if parameter.type == "string":
        return str(atom)
    if isinstance(atom, (int, float)) and not isinstance(atom, bool):
        return _storable(parameter, atom)
    try:
        return _storable(parameter, int(str(atom), 10) if parameter.type == "integer" else float(str(atom)))
    except ValueError:
        return str(atom)


def _flag(parameter: Parameter, value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise _refusal(parameter, f"{value!r} is neither")


def _split(parameter: Parameter, value: object) -> object:
    if not parameter.multiple or isinstance(value, (list, tuple)):
        return value
    if isinstance(value, str) and not value:
        return []
    if isinstance(value, str) and parameter.multiple.value == "separate":
        return value.split(parameter.multiple_separator)
    return [value]


def _plain(parameter: Parameter, value: object) -> Any:  # noqa: ANN401
    """Return a text (or a list of texts) that the library's validation can judge."""
    if isinstance(value, (list, tuple)):
        if not parameter.multiple:
            raise _refusal(parameter, "a list was given")
        return [_plain_atom(parameter, atom) for atom in value]
    return _plain_atom(parameter, value)


def _plain_atom(parameter: Parameter, atom: object) -> Any:  # noqa: ANN401
    if not isinstance(atom, (str, int, float)):
        raise _refusal(parameter, f"{atom!r} was given")
    if parameter.type == "float" and isinstance(atom, int) and not isinstance(atom, bool):
        return atom
    text = str(atom)
    if _UNPASSABLE.search(text):
        raise _refusal(parameter, f"{atom!r} holds a byte that no command line can")
    if parameter.type in ("integer", "float") and ("_" in text or not text.isascii()):
        # Python reads these as numbers, and no other program does.
        raise _refusal(parameter, f"{text[:80]!r} was given")
    if parameter.type == "string":
        # Choices written as numbers in the file are chosen by what they look like on the command line.
        return next((choice for choice in parameter.choices or () if str(choice) == text), text)
    return text


def _validated(parameter: Parameter, value: Any) -> Any:  # noqa: ANN401
    from valohai_yaml.excs import ValidationErrors  # noqa: PLC0415

    try:
        valid = parameter.validate(value)
    except ValidationErrors as errors:
        raise _refusal(parameter, "; ".join(_shortened(str(error)) for error in errors)) from errors
    if isinstance(valid, list):
        return [_storable(parameter, _kept(given, atom)) for given, atom in zip(value, valid, strict=True)]
    return _storable(parameter, _kept(value, valid))


def _kept(given: Any, valid: Any) -> Any:  # noqa: ANN401
    """Return the number 1 as it was given, which the library makes 1.0: a copy's command stays the same."""
    return given if isinstance(given, int) else valid


def _shortened(text: str) -> str:
    # The value stands at the beginning, what is wrong with it at the end.
    return text if len(text) <= 200 else f"{text[:80]}…{text[-100:]}"


def _storable(parameter: Parameter, atom: Any) -> Any:  # noqa: ANN401
    if parameter.type == "string":
        return str(atom)
    if isinstance(atom, float) and not math.isfinite(atom):
        raise _refusal(parameter, f"{atom} cannot be written in the JSON that the step reads")
    if isinstance(atom, int) and not -(2**63) <= atom < 2**64:
        raise _refusal(parameter, f"{str(atom)[:40]} has more than 64 bits")
    return atom


def _refusal(parameter: Parameter, reason: str) -> InvalidInputError:
    message = f"parameter {parameter.name!r}: {reason}; it takes {described(parameter)}"
    return InvalidInputError(message, field=parameter.name)
