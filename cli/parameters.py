"""Parameters from the command line: `--learning-rate=0.1`, `--learning_rate 0.1`, `--flag`, `--no-flag`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.errors import InvalidInputError
from core.projects.manifest import close_match

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from valohai_yaml.objs import Step


def gathered(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Gather `name=value` pairs by name; what is given several times becomes a list."""
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name not in values:
            values[name] = value
        elif isinstance(values[name], list):
            values[name].append(value)
        else:
            values[name] = [values[name], value]
    return values


SHORT = {"-a": "--adhoc", "-w": "--watch", "-e": "--environment"}
"""Short options that people know from elsewhere; a step's parameter may begin with any letter."""


def refusal_of_short(word: str) -> InvalidInputError:
    """Return the error that says which option a short one means."""
    return InvalidInputError(f"there is no option {word}: write {SHORT[word]}", field=SHORT[word].removeprefix("--"))


def option_pairs(step: Step, words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Read the words after the step's name as options named after its parameters.

    Raises:
        InvalidInputError: a word names no parameter of the step, or lacks its value.
    """
    remaining = list(words)
    while remaining:
        word = remaining.pop(0)
        option, equals, value = word.partition("=")
        if word in SHORT:
            raise refusal_of_short(word)
        if not option.startswith("--") or option == "--":
            message = f"{word!r} is not expected here: parameters are given as --NAME=VALUE"
            raise InvalidInputError(message, field="parameters")
        name, negated = _named(step, option[2:])
        if equals:
            yield name, value
        elif step.parameters[name].type == "flag":
            yield name, "false" if negated else "true"
        elif remaining:
            yield name, remaining.pop(0)
        else:
            message = f"{option} lacks its value: give {option}=VALUE"
            raise InvalidInputError(message, field=name)


def _named(step: Step, option: str) -> tuple[str, bool]:
    """Return the parameter that an option means, and whether it says no to a flag."""
    by_option = {spelling: name for name in step.parameters for spelling in (name.replace("_", "-"), name)}
    spelling = option if option in by_option else option.replace("_", "-")
    if spelling in by_option:
        return by_option[spelling], False
    positive = spelling.removeprefix("no-")
    if positive in by_option and step.parameters[by_option[positive]].type == "flag":
        return by_option[positive], True
    if option in step.inputs:
        message = f"{option!r} is an input of step {step.name!r}: give --input {option}=…"
        raise InvalidInputError(message, field=option)
    names = ", ".join(f"--{name}" for name in step.parameters) or "none"
    message = (
        f"step {step.name!r} has no parameter {option!r}{close_match(option, step.parameters)}; its parameters: {names}"
    )
    raise InvalidInputError(message, field=option)
