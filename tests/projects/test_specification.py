"""What a person gives for a step: typed, checked, and built into the command that the library builds."""

from __future__ import annotations

import math
import shlex
from textwrap import dedent, indent
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from valohai_yaml.objs import Config

from core.errors import InvalidInputError, NotFoundError
from core.projects.manifest import Manifest, read_manifest
from core.projects.specification import InputRequest, specify


def manifest(more: str = "", command: str = "run {parameters}") -> Manifest:
    step = f"- step:\n    name: train\n    image: debian\n    command: {command}\n"
    return read_manifest(step + indent(dedent(more), "    "))


def with_parameter(**parameter: object) -> Manifest:
    step = {
        "name": "train",
        "image": "debian",
        "command": "run {parameters}",
        "parameters": [{"name": "p", **parameter}],
    }
    return read_manifest(yaml.safe_dump([{"step": step}], allow_unicode=True))


def value_of(given: object, **parameter: object) -> object:
    return specify(with_parameter(**parameter), "train", parameters={"p": given}).parameters["p"]


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("integer", "5", 5),
        ("integer", " -5 ", -5),
        ("integer", 5, 5),
        ("float", "5", 5.0),
        ("float", "1e-3", 0.001),
        ("float", 5, 5),
        ("string", "5", "5"),
        ("string", 5, "5"),
        ("string", "", ""),
        ("string", "a\nb 'c' \"d\" ünï 🐟", "a\nb 'c' \"d\" ünï 🐟"),
        ("flag", "true", True),
        ("flag", "No", False),
        ("flag", "1", True),
        ("flag", False, False),
        ("flag", None, None),
    ],
)
def test_text_becomes_the_type_of_the_parameter(kind: str, given: object, expected: object) -> None:
    value = value_of(given, type=kind)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("parameter", "given", "reason"),
    [
        ({"type": "integer"}, "5.5", "5.5 is not an integer; it takes a whole number"),
        ({"type": "integer"}, "", "No value supplied"),
        ({"type": "integer"}, "9" * 5000, "is not an integer"),
        ({"type": "integer"}, "9" * 30, "has more than 64 bits"),
        (
            {"type": "integer", "min": 1, "max": 9},
            "10",
            r"greater than .* \(9\); .* whole number, at least 1, at most 9",
        ),
        ({"type": "integer", "min": 1, "max": 9}, "0", "less than the minimum"),
        ({"type": "float"}, "lots", "not a floating-point number; it takes a number"),
        ({"type": "float"}, "nan", "cannot be written in the JSON"),
        ({"type": "float"}, "inf", "cannot be written in the JSON"),
        ({"type": "flag"}, "perhaps", "'perhaps' is neither; it takes true or false"),
        ({"choices": ["a", "b"]}, "c", "not among the choices .*; it takes one of 'a', 'b'"),
        ({}, ["a", "b"], "a list was given; it takes a text"),
        ({}, {"a": 1}, "was given"),
        ({"multiple": "repeat"}, [["a"]], "was given"),
        ({}, "a\0b", "holds a byte that no command line can"),
        ({}, "a\udcff", "holds a byte that no command line can"),
        (
            {"type": "integer", "multiple": "separate"},
            "1,x",
            "x is not an integer; it takes a list, each a whole number",
        ),
        ({"type": "integer", "multiple": "repeat", "max": 2}, ["1", "3"], "3 is greater"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(parameter: dict[str, Any], given: object, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=f"^parameter 'p': .*{reason}") as caught:
        value_of(given, **parameter)
    assert caught.value.field == "p"
    assert len(caught.value.message) < 500


@pytest.mark.parametrize(
    ("parameter", "given", "expected"),
    [
        ({"multiple": "separate"}, "a,b", ["a", "b"]),
        ({"multiple": "separate", "multiple-separator": ";"}, "a,b;c", ["a,b", "c"]),
        ({"multiple": "separate"}, ["a,b", "c"], ["a,b", "c"]),
        ({"multiple": "repeat"}, "a,b", ["a,b"]),
        ({"multiple": "repeat", "type": "integer"}, ["1", "2"], [1, 2]),
        ({"multiple": "repeat", "type": "integer"}, ("1",), [1]),
        ({"multiple": "repeat", "type": "integer"}, 4, [4]),
        ({"multiple": "separate", "type": "integer"}, "", []),
        ({"multiple": "repeat"}, [], []),
    ],
)
def test_several_values_are_a_list(parameter: dict[str, Any], given: object, expected: list[object]) -> None:
    assert value_of(given, **parameter) == expected


def test_choices_written_as_numbers_are_chosen_by_their_text() -> None:
    assert value_of("20", choices=[10, 20]) == "20"


def test_a_default_beyond_its_own_limits_is_used_and_may_be_given_again() -> None:
    loose = with_parameter(type="integer", default=50, max=10)
    assert specify(loose, "train").parameters == {"p": 50}
    assert specify(loose, "train", parameters={"p": 50}).parameters == {"p": 50}
    with pytest.raises(InvalidInputError):
        specify(loose, "train", parameters={"p": 51})


def test_a_default_that_is_not_a_number_of_json_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="JSON"):
        specify(with_parameter(type="float", default=math.inf), "train")


def test_a_missing_parameter_is_named_with_what_it_takes() -> None:
    with pytest.raises(InvalidInputError, match=r"needs a value for parameter 'p': give --p=… \(a number\)") as caught:
        specify(with_parameter(type="float"), "train")
    assert caught.value.field == "p"
    with pytest.raises(InvalidInputError):
        value_of(None, type="float", default=1)
    assert value_of(None, type="float", default=1, optional=True) is None


def test_an_unknown_parameter_offers_the_nearest() -> None:
    with pytest.raises(InvalidInputError, match=r"no parameter 'epoch' \(did you mean 'epochs'\?\)") as caught:
        specify(manifest("parameters: [{name: epochs, default: 1}]"), "train", parameters={"epoch": "1"})
    assert caught.value.field == "epoch"


def test_an_unknown_step_is_not_found() -> None:
    with pytest.raises(NotFoundError, match="its steps: 'train'"):
        specify(manifest(), "evaluate")


def test_a_missing_input_says_how_to_give_it() -> None:
    with pytest.raises(InvalidInputError, match=r"needs files for input 'data': give --input data=…") as caught:
        specify(manifest("inputs: [{name: data}]"), "train")
    assert caught.value.field == "data"
    with pytest.raises(InvalidInputError):
        specify(manifest("inputs: [{name: data, default: 'datum://a'}]"), "train", inputs={"data": []})


def test_an_unknown_input_offers_the_nearest() -> None:
    with pytest.raises(InvalidInputError, match=r"no input 'dat' \(did you mean 'data'\?\); its inputs: 'data'"):
        specify(manifest("inputs: [{name: data}]"), "train", inputs={"dat": ["datum://x"]})


def test_given_inputs_replace_the_default() -> None:
    file = manifest("inputs: [{name: data, default: 'datum://a'}, {name: more, optional: true, default: 'datum://b'}]")
    inputs = specify(file, "train", inputs={"data": ["datum://x", " datum://y "], "more": []}).inputs
    assert inputs["data"] == InputRequest(["datum://x", "datum://y"])
    assert inputs["more"].uris == []
    assert specify(file, "train", inputs={"data": "datum://one"}).inputs["data"].uris == ["datum://one"]


@pytest.mark.parametrize(
    ("uri", "field", "reason"),
    [
        ("datum://{parameter:nam}", "data", r"names the parameter 'nam', which the step has not \(did you mean 'name'"),
        ("datum://{parameter:name}", "name", "needs a value for parameter 'name': give --name=…"),
        ("datum://\udcff", "data", "is not an address"),
        ("{parameter:" * 100_000, "data", "is not an address"),
    ],
)
def test_an_address_that_cannot_be_completed_is_refused(uri: str, field: str, reason: str) -> None:
    file = manifest("inputs: [{name: data}]\nparameters: [{name: name, optional: true}]")
    with pytest.raises(InvalidInputError, match=reason) as caught:
        specify(file, "train", inputs={"data": [uri]})
    assert caught.value.field == field


def test_environment_variables_are_merged_and_checked() -> None:
    file = manifest("environment-variables: [{name: A, default: x}, {name: B, optional: false}]")
    with pytest.raises(InvalidInputError, match="needs the environment variable 'B'") as caught:
        specify(file, "train")
    assert caught.value.field == "B"
    assert specify(file, "train", environment_variables={"B": "1", "C": "=\n"}).environment_variables == {
        "A": "x",
        "B": "1",
        "C": "=\n",
    }
    for name, value in [("", "x"), ("A=B", "x"), ("A\nB", "x"), ("A", "\0")]:
        with pytest.raises(InvalidInputError, match="environment variable"):
            specify(file, "train", environment_variables={"B": "1", name: value})


def test_what_is_given_wins_over_the_step() -> None:
    file = manifest("environment: local\ntime-limit: 60")
    specification = specify(file, "train", environment="big", image="other:1", time_limit=5)
    assert (specification.environment, specification.image, specification.time_limit) == ("big", "other:1", 5.0)
    assert specify(file, "train", time_limit=0).time_limit is None


@pytest.mark.parametrize("image", ["", "  ", "a b", "a\nb", "a\x1b[31m"])
def test_an_image_is_one_printable_word(image: str) -> None:
    with pytest.raises(InvalidInputError, match="Docker image") as caught:
        specify(manifest(), "train", image=image)
    assert caught.value.field == "image"


@pytest.mark.parametrize("limit", [-1, math.nan, math.inf])
def test_a_time_limit_is_a_number_of_seconds(limit: float) -> None:
    with pytest.raises(InvalidInputError, match="number of seconds"):
        specify(manifest(), "train", time_limit=limit)


def test_a_template_that_does_not_fit_the_value_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="correct its `pass-as`"):
        specify(with_parameter(default="text", **{"pass-as": "{v:.3f}"}), "train")


