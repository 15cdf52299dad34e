"""Every example file is read, and its steps become the commands that the library builds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import valohai_yaml

from core.projects.manifest import read_manifest
from core.projects.specification import InputRequest, specify

if TYPE_CHECKING:
    from valohai_yaml.objs import Step

EXAMPLES = sorted((Path(__file__).parent / "manifests").glob("*.yaml"))


def steps() -> list[tuple[Path, str]]:
    return [(path, name) for path in EXAMPLES for name in valohai_yaml.parse(path.read_bytes()).steps]


def example(name: str) -> Path:
    return next(path for path in EXAMPLES if path.stem == name)


def what_a_client_sends(step: Step) -> dict[str, Any]:
    """Return the values that the Valohai client sends: every parameter but a flag without default, none as null."""
    return {
        name: parameter.default
        for name, parameter in step.parameters.items()
        if parameter.type != "flag" or parameter.default is not None
    }


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_same_items_are_found(path: Path) -> None:
    ours, theirs = read_manifest(path.read_bytes()).config, valohai_yaml.parse(path.read_bytes())
    for kind in ("steps", "tasks", "pipelines", "endpoints", "deployments"):
        assert list(getattr(ours, kind)) == list(getattr(theirs, kind))
    assert ours.serialize() == theirs.serialize()


def inputs_of(step: Step) -> dict[str, list[str]]:
    return {name: ["datum://given"] for name, declared in step.inputs.items() if declared.default is None}


@pytest.mark.parametrize(("path", "name"), steps(), ids=lambda value: value if isinstance(value, str) else value.stem)
def test_the_same_command_is_built(path: Path, name: str) -> None:
    theirs = valohai_yaml.parse(path.read_bytes()).steps[name]
    specification = specify(read_manifest(path.read_bytes()), name, inputs=inputs_of(theirs))
    assert specification.command == theirs.build_command(what_a_client_sends(theirs))
    assert specification.image == theirs.image


@pytest.mark.parametrize(("path", "name"), steps(), ids=lambda value: value if isinstance(value, str) else value.stem)
def test_a_copy_of_an_execution_is_the_same(path: Path, name: str) -> None:
    manifest = read_manifest(path.read_bytes())
    first = specify(manifest, name, inputs=inputs_of(manifest.step(name)))
    uris = {key: request.uris for key, request in first.inputs.items() if request.uris}
    assert specify(manifest, name, parameters=first.parameters, inputs=uris) == first


def test_limits_are_seconds() -> None:
    manifest = read_manifest(example("limits").read_bytes())
    limits = {
        name: (specification.time_limit, specification.no_output_timeout)
        for name in manifest.step_names()
        for specification in [specify(manifest, name)]
    }
    assert limits == {
        "seconds": (3600, 60),
        "text": (5405, 7200),
        "weeks": (9 * 86400, None),
        "none": (None, None),
        "stops early": (None, None),
        "preset": (None, None),
    }
    assert specify(manifest, "stops early").stop_condition == "accuracy >= 0.9 and (epoch > 10 or not improving)"


def test_inputs_are_requested_as_the_file_says() -> None:
    specification = specify(read_manifest(example("inputs").read_bytes()), "preprocess")
    latest = ["datum://latest-model"]
    assert specification.inputs == {
        "images": InputRequest(["s3://bucket/images/**.jpg"], keep_directories="suffix"),
        "labels": InputRequest(
            ["https://example.org/labels/a.csv", "https://example.org/labels/b.csv"], keep_directories="full"
        ),
        "flat": InputRequest(["file:///data/*.csv"]),
        "off": InputRequest(latest),
        "on": InputRequest(latest, keep_directories="full"),
        "model": InputRequest(latest, filename="model.npz", optional=True),
        "extra": InputRequest([], optional=True),
        "lazy": InputRequest(["dataset://animals/latest"], download="on-demand"),
        "eager": InputRequest([]),
    }


def test_parameters_are_put_into_addresses() -> None:
    manifest = read_manifest(example("inputs-interpolated").read_bytes())
    inputs = specify(manifest, "fetch", parameters={"name": "seals", "version": "4"}).inputs
    assert inputs["data"].uris == ["dataset://seals_train/4"]
    assert inputs["more"].uris == ["https://example.org/seals.csv", "https://example.org/a-b/{not-ours}.csv"]


def test_the_environment_is_taken_from_the_file() -> None:
    specification = specify(read_manifest(example("environment").read_bytes()), "configured")
    assert specification.environment == "local"
    assert specification.upload_store == "managed"
    assert specification.environment_variables == {"MODE": "fast", "EMPTY": "", "REQUIRED": "given"}


def test_parameters_are_typed() -> None:
    specification = specify(read_manifest(example("parameters-types").read_bytes()), "train")
    assert specification.parameters == {
        "epochs": 10,
        "learning-rate": 0.001,
        "momentum": 1,
        "optimizer": "adam",
        "note": 'it\'s "quoted", with spaces & $dollars',
        "shuffle": None,
        "augment": True,
        "profile": False,
        "seed": None,
        "dropout": 0.5,
    }
    assert "--augment" in specification.command[0].split()
    assert "--profile" not in specification.command[0]
    assert "seed" not in specification.command[0]