def test_a_command_cannot_grow_without_end() -> None:
    file = manifest("parameters: [{name: p, default: x}]", command="'" + "{parameters}" * 10_000 + "'")
    assert len(specify(file, "train").command[0]) < 200_000
    with pytest.raises(InvalidInputError, match="grow too long") as caught:
        specify(file, "train", parameters={"p": "x" * 100_000})
    assert caught.value.field == "command"


def test_a_value_cannot_leave_its_quotes() -> None:
    hostile = "'; echo owned; '$(id)`id`{parameters}\n#"
    (line,) = specify(with_parameter(), "train", parameters={"p": hostile}).command
    assert shlex.split(line) == ["run", f"--p={hostile}"]


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["", " ", "'", '"', "a b", "$HOME", "{parameters}", "{v}", "\n", "日本 🐟", "--x", "a,b"]
)
atoms = {
    "string": texts,
    "integer": st.integers(-(2**63), 2**63),
    "float": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-100, 100),
    "flag": st.booleans(),
}
templates = st.none() | st.sampled_from(["{v}", "-x {v}", "--{name}:{value}", "'{v}' {name}", "  ", "--{name} {v} {v}"])


@st.composite
def parameters(draw: st.DrawFn, name: str) -> tuple[dict[str, Any], Any]:
    """Draw a parameter as the file has it, and a value of its type (or None, where it is optional)."""
    kind = draw(st.sampled_from(sorted(atoms)))
    parameter: dict[str, Any] = {"name": name, "type": kind, "optional": True}
    if (template := draw(templates)) is not None:
        parameter["pass-as"] = template
    if kind == "flag":
        for key in ("pass-true-as", "pass-false-as"):
            if draw(st.booleans()):
                parameter[key] = f"--{key}={{name}}"
        return parameter, draw(st.booleans())
    if draw(st.booleans()):
        parameter["multiple"] = draw(st.sampled_from(["repeat", "separate"]))
        parameter["multiple-separator"] = draw(st.sampled_from([",", ";", " ", "::"]))
        return parameter, draw(st.lists(atoms[kind], max_size=4))
    return parameter, draw(st.none() | atoms[kind])


lines = st.lists(
    st.text("ab{}:' \n", max_size=6)
    | st.sampled_from(
        ["{parameters}", "{params}", "{source-path}", "x {parameter:a} y", "{parameter-value:b}", "#!/bin/sh"]
    ),
    min_size=1,
    max_size=6,
)


@given(parameters("a"), parameters("b"), lines)
def test_the_command_is_the_librarys(a: tuple[Any, Any], b: tuple[Any, Any], command: list[str]) -> None:
    step = {
        "name": "s",
        "image": "i",
        "command": ["true", *command],
        "parameters": [a[0], b[0]],
        "source-path": "a b.py",
    }
    values = {"a": a[1], "b": b[1]}
    text = yaml.safe_dump([{"step": step}], allow_unicode=True)
    specification = specify(read_manifest(text), "s", parameters=values)
    theirs = Config.parse(yaml.safe_load(text)).steps["s"]
    assert specification.command == theirs.build_command(values)
    assert specification.parameters == values


@given(parameters("a"), parameters("b"), lines)
def test_values_as_text_are_the_librarys_too(a: tuple[Any, Any], b: tuple[Any, Any], command: list[str]) -> None:
    step = {
        "name": "s",
        "image": "i",
        "command": ["true", *command],
        "parameters": [a[0], b[0]],
        "source-path": "a b.py",
    }
    typed = {"a": a[1], "b": b[1]}
    given_texts = {
        name: None if value is None else [str(atom) for atom in value] if isinstance(value, list) else str(value)
        for name, value in typed.items()
    }
    text = yaml.safe_dump([{"step": step}], allow_unicode=True)
    theirs = Config.parse(yaml.safe_load(text)).steps["s"]
    valid = {
        name: value if value is None or step_type == "flag" else theirs.parameters[name].validate(value)
        for (name, value), step_type in zip(typed.items(), (a[0]["type"], b[0]["type"]), strict=True)
    }
    specification = specify(read_manifest(text), "s", parameters=given_texts)
    assert specification.command == theirs.build_command(valid)
    assert specification.parameters == valid


@pytest.mark.parametrize(
    "image",
    [
        "debian",
        "busybox:1.36",
        "library/python:3.11-slim",
        "localhost:5000/a/b_c__d-e--f:V1.0_x",
        "registry.example.com:443/x",
        "[::1]:5000/a",
        "ghcr.io/a/b@sha256:" + "a" * 64,
        "a:b@sha256:" + "0" * 64,
        "sha256:" + "f" * 64,
    ],
)
def test_an_image_is_named_as_docker_names_it(image: str) -> None:
    assert specify(manifest(), "train", image=f" {image} ").image == image


@pytest.mark.parametrize(
    "image",
    [
        *(
            "",
            " ",
            "../../etc",
            "-v/:/host",
            "--privileged",
            "a b",
            "A",
            "a:",
            "a:-x",
            "a//b",
            "/a",
            "a/",
            "a_-b",
        ),
        *("a:b:c", "a@sha256:short", "http://a/b", "a:" + "b" * 129, "a" * 256, "a/" * 300 + "a", "ä", "a\0", "a?x=y"),
    ],
)
def test_what_is_no_image_is_refused(image: str) -> None:
    with pytest.raises(InvalidInputError, match="Docker image") as refused:
        specify(manifest(), "train", image=image)
    assert refused.value.field == "image"


@pytest.mark.parametrize("kind", ["integer", "float"])
@pytest.mark.parametrize("text", ["1_0", "\uff15", "\u0665", "1_0.5"])
def test_only_plain_digits_are_numbers(kind: str, text: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        value_of(text, type=kind)
    assert refused.value.field == "p"


@pytest.mark.parametrize("name", ["A B", "1A", "A-B", "", "Ä", "A=B", "A\n"])
def test_a_variable_is_named_as_a_shell_names_it(name: str) -> None:
    with pytest.raises(InvalidInputError, match="environment variable"):
        specify(manifest(), "train", environment_variables={name: "x"})


def test_a_variable_that_the_step_declares_may_have_any_name() -> None:
    declared = manifest("environment-variables:\n  - {name: my-var, default: a}\n")
    assert specify(declared, "train", environment_variables={"my-var": "b"}).environment_variables == {"my-var": "b"}


@pytest.mark.parametrize(
    ("written", "given", "restarts"),
    [("", None, False), ("autorestart: true", None, True), ("autorestart: true", False, False), ("", True, True)],
)
def test_a_lost_machine_starts_it_again_as_the_step_says_unless_told_otherwise(
    written: str, *, given: bool | None, restarts: bool
) -> None:
    assert specify(manifest(written), "train", restart_lost=given).restart_lost is restarts
